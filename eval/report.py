"""What a benchmark found, as JSON: what programs read, and what tables, plots and the page are made of.

One JSON object::

    dataset      its name
    metric       the measure that tests, plots and diagnosis go by; null: none is singled out
    metrics      every measure, in the order to show them
    baseline     the system that the others are tested against; null: none
    systems      [{name, metrics: {measure: mean}, ci95: {measure: [low, high]},
                   n: queries, n_by_metric: {measure: n}, latency_ms: {p50, p95},
                   parts: {chunker, size, encoder, ...}, facts: {figure: value},
                   losses: {stage: questions}, missed: questions,
                   kinds: {kind: {metrics, ci95, n, n_by_metric}}}]
    tests        [{a, b, metric, delta, ci95, p, p_t, p_holm, n, wins, ties, losses,
                   moved: [{query, delta}]}]
    context      {...}

``n`` counts queries; a mean over fewer of them (answers that were not refused, say) says so in
``n_by_metric``. Latencies are null where nothing was timed. Of a system, ``parts`` says what it is
made of, ``facts`` are figures about itself (its chunks, say), ``losses`` counts questions by the
first stage that lost any of their gold, ``missed`` those that lost all of it; each of
these, and ``kinds``, is left out where nobody looked. A test is about ``a`` minus ``b``: ``p`` is of
the randomization test, ``p_t`` of Student's paired t-test, ``p_holm`` the first after Holm's
correction over all tests of that measure; null where not computed. ``moved`` are the queries that
differ most, the largest difference first. ``context`` names what the figures depend on.

Knows rows, not how they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.results.records import Stage
from eval.scoring.measures import Rows
from eval.scoring.stats import (
    SEED,
    Comparison,
    Estimate,
    compare_all,
    estimate_all,
    holm,
    moved,
    percentile,
)

__all__ = ["Report", "System", "Test", "paired_tests"]


@dataclass(frozen=True, slots=True)
class System:
    """One way of answering queries, with a value per measure and query.

    ``latencies_ms`` holds a figure per query that was timed; ``kinds`` names subsets of the queries.
    The rest is as the module's docstring has it; ``missed`` is None where nobody looked.
    """

    name: str
    rows: Rows
    latencies_ms: Sequence[float]
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, str | int] = field(default_factory=dict)
    losses: Mapping[str, int] = field(default_factory=dict)
    missed: int | None = None
    seed: int = SEED

    @property
    def queries(self) -> set[str]:
        """The queries that have a value in any measure."""
        return set().union(*self.rows.values())

    def estimates(self, queries: Sequence[str] | None = None) -> dict[str, Estimate]:
        """Mean and interval of every measure that has a row, over all queries or some."""
        chosen = None if queries is None else set(queries)
        values = {
            name: [v for query, v in rows.items() if chosen is None or query in chosen]
            for name, rows in self.rows.items()
        }
        measured = {name: found for name, found in values.items() if found}
        return dict(
            zip(measured, estimate_all(list(measured.values()), seed=self.seed), strict=True)
        )

    def to_json(self) -> dict[str, Any]:
        """The system as the module's docstring shows it."""
        data: dict[str, Any] = {
            "name": self.name,
            **_figures(self.estimates(), len(self.queries)),
            "latency_ms": {"p50": self._latency(0.5), "p95": self._latency(0.95)},
        }
        for key, found in (("parts", self.parts), ("facts", self.facts)):
            if found:
                data[key] = dict(found)
        if self.missed is not None:
            data |= {"losses": _in_order(self.losses), "missed": self.missed}
        if self.kinds:
            data["kinds"] = {
                kind: _figures(self.estimates(queries), len(queries))
                for kind, queries in self.kinds.items()
            }
        return data

    def _latency(self, share: float) -> float | None:
        return round(percentile(self.latencies_ms, share), 3) if self.latencies_ms else None


@dataclass(frozen=True, slots=True)
class Test:
    """Whether system ``a`` differs from system ``b`` in one measure.

    ``p_holm`` and ``moved`` (query and difference) are as the module's docstring has them.
    """

    __test__ = False  # a class named Test is not one of pytest's

    a: str
    b: str
    metric: str
    result: Comparison
    p_holm: float | None = None
    moved: Sequence[tuple[str, float]] = ()

    def to_json(self) -> dict[str, Any]:
        """The test as the module's docstring shows it."""
        found = self.result
        return {
            "a": self.a,
            "b": self.b,
            "metric": self.metric,
            **found.figures(self.p_holm),
            "wins": found.wins,
            "ties": found.ties,
            "losses": found.losses,
            "moved": [{"query": query, "delta": delta} for query, delta in self.moved],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one benchmark run found.

    ``metrics`` are the measures to show, in order; empty: all that a system has.
    """

    dataset: str
    systems: tuple[System, ...]
    tests: tuple[Test, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    metric: str | None = None
    metrics: Sequence[str] = ()
    baseline: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The report as the module's docstring shows it."""
        return {
            "dataset": self.dataset,
            "metric": self.metric,
            "metrics": list(self.metrics or self._measures()),
            "baseline": self.baseline,
            "systems": [system.to_json() for system in self.systems],
            "tests": [test.to_json() for test in self.tests],
            "context": dict(self.context),
        }

    def _measures(self) -> Iterable[str]:
        return dict.fromkeys(name for system in self.systems for name in system.rows)


def paired_tests(
    systems: Sequence[System], of: str = "hybrid", seed: int = SEED
) -> tuple[Test, ...]:
    """The system named ``of`` against each other one, in every measure; none if it is absent.

    The tests of one measure are one family for Holm's correction.
    """
    chosen = next((system for system in systems if system.name == of), None)
    if chosen is None:
        return ()
    others = [system for system in systems if system is not chosen]
    tests: list[Test] = []
    for metric, rows in chosen.rows.items():
        pairs = [(rows, other.rows[metric]) for other in others]
        found = compare_all(pairs, seed=seed)
        corrected = holm([result.p for result in found])
        tests.extend(
            Test(of, other.name, metric, result, p, moved(*pair))
            for other, pair, result, p in zip(others, pairs, found, corrected, strict=True)
        )
    return tuple(tests)


def _figures(estimates: Mapping[str, Estimate], n: int) -> dict[str, Any]:
    return {
        "metrics": {name: found.mean for name, found in estimates.items()},
        "ci95": {name: [found.low, found.high] for name, found in estimates.items()},
        "n": n,
        "n_by_metric": {name: found.n for name, found in estimates.items()},
    }


def _in_order(losses: Mapping[str, int]) -> dict[str, int]:
    """The stages that lost something, as they follow each other."""
    return {stage.value: losses[stage] for stage in Stage if losses.get(stage)}
