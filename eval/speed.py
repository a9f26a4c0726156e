"""How fast this machine is: ``alcove bench …``. Every run works in a home of its own, made for it and removed after it.

``ingest DATA`` takes a folder of files through the whole pipeline (read, parse, cut, embed, commit), and once more
through the parsers alone; a folder in BEIR's layout has nothing to parse and is cut, embedded and committed. JSON:
``{"documents", "chunks", "pages", "seconds", "documents_per_s", "chunks_per_s", "pages_per_s", "parse_seconds",
"parse_documents_per_s", "parse_pages_per_s", "peak_rss_mib", "bytes_per_chunk"}``, the parse figures and pages
``null`` without files. Loading the encoder is not counted; a service does it once. Bytes are those
of texts, vectors and indexes; the copies of the sources are left out.

``search`` is in ``eval/search_speed.py``, ``llm`` in ``eval/load``.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.datasets import load_beir
from corpus.errors import FileProblem, UserError
from eval.bench import open_bench
from eval.embed_speed import embed
from eval.load.command import llm
from eval.machine import print_figures
from eval.options import HomeFolder, Json
from eval.search_speed import search
from ingest.discover import find_sources
from ingest.parsing.worker import ParserPool

if TYPE_CHECKING:
    from eval.bench import Bench

__all__ = ["IngestSpeed", "app", "measure_ingest"]

app = typer.Typer(help="Measure the speed of this machine.", no_args_is_help=True)

WARM_UP = "The first text an encoder sees takes longer than those after it."


@dataclass(frozen=True, slots=True)
class IngestSpeed:
    """Figures of one ingestion; ``documents`` are those that ended with text, memory is this process's, in MiB."""

    documents: int
    chunks: int
    pages: int | None
    seconds: float
    parse_seconds: float | None
    peak_rss_mib: float
    bytes_per_chunk: float

    def to_json(self) -> dict[str, Any]:
        """The object that the module's docstring shows."""
        figures = asdict(self) | {
            "documents_per_s": _rate(self.documents, self.seconds),
            "chunks_per_s": _rate(self.chunks, self.seconds),
            "pages_per_s": _rate(self.pages, self.seconds),
            "parse_documents_per_s": _rate(self.documents, self.parse_seconds),
            "parse_pages_per_s": _rate(self.pages, self.parse_seconds),
        }
        return {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in figures.items()
        }


@app.callback()
def bench() -> None:
    """Measure the speed of this machine."""


app.command()(embed)
app.command()(search)
app.command()(llm)


@app.command()
def ingest(
    data: Annotated[Path, typer.Argument(help="A folder of files, or one in BEIR's layout.")],
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Documents, chunks and pages a second, from files to a durable index, and through the parsers alone."""
    figures = measure_ingest(data, home).to_json()
    if as_json:
        print(json.dumps(figures))
        return
    print_figures(figures)


def measure_ingest(data: Path, home: Path | None = None) -> IngestSpeed:
    """Ingest ``data`` into an empty home, with the settings of the real one.

    Args:
        data: a folder of files, or one in BEIR's layout.
        home: the real home; ``None``: ``ALCOVE_HOME`` or the platform's folder.

    Raises:
        UserError: there is nothing to ingest. OperatorError: no encoder, or no space.
    """
    is_beir = (data / "corpus.jsonl").is_file()
    if not is_beir and not find_sources([data]):
        raise UserError(f"there is no file below {str(data)!r}; name a folder of documents")
    with _empty_bench(home) as (bench, folder):
        bench.encoder.encode_passages([WARM_UP])
        started = time.perf_counter()
        if is_beir:
            bench.index(load_beir(data), lambda done, total: None)
        else:
            bench.ingest(data, lambda progress: None)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts KiB
        parse_seconds = None if is_beir else _parse_seconds(data, bench)
        documents = [d for d in bench.catalog.documents() if d.state.searchable]
        chunks = len(bench.catalog.chunk_ids())
        return IngestSpeed(
            documents=len(documents),
            chunks=chunks,
            pages=None if is_beir else sum(document.pages for document in documents),
            seconds=seconds,
            parse_seconds=parse_seconds,
            peak_rss_mib=peak,
            bytes_per_chunk=_stored_bytes(folder) / max(chunks, 1),
        )


@contextmanager
def _empty_bench(home: Path | None) -> Iterator[tuple[Bench, Path]]:
    with (
        tempfile.TemporaryDirectory(prefix="alcove-bench-") as cache,
        open_bench("speed", Path(cache), home) as bench,
    ):
        yield bench, Path(cache) / "speed"


def _parse_seconds(data: Path, bench: Bench) -> float:
    """Wall-clock seconds that the parsers alone take for every file."""
    files = [source.path for source in find_sources([data])]
    workers = bench.parser_workers
    started = time.perf_counter()
    with ParserPool(workers) as pool, ThreadPoolExecutor(workers) as threads:
        list(threads.map(lambda path: _parse(pool, path), files))
    return time.perf_counter() - started


def _parse(pool: ParserPool, path: Path) -> bool:
    """Whether ``path`` could be read; its time counts in either case."""
    try:
        pool.parse(path)
    except FileProblem:
        return False
    return True


def _rate(count: int | None, seconds: float | None) -> float | None:
    return None if count is None or seconds is None else count / max(seconds, 1e-9)


def _stored_bytes(home: Path) -> int:
    files = (path for path in home.rglob("*") if path.is_file() and not path.is_symlink())
    inodes = {
        (stat.st_dev, stat.st_ino): stat.st_size
        for path in files
        if "originals" not in path.parts
        for stat in [path.stat()]
    }
    return sum(inodes.values())  # a file linked into two snapshots is on disk once
