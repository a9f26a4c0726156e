"""Results folders with given values, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eval.report import Report, System
from eval.results.folder import write_results
from eval.results.records import Row

Values = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Values by system, measure and question."""


def make_results(
    folder: Path,
    values: Values,
    digest: str = "d" * 64,
    texts: Mapping[str, str] | None = None,
    **more: object,
) -> Path:
    """A results folder; ``more`` goes into its report's context."""
    systems = tuple(System(name, rows, [1.0, 2.0]) for name, rows in values.items())
    metrics = tuple(dict.fromkeys(metric for rows in values.values() for metric in rows))
    context = {"data_sha256": digest, **more} if digest else dict(more)
    report = Report("made", systems, (), context, metrics[0], metrics).to_json()
    rows = [
        Row(name, query, (texts or {}).get(query, f"What is {query}?"), "", metrics_of(rows, query))
        for name, rows in values.items()
        for query in dict.fromkeys(query for found in rows.values() for query in found)
    ]
    write_results(folder, report, rows, {}, {}, "")
    return folder


def metrics_of(rows: Mapping[str, Mapping[str, float]], query: str) -> dict[str, float]:
    return {metric: found[query] for metric, found in rows.items() if query in found}
