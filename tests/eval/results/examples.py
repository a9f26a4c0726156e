"""A small benchmark: six systems of which some are better, worse and no different than the baseline."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from eval.report import Report, System, Test
from eval.results.records import Found, Loss, Row, Stage
from eval.scoring.stats import compare

METRIC, OTHER = "recall@5", "context tokens@5"
BASELINE = "recursive-200-30 hybrid"
SKILL = {
    ("recursive", 200): 0.5,
    ("recursive", 400): 0.52,
    ("semantic", 200): 0.7,
    ("semantic", 400): 0.2,
}
FUSIONS = {"dense": 0.0, "hybrid": 0.02}


def rows_of(questions: int = 40, seed: int = 7) -> list[Row]:
    """One row per system and question."""
    draw = random.Random(seed)
    return [
        _row(f"{chunker}-{size}-{size * 3 // 20} {fusion}", number, skill + more, draw)
        for (chunker, size), skill in SKILL.items()
        for fusion, more in FUSIONS.items()
        for number in range(questions)
    ]


def _row(system: str, number: int, skill: float, draw: random.Random) -> Row:
    value = round(min(1.0, max(0.0, skill + draw.gauss(0, 0.1))), 2)
    loss = Loss(f"manual-{number}", 100, 140, Stage.SPLIT, "two chunks cut it; neither holds half")
    found = tuple(
        Found(rank, f"manual-{rank}", 10, 90, 1 / rank, rank, None, rank == 7, f"passage {rank}")
        for rank in range(1, 9)
    )
    return Row(
        system=system,
        query=f"q{number}",
        text=f"How long does part {number} last?",
        kind="lookup",
        metrics={METRIC: value, OTHER: 900.0 + number},
        latency_ms=4.0 + number / 10,
        missed=value < 0.2,
        losses=(loss,) if value < 0.45 else (),
        found=found,
        gold=({"document": f"manual-{number}", "start": 100, "end": 140, "text": "Ten years."},),
    )


def report_of(rows: list[Row], dataset: str = "manuals") -> dict[str, Any]:
    """The report of rows, with tests of every system against the baseline."""
    names = list(dict.fromkeys(row.system for row in rows))
    systems = tuple(_system(name, [row for row in rows if row.system == name]) for name in names)
    baseline = next((system for system in systems if system.name == BASELINE), systems[0])
    tests = tuple(
        _test(s, baseline, m) for m in (METRIC, OTHER) for s in systems if s is not baseline
    )
    context = {"seed": 7, "versions": {"alcove": "0.1.0"}, "data_sha256": "ab" * 32}
    whole = Report(dataset, systems, tests, context, METRIC, (METRIC, OTHER), baseline.name)
    return whole.to_json()


def _system(name: str, rows: list[Row]) -> System:
    chunker, size = name.split("-")[:2] if name.count("-") == 2 else ("recursive", "200")
    lost = [row.stage for row in rows if row.stage]
    parts: Mapping[str, str | int] = {
        "chunker": chunker,
        "size": int(size),
        "fusion": name.rpartition(" ")[2],
    }
    return System(
        name,
        {metric: {row.query: row.metrics[metric] for row in rows} for metric in (METRIC, OTHER)},
        [row.latency_ms or 0.0 for row in rows],
        facts={"chunks": 1200.0, "index MiB": 3.25},
        parts=parts,
        losses={stage: lost.count(stage) for stage in lost},
        missed=sum(row.missed for row in rows),
    )


def _test(system: System, baseline: System, metric: str) -> Test:
    a, b = system.rows[metric], baseline.rows[metric]
    found = compare(a, b, resamples=500)
    moved = sorted(((q, a[q] - b[q]) for q in a), key=lambda m: -abs(m[1]))[:10]
    return Test(system.name, baseline.name, metric, found, min(1.0, 7 * found.p), moved)
