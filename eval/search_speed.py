"""How fast searching is at a given size: ``alcove bench search [--chunks N --dim D] [--data DATA]``.

Makes a home of N chunks, as large as you like, from a few real texts: a chunk's vector is that of a real passage with
noise added, its text is words drawn as often as they stand in the passages. The queries are real questions. Passages
and questions are those of a folder in BEIR's layout, or else of the bundled sample. The home is written by the code
that writes every home, in a process of its own, and removed in the end; this process then does what a service does.

JSON: ``{"chunks", "dimension", "index", "bytes_per_chunk", "dense_p50_ms", "dense_p99_ms", "recall_at_10",
"lexical_p50_ms", "lexical_p99_ms", "hybrid_p50_ms", "hybrid_p99_ms", "rss_mib", "open_s", "add_one_s", "build_s",
"build_rss_mib", "processor"}``. Every search is for the ten best and runs on one thread; ``dense`` and ``lexical`` are
the indexes alone, ``hybrid`` is a whole search with the query's encoding and the texts. Recall is against comparing
all vectors. Bytes are those of both indexes. Memory is the largest that this process had, encoder included.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from corpus.catalog import Catalog, Change, Stored
from corpus.datasets import load_beir
from corpus.errors import InternalError
from corpus.home import Home
from corpus.questions import load_questions
from corpus.records import Chunk, Document, Parsed, Span, State
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from eval.processor import processor
from ingest.writer import Batch, Writer
from retrieval.fingerprint import Fingerprint
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Encoder

__all__ = ["SearchSpeed", "measure_search", "search"]

SAMPLE = Path(__file__).parent.parent / "corpus" / "sample"
MAX_PASSAGES = 4_000  # embedded for real; the chunks are copies of them
MAX_QUERIES = 500
CHUNKS_PER_DOCUMENT = 100
DOCUMENTS_PER_COMMIT = 100
WORDS_PER_CHUNK = 60
NOISE = 0.5  # length of what is added to a vector of length 1: copies have a cosine of about .8
K = 10
WARM_UP = 50  # searches before those that count
PASSES = 2  # over the queries


@dataclass(frozen=True, slots=True)
class SearchSpeed:
    """Figures of one size; see the module's docstring."""

    chunks: int
    dimension: int
    index: str
    bytes_per_chunk: float
    dense_p50_ms: float
    dense_p99_ms: float
    recall_at_10: float
    lexical_p50_ms: float
    lexical_p99_ms: float
    hybrid_p50_ms: float
    hybrid_p99_ms: float
    rss_mib: float
    open_s: float
    add_one_s: float
    build_s: float
    build_rss_mib: float
    processor: str


def search(
    chunks: Annotated[int, typer.Option("--chunks", min=100, help="Chunks to search.")] = 100_000,
    dim: Annotated[
        int, typer.Option("--dim", min=0, help="Dimensions; 0: those of the encoder.")
    ] = 0,
    data: Annotated[
        Path | None, typer.Option("--data", help="A folder in BEIR's layout to take texts from.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option("--home", help="Alcove's folder; its settings are used.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Milliseconds of a search, alone and whole, its recall, and the memory it takes, at a given size."""
    figures = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(measure_search(chunks, dim, data, home)).items()
    }
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):16} {value}")


def measure_search(
    chunks: int, dimension: int = 0, data: Path | None = None, home: Path | None = None
) -> SearchSpeed:
    """Make a home of ``chunks`` chunks and measure searches in it.

    Args:
        dimension: of the vectors; 0: as many as the encoder's.
        data: where passages and questions come from, in BEIR's layout; ``None``: the bundled sample.
        home: the real home, whose settings hold; ``None``: ``ALCOVE_HOME`` or the platform's folder.

    Raises:
        UserError: ``data`` is no such folder. OperatorError: no encoder, or no space.
    """
    from agents.settings import Settings
    from eval.bench import open_bench

    passages, queries = _texts(data)
    settings = Settings.load(home).retrieval
    with (
        tempfile.TemporaryDirectory(prefix="alcove-bench-") as folder,
        open_bench("speed", Path(folder), home) as bench,
    ):
        encoder = Copies(bench.encoder, passages, dimension)
        made = Home(Path(folder) / "made")
        started = time.perf_counter()
        build_rss = _build_elsewhere(made, encoder, passages, chunks, settings)
        build_seconds = time.perf_counter() - started
        measured = _measured(made, encoder, queries, settings)
        return SearchSpeed(
            chunks=chunks,
            dimension=encoder.fingerprint.dimension,
            build_s=build_seconds,
            build_rss_mib=build_rss,
            processor=processor(),
            **measured,
        )


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


def _texts(data: Path | None) -> tuple[list[str], list[str]]:
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


