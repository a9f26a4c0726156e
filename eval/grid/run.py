"""A grid file from beginning to end: its data read, its cells computed, judged, tested and written.

What can be wrong is found before anything is computed. The same data, settings and machine give the same bytes once
the cells are in the cache. Knows which parts there are; each of them knows its own work.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.settings import Settings
from corpus.errors import UserError
from corpus.home import Home
from eval.bench import Bench, open_bench
from eval.gold.records import GoldSet, Topic
from eval.gold.sources import load_gold
from eval.grid.cells import Cell, cells_of
from eval.grid.compute import Benches, Computed, Order, compute, weight_of
from eval.grid.judging import SHOWN, Judged, judge
from eval.grid.plan import GridFile
from eval.grid.progress import Listen, Progress
from eval.grid.stamp import machine, settings_of, versions
from eval.report import Report, paired_tests
from eval.results.folder import require_place, slug, write_results
from eval.results.html_report import render_html
from retrieval.search import check_query

if TYPE_CHECKING:
    from ingest.settings import IngestSettings

__all__ = ["Measured", "measure_grid", "run_grid"]

SPAN_METRICS = (
    "token IoU@{k}",
    "token recall@{k}",
    "token precision@{k}",
    "context tokens@{k}",
    "precision omega",
    "span recall@{k}",
    "success@{k}",
    "nDCG@10",
    "MRR@10",
)
DOCUMENT_METRICS = (
    "nDCG@10",
    "MRR@10",
    "MAP@100",
    "recall@100",
    "recall@{k}",
    "precision@{k}",
    "success@{k}",
)


@dataclass(frozen=True)
class Measured:
    """What a grid found: the report, and of every system its rows and its ranking."""

    report: Report
    judged: tuple[Judged, ...]
    topics: tuple[Topic, ...]

    @cached_property
    def data(self) -> dict[str, Any]:
        """The report as JSON; its intervals take seconds, and are computed once."""
        return self.report.to_json()

    def write(self, folder: Path) -> None:
        """Write the results folder; arguments and errors as ``write_results``."""
        rows = [row for found in self.judged for row in found.rows]
        qrels = {topic.id: topic.qrels() for topic in self.topics}
        runs = {found.system.name: found.run for found in self.judged}
        write_results(folder, self.data, rows, qrels, runs, render_html(self.data, rows))


def run_grid(
    grid: GridFile,
    out: Path | None,
    cache: Path | None,
    home: Path | None,
    listen: Listen,
    benches: Benches | None = None,
) -> tuple[Measured, Path]:
    """Compute a grid, and write its results folder.

    Args:
        out: the results folder; ``None``: ``eval/results/NAME`` in the home.
        cache, home, listen, benches: as ``measure_grid``.

    Returns:
        what was found, and where the results are.

    Raises:
        UserError: as ``measure_grid``, or ``out`` holds something else. DiskFull, OperatorError: the
            machine's fault; what was computed is kept.
    """
    folder = out or Settings.load(home).corpus.home / "eval" / "results" / slug(grid.name)
    require_place(folder)
    measured = measure_grid(grid, cache, home, listen, benches)
    measured.write(folder)
    return measured, folder


def measure_grid(
    grid: GridFile,
    cache: Path | None,
    home: Path | None,
    listen: Listen,
    benches: Benches | None = None,
) -> Measured:
    """Compute a grid.

    Args:
        cache: where indexes and finished cells are kept; ``None``: ``eval`` in the home.
        home: whose settings hold; ``None``: ``ALCOVE_HOME`` or the platform's folder.
        listen: told how far it is.
        benches: opens benchmark homes; ``None``: below ``cache``, with the encoders that are here.

    Raises:
        UserError: data, grid or settings are wrong; nothing was computed. Conflict: another run is at it.
        DiskFull, OperatorError: the machine's fault; what was computed is kept.
    """
    source, settings = grid.source(), Settings.load(home)
    if source is None:
        raise UserError(
            f"The grid {grid.name!r} names no questions; add 'dataset' to the file, or give --dataset."
        )
    cells = cells_of(grid.grid, settings)
    baseline = _baseline(grid, cells, settings)
    if benches is None:
        _require_encoders(cells, settings)
        benches = partial(_bench, cache, home)
    gold = load_gold(source, cache, home, partial(listen, "reading the documents"))
    topics = gold.answerable[: grid.limit or None]
    if not topics:
        raise UserError(f"No question of {gold.name!r} has gold; there is nothing to measure.")
    for topic in topics:
        _require_searchable(topic, settings.retrieval.max_query_characters)
    metrics = _metrics(grid, topics)
    order = Order(gold, topics, cells, grid.depth, grid.grid.k[0])
    progress = Progress(listen, weight_of(order))
    computed = compute(order, benches, progress)
    progress.stage("judging what was found", 0)
    kept = max(grid.grid.k)
    judged = tuple(found for c in computed for found in judge(c, order, metrics, kept, grid.seed))
    context = _context(grid, order, computed, settings)
    return Measured(_report(grid, gold, judged, metrics, baseline, context), judged, topics)


def _bench(
    cache: Path | None, home: Path | None, name: str, encoder: str
) -> AbstractContextManager[Bench]:
    return open_bench(name, cache, home, {"embedding": {"model": encoder}})


def _require_searchable(topic: Topic, longest: int) -> None:
    """Refuse now a question that the search would refuse after the indexing."""
    try:
        check_query(topic.text, longest)
    except UserError as exc:
        raise UserError(f"Question {topic.id!r}: {exc}") from exc


def _require_encoders(cells: Sequence[Cell], settings: Settings) -> None:
    """Refuse an encoder that is not on this machine; the message lists those that are known."""
    from retrieval.models import resolve

    home = Home(settings.corpus.home)
    for encoder in dict.fromkeys(cell.indexed.encoder for cell in cells):
        resolve(encoder, home, settings.embedding.cache)


def _baseline(grid: GridFile, cells: Sequence[Cell], settings: Settings) -> str:
    """The system that the others are tested against: the file's, else what is set, else the first."""
    names = [cell.name for cell in cells]
    if grid.baseline:
        if grid.baseline.removesuffix(SHOWN) not in names:
            raise UserError(
                f"'baseline' of the grid names no system {grid.baseline!r}; choose from {', '.join(names)}."
            )
        return grid.baseline
    as_set = (settings.answer.mode, settings.retrieval)
    own = [cell for cell in cells if _cut(cell.indexed.ingest) == _cut(settings.ingest)]
    exact = [cell for cell in own if (cell.mode, cell.search) == as_set]
    return (exact or own or list(cells))[0].name


