"""Faults put into the pipeline from outside, each where one stage ends and the next begins.

Every fault works on a home of its own or on one that all share, made by
the writer that ingestion uses and searched by the search that people use; what is put in place of a
part (an encoder, a chunker, a model's folder, a language model) is a small real one.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from corpus.home import Home
from corpus.records import Chunk, Parsed, Span
from eval.answering import Choice, Halves, ask
from eval.causes.explained import explain
from eval.causes.home import Terms
from eval.results.records import Row, Stage
from eval.spans import place
from ingest.protocols import Chunker
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.eval.causes.contrarian import make_contrarian
from tests.eval.causes.world import K, World, opened
from tests.fakes import FakeLLMServer, HashEncoder, Reply


def page_dropped(world: World, id: str, rng: random.Random, folder: Path) -> Row:
    """The parser has passed over the page that the gold stands on."""
    document, span = world.gold(id)
    parsed = world.documents[document]
    (page,) = (p.span for p in parsed.pages if p.span.start <= span.start < p.span.end)
    cut = _without(parsed, page)
    documents = {**world.documents, document: cut}
    with opened(folder) as bench:
        bench.index_documents(documents, bench.chunker(), lambda done, total: None)
        return world.row(bench, world.topic(id, documents), Terms(mode="hybrid"))


def _without(parsed: Parsed, page: Span) -> Parsed:
    kept = []
    for element in parsed.elements:
        if not element.span.overlaps(page):
            moved = 0 if element.span.start < page.start else len(page)
            span = Span(element.span.start - moved, element.span.end - moved)
            kept.append(replace(element, span=span))
    text = parsed.text[: page.start] + parsed.text[page.end :]
    return replace(parsed, text=text, elements=tuple(kept), pages=())


class Splitting:
    """A chunker that cuts at given places of one document, besides where another one does."""

    def __init__(self, chunker: Chunker, text: str, cuts: Sequence[int]) -> None:
        self._chunker, self._text, self._cuts = chunker, text, cuts
        self.name = f"{chunker.name}-splitting"

    def chunk(self, document: str, parsed: Parsed) -> list[Chunk]:
        chunks = self._chunker.chunk(document, parsed)
        if parsed.text != self._text:
            return chunks
        pieces = (piece for chunk in chunks for piece in self._pieces(chunk))
        return list({piece.id: piece for piece in pieces}.values())  # chunks may overlap

    def _pieces(self, chunk: Chunk) -> Iterator[Chunk]:
        inside = [cut for cut in self._cuts if chunk.start < cut < chunk.end]
        ends = [chunk.start, *inside, chunk.end]
        for start, end in itertools.pairwise(ends):
            text, spans = self._text[start:end], (Span(start, end),)
            if text.strip():
                made = Chunk.make_id(chunk.document, self.name, spans, text)
                yield replace(chunk, id=made, spans=spans, text=text, strategy=self.name)


def span_split(world: World, id: str, rng: random.Random, folder: Path) -> Row:
    """The chunker cuts the gold into pieces of less than half of it."""
    document, span = world.gold(id)
    third, most = len(span) // 3, len(span) // 20  # by which a cut may be elsewhere
    cuts = [at + rng.randint(-most, most) for at in (span.start + third, span.end - third)]
    with opened(folder) as bench:
        chunker = Splitting(bench.chunker(), world.documents[document].text, cuts)
        bench.index_documents(world.documents, chunker, lambda done, total: None)
        return world.row(bench, world.topic(id), Terms(mode="hybrid"))


class Zeroing(HashEncoder):
    """An encoder that makes nothing of some texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(name="zeroing")
        self._texts = texts

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        vectors = super().encode_passages(texts)
        for row, text in enumerate(texts):
            if any(hidden in text for hidden in self._texts):
                vectors[row] = 0
        return vectors


def vector_zeroed(world: World, id: str, rng: random.Random, folder: Path) -> Row:
    """The vectors of the chunks that hold the gold are zero; nothing but the dense index is asked."""
    encoder = Zeroing([chunk.text for chunk in world.holding(id)])
    with opened(folder, encoder) as bench:
        bench.index_documents(world.documents, bench.chunker(), lambda done, total: None)
        return world.row(bench, world.topic(id), Terms(mode="dense"))


def filter_wrong(world: World, id: str, rng: random.Random, folder: Path) -> Row:
    """The search is of another document, title or pages, or for somebody who may not read these."""
    document, _ = world.gold(id)
    other = rng.choice([name for name in world.documents if name != document])
    with opened(world.home) as bench:
        by_name = {d.source: d for d in bench.catalog.documents()}
        terms = rng.choice(
            [
                Terms(documents=(by_name[other].id,)),
                Terms(filters={"title": by_name[other].title}),
                Terms(filters={"media_type": "image/png"}),
                Terms(pages=(99, 99)),
                Terms(reader="bob"),
            ]
        )
        bench.catalog.set_readers("default", ["ann"] if terms.reader else [])
        try:
            return world.row(bench, world.topic(id), terms)
        finally:
            bench.catalog.set_readers("default", [])