def _build_elsewhere(
    home: Home, encoder: Copies, passages: Sequence[str], chunks: int, settings: RetrievalSettings
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
    settings: RetrievalSettings,
    said: Any,
) -> None:
    home = Home(root)
    catalog = Catalog(home)
    writer = Writer(home, catalog, encoder, CorpusSettings(home=root), settings.dense)
    with home.writer_lock():
        documents = _documents(passages, chunks)
        while some := list(islice(documents, DOCUMENTS_PER_COMMIT)):
            catalog.commit(_change(some), 1)
        writer.rebuild()
        writer.clear_away(keep=1)
    writer.close()
    catalog.close()
    said.put(_peak_mib())


def _documents(passages: Sequence[str], chunks: int) -> Iterator[tuple[str, list[str]]]:
    """Names of documents, and the texts of each one's chunks."""
    words = np.array([word for passage in passages for word in passage.split()], dtype=object)
    rng = np.random.default_rng(2)
    for start in range(0, chunks, CHUNKS_PER_DOCUMENT):
        count = min(CHUNKS_PER_DOCUMENT, chunks - start)
        drawn = words[rng.integers(len(words), size=(count, WORDS_PER_CHUNK))]
        yield f"document {start // CHUNKS_PER_DOCUMENT}", [" ".join(row) for row in drawn]


def _change(documents: Sequence[tuple[str, Sequence[str]]]) -> Change:
    batch = _batch(documents)
    return Change(batch.documents, batch.contents, batch.chunks)


def _batch(documents: Sequence[tuple[str, Sequence[str]]]) -> Batch:
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


def _measured(
    home: Home, encoder: Copies, queries: Sequence[str], settings: RetrievalSettings
) -> dict[str, Any]:
    """All figures but those of the building; what touches every vector comes last, after the memory is read."""
    import faiss

    faiss.omp_set_num_threads(1)
    catalog = Catalog(home)
    searcher = Searcher(home, catalog, encoder, settings)
    started = time.perf_counter()
    reader = searcher.reader()
    open_seconds = time.perf_counter() - started
    if reader is None:
        raise InternalError("the home that was made holds no snapshot")
    vectors = list(encoder.encode_queries(queries))
    dense = _milliseconds(lambda vector: reader.dense.search(vector, K), vectors)
    lexical = _milliseconds(lambda query: reader.lexical.search(query, K), queries)
    hybrid = _milliseconds(lambda query: searcher.search(query, K), queries)
    rss = _peak_mib()
    folder = SnapshotStore(home).folder(reader.number)
    indexes = sum(path.stat().st_size for path in folder.rglob("*"))
    figures = {
        "index": reader.dense.kind,
        "bytes_per_chunk": indexes / len(reader.dense),
        "open_s": open_seconds,
        "rss_mib": rss,
        "recall_at_10": _recall(reader.dense, np.array(vectors)),
        "add_one_s": _add_one(home, catalog, searcher, encoder, settings),
    }
    for name, times in (("dense", dense), ("lexical", lexical), ("hybrid", hybrid)):
        figures[f"{name}_p50_ms"], figures[f"{name}_p99_ms"] = times
    catalog.close()
    return figures


def _milliseconds(work: Callable[[Any], object], inputs: Sequence[Any]) -> tuple[float, float]:
    """Median and 99th percentile of one call."""
    for given in islice(chain(inputs, inputs), WARM_UP):
        work(given)
    times = []
    for given in [*inputs] * PASSES:
        started = time.perf_counter()
        work(given)
        times.append((time.perf_counter() - started) * 1e3)
    p50, p99 = np.percentile(times, [50, 99]).tolist()
    return p50, p99


def _recall(dense: Any, queries: Array) -> float:
    """Share of the true ten best that a search finds."""
    true = dense.search_all(queries, K)
    found = [dense.search(query, K)[0] for query in queries]
    shared = sum(len(np.intersect1d(a, b)) for a, b in zip(found, true, strict=True))
    return float(shared / true.size)


def _add_one(
    home: Home,
    catalog: Catalog,
    searcher: Searcher,
    encoder: Encoder,
    settings: RetrievalSettings,
) -> float:
    """Seconds until a document that is given to a new writer is found by a search."""
    text = "zyxwvut is a word that no other document holds"
    started = time.perf_counter()
    writer = Writer(home, catalog, encoder, CorpusSettings(home=home.root), settings.dense)
    with home.writer_lock():
        writer.recover()
        writer.commit(_batch([("one more", [text])]))
        writer.clear_away()
    hits = searcher.search("zyxwvut", 1).hits
    seconds = time.perf_counter() - started
    writer.close()
    if not hits or hits[0].chunk.text != text:
        raise InternalError("a document that was just added is not found")
    return seconds


def _peak_mib() -> float:
    """The most memory this process had (unlike ``getrusage``, not counting who started it)."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
