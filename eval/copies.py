"""A home of any size, made from a few real texts, to measure searching in.

A chunk's vector is that of a real passage with noise added; its text is words drawn as often as they stand in the
passages. The home is written by the code that writes every home, in a process of its own, so that the one that
measures stays as small as a service is. Knows nothing of what is measured.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.catalog import Catalog, Change, Stored
from corpus.datasets import load_beir
from corpus.errors import InternalError
from corpus.home import Home
from corpus.questions import load_questions
from corpus.records import Chunk, Document, Parsed, Span, State
from corpus.settings import CorpusSettings
from ingest.writer import Batch, Writer
from retrieval.fingerprint import Fingerprint
from retrieval.settings import DenseSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Encoder

__all__ = ["Copies", "build_elsewhere", "documents_of", "peak_mib", "some_texts"]

SAMPLE = Path(__file__).parent.parent / "corpus" / "sample"
MAX_PASSAGES = 4_000  # embedded for real; the chunks are copies of them
MAX_QUERIES = 500
CHUNKS_PER_DOCUMENT = 100
DOCUMENTS_PER_COMMIT = 100
WORDS_PER_CHUNK = 60
NOISE = 0.5  # length of what is added to a vector of length 1: copies have a cosine of about .8


class Copies:
    """An ``Encoder`` whose passages are noisy copies of a few real ones, and whose queries are real.

    In another number of dimensions than the encoder's, a fixed random matrix leads from one to the other.
    """

    def __init__(self, encoder: Encoder, passages: Sequence[str], dimension: int = 0) -> None:
        real = encoder.fingerprint
        self._encoder: Encoder | None = encoder
        self._map: Array | None = None
        if dimension not in (0, real.dimension):
            rng = np.random.default_rng(dimension)
            shape = (real.dimension, dimension)
            self._map = rng.normal(size=shape).astype(np.float32)
        self.fingerprint: Fingerprint = replace(real, dimension=dimension or real.dimension)
        self._real = self._mapped(encoder.encode_passages(passages))
        self._rng = np.random.default_rng(1)

    def without_model(self) -> Copies:
        """The same for a process that embeds no queries."""
        twin = Copies.__new__(Copies)
        twin.__dict__ = {**self.__dict__, "_encoder": None}
        return twin

    def encode_passages(self, texts: Sequence[str]) -> Array:
        rows = self._rng.integers(len(self._real), size=len(texts))
        dimension = self.fingerprint.dimension
        noise = self._rng.standard_normal((len(texts), dimension), dtype=np.float32)
        return _unit(self._real[rows] + noise * np.float32(NOISE / dimension**0.5))

    def encode_queries(self, texts: Sequence[str]) -> Array:
        if self._encoder is None:
            raise InternalError("this process has no model to encode a query with")
        return self._mapped(self._encoder.encode_queries(texts))

    def count_tokens(self, text: str) -> int:
        return len(text) // 4

    def _mapped(self, vectors: Array) -> Array:
        return vectors if self._map is None else _unit(vectors @ self._map)


def _unit(vectors: Array) -> Array:
    return np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def some_texts(data: Path | None) -> tuple[list[str], list[str]]:
    """Passages and questions, some of each."""
    if data is None:
        asked = load_questions(SAMPLE / "questions.jsonl").questions
        files = sorted(p for p in SAMPLE.rglob("*") if p.suffix in (".md", ".txt"))
        paragraphs = chain.from_iterable(p.read_text("utf-8").split("\n\n") for p in files)
        quotes = (gold.quote for question in asked for gold in question.gold)
        passages = [text for text in chain(quotes, paragraphs) if len(text.split()) > 5]
        return passages, [question.text for question in asked][:MAX_QUERIES]
    dataset = load_beir(data)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(dataset.documents))[:MAX_PASSAGES].tolist()
    asked_rows = rng.permutation(len(dataset.queries))[:MAX_QUERIES].tolist()
    return (
        [dataset.documents[row].text for row in rows],
        [dataset.queries[row].text for row in asked_rows],
    )


def build_elsewhere(
    home: Home, encoder: Copies, passages: Sequence[str], chunks: int, settings: DenseSettings
) -> float:
    """Fill ``home`` in a process of its own, so that ours stays as small as a service; returns the MiB that it took."""
    spawn = multiprocessing.get_context("spawn")
    said = spawn.SimpleQueue()
    arguments = (home.root, encoder.without_model(), list(passages), chunks, settings, said)
    process = spawn.Process(target=_build, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise InternalError(
            f"the index could not be made: its process ended with {process.exitcode}"
        )
    return float(said.get())


def _build(
    root: Path,
    encoder: Copies,
    passages: Sequence[str],
    chunks: int,
    settings: DenseSettings,
    said: Any,
) -> None:
    home = Home(root)
    catalog = Catalog(home)
    corpus = CorpusSettings(home=root, keep_snapshots=1)
    writer = Writer(home, catalog, encoder, corpus, settings)
    with home.writer_lock():
        documents = _documents(passages, chunks)
        while some := list(islice(documents, DOCUMENTS_PER_COMMIT)):
            catalog.commit(_change(some), 1)
        writer.rebuild()
        writer.clear_away()
    writer.close()
    catalog.close()
    said.put(peak_mib())


def _documents(passages: Sequence[str], chunks: int) -> Iterator[tuple[str, list[str]]]:
    """Names of documents, and the texts of each one's chunks."""
    words = np.array([word for passage in passages for word in passage.split()], dtype=object)
    rng = np.random.default_rng(2)
    for start in range(0, chunks, CHUNKS_PER_DOCUMENT):
        count = min(CHUNKS_PER_DOCUMENT, chunks - start)
        drawn = words[rng.integers(len(words), size=(count, WORDS_PER_CHUNK))]
        yield f"document {start // CHUNKS_PER_DOCUMENT}", [" ".join(row) for row in drawn]


def _change(documents: Sequence[tuple[str, Sequence[str]]]) -> Change:
    batch = documents_of(documents)
    return Change(batch.documents, batch.contents, batch.chunks)


def documents_of(documents: Sequence[tuple[str, Sequence[str]]]) -> Batch:
    """A batch of documents, given by their names and the texts of their chunks."""
    batch = Batch()
    for name, texts in documents:
        id = Document.make_id("default", name, name)
        state = (0, State.INDEXED)
        document = Document(id, name, name, "text/plain", name, "default", *state)
        batch.documents.append(Stored(document, id, "made"))
        batch.contents[id] = Parsed("\n".join(texts), ())
        start = 0
        for text in texts:
            spans = (Span(start, start + len(text)),)
            batch.chunks.append(Chunk(Chunk.make_id(id, "made", spans, text), id, spans, text))
            start += len(text) + 1
    return batch


def peak_mib() -> float:
    """The most memory this process had (unlike ``getrusage``, not counting who started it)."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