def rerank_inverted(world: World, id: str, rng: random.Random, folder: Path) -> Row:
    """A cross-encoder prefers what has the fewest of the question's words."""
    model = make_contrarian(folder / "model", world.questions[id].text)
    settings = RetrievalSettings(rerank_model=model)
    with opened(world.home) as bench:
        searcher = Searcher(Home(world.home), bench.catalog, HashEncoder(), settings)
        (row,) = explain([world.topic(id)], bench.catalog, searcher, settings, Terms(k=20), K)
        return row


class Reader(FakeLLMServer):
    """A model that cites the first passage of its prompt that holds a quote, if one does."""

    def __init__(self, quote: str) -> None:
        super().__init__()
        self._wanted = re.sub(r"\W+", " ", quote)

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        prompt = asked["messages"][-1]["content"]
        for number, body in re.findall(
            r"<<<passage (\d+) .*?\n(.*?)\nend of passage", prompt, re.S
        ):
            bare = re.sub(r"(?m)^[a-z]{2}[|+]", "", body)
            if self._wanted in re.sub(r"\W+", " ", bare):
                return Reply(pieces=(f"{self._wanted} [{number}].",))
        return Reply(pieces=("There is something else in them [1].",))


def answered(world: World, id: str, llm: FakeLLMServer, window: int) -> Row:
    """How the question is answered by a language model, as ``alcove eval answers`` measures it."""
    chosen = {"engine": "openai", "url": llm.url, "model": llm.model, "context_tokens": window}
    with opened(world.home, llm=chosen, answer={"threshold_model": 0.0}) as bench:
        by_name = {document.source: document for document in bench.catalog.documents()}
        placed = place([world.questions[id]], by_name, bench.catalog)
        halves = Halves("sample", placed, ())
        (row,) = ask(bench, halves, Choice(), lambda: None).rows
        return row


def cited(world: World, id: str) -> bool:
    """Whether the question's gold is cited by a model that is shown all of its passages."""
    with Reader(world.questions[id].gold[0].quote) as llm:
        return not answered(world, id, llm, 8192).losses


def passage_cut(world: World, id: str, rng: random.Random, folder: Path) -> Row:
    """The window of the language model is too small for the passage that holds the gold."""
    with Reader(world.questions[id].gold[0].quote) as llm:
        return answered(world, id, llm, rng.randrange(1200, 1500))


def fusion_one_sided(world: World, id: str, rng: random.Random, folder: Path) -> Row:
    """Fusion counts the index alone that does not find the gold by itself."""
    settings = RetrievalSettings(dense_weight=0.0 if world.found(id, "dense") else 1.0)
    with opened(world.home) as bench:
        searcher = Searcher(Home(world.home), bench.catalog, HashEncoder(), settings)
        (row,) = explain([world.topic(id)], bench.catalog, searcher, settings, Terms(k=20), K)
        return row


def answer_ignores(world: World, id: str, rng: random.Random, folder: Path) -> Row:
    """The model is shown the gold and says something else."""
    with Reader("words that stand in no passage") as llm:
        return answered(world, id, llm, 8192)


def in_one_index(world: World, id: str) -> bool:
    """Whether both indexes together find the question's gold, and only one of them by itself."""
    alone = [world.found(id, mode) for mode in ("dense", "lexical")]
    return sum(alone) == 1 and world.found(id, "hybrid")


def in_hybrid(world: World, id: str) -> bool:
    """Whether hybrid search finds the question's gold."""
    return world.found(id, "hybrid")


def on_a_page(world: World, id: str) -> bool:
    """The same, of a document of several pages."""
    return len(world.documents[world.gold(id)[0]].pages) > 1 and in_hybrid(world, id)


def in_dense(world: World, id: str) -> bool:
    """Whether dense search finds it."""
    return world.found(id, "dense")


@dataclass(frozen=True)
class Kind:
    """A kind of fault, the stage it happens at, and which questions are whole without it."""

    fault: Callable[[World, str, random.Random, Path], Row]
    stage: Stage
    whole: Callable[[World, str], bool]

    def injected(self, world: World, folder: Path, count: int) -> Iterator[Row]:
        """Of all questions, in an order that the kind's name is the seed of, the first ``count`` that are
        whole without the fault and have lost something with it.
        """
        rng = random.Random(self.fault.__name__)
        ids = rng.sample(sorted(world.questions), len(world.questions))
        made = 0
        for id in ids:
            if made < count and self.whole(world, id):
                row = self.fault(world, id, rng, folder / f"{self.fault.__name__}-{id}")
                if row.losses:
                    made += 1
                    yield row


KINDS = (
    Kind(page_dropped, Stage.NOT_PARSED, on_a_page),
    Kind(span_split, Stage.SPLIT, in_hybrid),
    Kind(filter_wrong, Stage.FILTERED, in_hybrid),
    Kind(vector_zeroed, Stage.NOT_RETRIEVED, in_dense),
    Kind(rerank_inverted, Stage.RERANK, in_hybrid),
    Kind(passage_cut, Stage.PROMPT, cited),
)
OTHERS = (
    Kind(fusion_one_sided, Stage.FUSION, in_one_index),
    Kind(answer_ignores, Stage.ANSWER, cited),
)
