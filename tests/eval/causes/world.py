"""A few of the sample's documents, read once by the real pipeline, with the questions that have one gold span."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.build import build
from agents.settings import Settings
from corpus.questions import Question, QuestionSet, load_questions
from corpus.records import Chunk, Parsed, Span
from eval.bench import Bench
from eval.causes.explained import explain
from eval.causes.home import Terms
from eval.gold.placing import place_questions
from eval.gold.records import Topic
from eval.gold.shelf import Shelf
from eval.results.records import Row
from tests.fakes import HashEncoder

SAMPLE = Path(__file__).parents[3] / "corpus" / "sample"
READ = (
    "guides/agents-and-tools.md",
    "guides/faq.md",
    "guides/fine-tuning-memory.pdf",
    "guides/kv-cache-and-batching.md",
    "guides/quantization-formats.pdf",
    "guides/rag-pipeline.md",
    "operations/access-policy.pdf",
    "operations/change-log.md",
    "operations/incidents/2026-02-03-out-of-memory.md",
    "operations/incidents/2026-03-17-disk-full.txt",
    "operations/runbook-start-and-stop.md",
)
K = 5


@contextmanager
def opened(
    folder: Path, encoder: HashEncoder | None = None, **sections: Mapping[str, Any]
) -> Iterator[Bench]:
    """The home in ``folder``, with an encoder of the test's."""
    settings = Settings.load(folder, {"llm": {"engine": "extractive"}, **sections})
    app = build(settings, lambda *_: (encoder or HashEncoder(), "of a test"))
    try:
        yield Bench(app)
    finally:
        app.close()


@dataclass(frozen=True)
class World:
    """Documents as they were read, questions about them, and the home that holds them unharmed."""

    documents: Mapping[str, Parsed]
    questions: Mapping[str, Question]
    home: Path

    @classmethod
    def read(cls, folder: Path) -> World:
        """Read the documents by the real pipeline, once."""
        for name in READ:
            (folder / "documents" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SAMPLE / "documents" / name, folder / "documents" / name)
        with opened(folder / "read", ingest={"workers": 2}) as bench:
            bench.ingest(folder / "documents", lambda progress: None)
            found = {d.source: bench.catalog.parsed(d.id) for d in bench.catalog.documents()}
        documents = {name: found[str(folder / "documents" / name)] for name in READ}
        asked = load_questions(SAMPLE / "questions.jsonl").questions
        single = [q for q in asked if len(q.gold) == 1 and q.gold[0].document in documents]
        world = cls(documents, {question.id: question for question in single}, folder / "whole")
        with opened(world.home) as bench:
            bench.index_documents(documents, bench.chunker(), lambda done, total: None)
        return world

    def topic(self, id: str, documents: Mapping[str, Parsed] | None = None) -> Topic:
        """A question with its gold in ``documents``, as the benchmarks place it."""
        others = [q for q in self.questions.values() if q.id != id]
        asked = QuestionSet("sample", (self.questions[id], *others))
        shelf = Shelf("a test", documents or self.documents, {})
        return place_questions(asked, shelf).topics[0]

    def gold(self, id: str) -> tuple[str, Span]:
        """The document and the span of a question's gold."""
        ((document, span),) = self.topic(id).gold
        return document, span

    def row(self, bench: Bench, topic: Topic, terms: Terms) -> Row:
        """How the question fared, as ``alcove eval why`` tells it."""
        found = bench.catalog, bench.searcher, bench.settings.retrieval
        (row,) = explain([topic], *found, terms, K)
        return row

    def found(self, id: str, mode: str) -> bool:
        """Whether the question's gold is found without a fault."""
        with opened(self.home) as bench:
            return not self.row(bench, self.topic(id), Terms(mode=mode)).losses

    def holding(self, id: str) -> list[Chunk]:
        """The chunks that have a character of the question's gold."""
        document, span = self.gold(id)
        with opened(self.home) as bench:
            ids = [d.id for d in bench.catalog.documents() if d.source == document]
            chunks = bench.catalog.chunks_of(ids[0])
        return [chunk for chunk in chunks if any(s.overlaps(span) for s in chunk.spans)]