def _cut(settings: IngestSettings) -> tuple[str, int, int, int]:
    """What decides about chunks."""
    sizes = (settings.chunk_tokens, settings.overlap_tokens, settings.sentences)
    return (settings.strategy, *sizes)


def _metrics(grid: GridFile, topics: Sequence[Topic]) -> tuple[str, ...]:
    """The measures to take, by kind of gold unless the file names them; the one that tests go by is the first."""
    has_spans = any(topic.gold or topic.lost for topic in topics)
    found = list(grid.metrics or (SPAN_METRICS if has_spans else DOCUMENT_METRICS))
    if grid.metrics is None:
        found = [name.format(k=k) for name in found for k in grid.grid.k]
    return tuple(dict.fromkeys([*filter(None, [grid.metric]), *found]))


def _report(
    grid: GridFile,
    gold: GoldSet,
    judged: Sequence[Judged],
    metrics: Sequence[str],
    baseline: str,
    context: dict[str, Any],
) -> Report:
    systems = tuple(found.system for found in judged)
    if baseline not in {system.name for system in systems}:
        raise UserError(f"There is no system {baseline!r}; its hits have no windows.")
    return Report(
        gold.name,
        systems,
        paired_tests(systems, baseline, grid.seed),
        context,
        grid.metric or metrics[0],
        metrics,
        baseline,
    )


def _context(
    grid: GridFile, order: Order, computed: Sequence[Computed], settings: Settings
) -> dict[str, Any]:
    """Everything that the figures depend on."""
    spaces = {c.fingerprint.key: c.fingerprint.to_json() for c in computed}
    return {
        "encoder": ", ".join(dict.fromkeys(c.fingerprint.model for c in computed)),
        "documents": len(order.gold.documents),
        "questions": len(order.topics),
        "gold_missing": sum(len(topic.lost) for topic in order.topics),
        "gold_moved": order.gold.moved,
        "depth": order.depth,
        "k": list(grid.grid.k),
        "seed": grid.seed,
        "data_sha256": order.gold.digest(),
        "encoders": list(spaces.values()),
        "settings": settings_of(settings),
        "versions": versions(),
        "machine": machine(),
    }
