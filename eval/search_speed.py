"""How fast searching is at a given size: ``alcove bench search [--chunks N --dim D] [--data DATA]``.

Makes a home of N chunks, as large as you like, from a few real texts (``eval/copies.py``), and removes it in the end.
The texts and the questions are those of a folder in BEIR's layout, or else of the bundled sample.

JSON: ``{"chunks", "dimension", "index", "bytes_per_chunk", "dense_p50_ms", "dense_p99_ms", "recall_at_10",
"lexical_p50_ms", "lexical_p99_ms", "hybrid_p50_ms", "hybrid_p99_ms", "search_p50_ms", "search_p99_ms", "rss_mib",
"open_s", "add_one_s", "build_s", "build_rss_mib", "processor"}``. Every search is for the ten best; ``dense`` (on one
thread) and ``lexical`` are the indexes alone, ``hybrid`` is a whole search with the query's encoding and the texts,
``search`` the same less the encoding. Recall is against comparing all vectors. Bytes are those of both indexes. Memory
is the largest that the searching process had, encoder included.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from corpus.catalog import Catalog
from corpus.errors import InternalError
from corpus.home import Home
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from eval.copies import Copies, build_elsewhere, documents_of, peak_mib, some_texts
from eval.machine import print_figures
from eval.options import HomeFolder, Json
from ingest.writer import Writer
from retrieval.probe import processor
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Encoder

__all__ = ["SearchSpeed", "measure_search", "search"]

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
    search_p50_ms: float
    search_p99_ms: float
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
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Milliseconds of a search, alone and whole, its recall, and the memory it takes, at a given size."""
    figures = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(measure_search(chunks, dim, data, home)).items()
    }
    if as_json:
        print(json.dumps(figures))
        return
    print_figures(figures)


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

    passages, queries = some_texts(data)
    settings = Settings.load(home).retrieval
    with (
        tempfile.TemporaryDirectory(prefix="alcove-bench-") as folder,
        open_bench("speed", Path(folder), home) as bench,
    ):
        encoder = Copies(bench.encoder, passages, dimension)
        made = Home(Path(folder) / "made")
        started = time.perf_counter()
        build_rss = build_elsewhere(made, encoder, passages, chunks, settings.dense)
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
    times = {
        "dense": _milliseconds(lambda vector: reader.dense.search(vector, K), vectors),
        "lexical": _milliseconds(lambda query: reader.lexical.search(query, K), queries),
    }
    searching: list[float] = []
    times["hybrid"] = _milliseconds(
        lambda query: searching.append(searcher.search(query, K).timings_ms["search"]), queries
    )
    times["search"] = searching[WARM_UP:]
    rss = peak_mib()
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
    for name, measured in times.items():
        p50, p99 = np.percentile(measured, [50, 99]).tolist()
        figures |= {f"{name}_p50_ms": p50, f"{name}_p99_ms": p99}
    catalog.close()
    return figures


def _milliseconds(work: Callable[[Any], object], inputs: Sequence[Any]) -> list[float]:
    """What each call takes once warm, over all inputs and more than once."""
    for given in islice(cycle(inputs), WARM_UP):
        work(given)
    times = []
    for given in [*inputs] * PASSES:
        started = time.perf_counter()
        work(given)
        times.append((time.perf_counter() - started) * 1e3)
    return times


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
        writer.commit(documents_of([("one more", [text])]))
        writer.clear_away()
    hits = searcher.search("zyxwvut", 1, "lexical").hits
    seconds = time.perf_counter() - started
    writer.close()
    if not hits or hits[0].chunk.text != text:
        raise InternalError("a document that was just added is not found")
    return seconds
