"""Is B really better than A? Two results folders, or two systems of one, question by question.

``compare_sides`` tests ``b`` minus ``a`` in every measure that both have, with Holm's correction over all of them. A
measure that does not apply to every question is tested on those that have a value in both. Which systems face each
other is settled in ``eval/scoring/sides.py``; ``eval/scoring/wording.py`` puts the outcome into a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from corpus.errors import UserError
from eval.scoring.measures import is_cost
from eval.scoring.sides import Side, require_alike
from eval.scoring.stats import ALPHA, Comparison, compare_all, detectable, holm, moved

__all__ = ["Compared", "Move", "Outcome", "compare_sides"]

MOST_MOVED = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measure: the means, and ``b`` minus ``a`` with its test, corrected over all measures."""

    metric: str
    mean_a: float
    mean_b: float
    result: Comparison
    p_holm: float
    tests: int

    @property
    def sign(self) -> int:
        """1: ``b`` is better; -1: worse; 0: there is no evidence of either."""
        delta = self.result.delta
        if self.p_holm >= ALPHA or delta == 0:
            return 0
        return 1 if (delta > 0) != is_cost(self.metric) else -1

    @property
    def better(self) -> int:
        """Questions on which ``b`` did better."""
        return self.result.losses if is_cost(self.metric) else self.result.wins

    @property
    def worse(self) -> int:
        """Questions on which ``b`` did worse."""
        return self.result.wins if is_cost(self.metric) else self.result.losses

    @property
    def detectable(self) -> float | None:
        """The difference that would be noticed in 80 % of cases; ``None``: with so few questions none."""
        smallest = 2.0 ** (1 - self.result.n)  # p, where all questions go the same way
        return detectable(self.result.error, self.tests) if smallest * self.tests < ALPHA else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = self.result
        return {
            "metric": self.metric,
            "mean_a": self.mean_a,
            "mean_b": self.mean_b,
            **found.figures(self.p_holm),
            "better": self.better,
            "same": found.ties,
            "worse": self.worse,
            "detectable": self.detectable,
            "verdict": {1: "better", 0: "no evidence", -1: "worse"}[self.sign],
        }


@dataclass(frozen=True, slots=True)
class Move:
    """A question on which the two differ, with the values of both."""

    query: str
    text: str
    a: float
    b: float
    delta: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"query": self.query, "text": self.text} | {
            "a": self.a,
            "b": self.b,
            "delta": self.delta,
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """How ``b`` does against ``a``: ``outcomes`` of every measure, the one asked about first.

    ``moved``: the questions that differ most in it. ``latency_ms``: as the reports have it.
    """

    a: str
    b: str
    outcomes: tuple[Outcome, ...]
    moved: tuple[Move, ...]
    latency_ms: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answer(self) -> Outcome:
        """The outcome in the measure that was asked about."""
        return self.outcomes[0]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "a": self.a,
            "b": self.b,
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
            "moved": [move.to_json() for move in self.moved],
            "latency_ms": dict(self.latency_ms),
        }


def compare_sides(pairs: Sequence[tuple[Side, Side]], metric: str = "") -> list[Compared]:
    """Compare every pair in every measure that both have; the correction is over all pairs and measures.

    Args:
        metric: the one that is asked about; "": the one the reports go by, else their first.

    Raises:
        UserError: the two are not about the same questions and data, or lack the measure.
    """
    for a, b in pairs:
        require_alike(a, b)
    asked = [(a, b, name) for a, b in pairs for name in _metrics(a, b, metric)]
    values = [_paired(a, b, name) for a, b, name in asked]
    results = compare_all([(second, first) for first, second in values])
    corrected = holm([result.p for result in results])
    found: dict[tuple[str, str], list[Outcome]] = {}
    for (a, b, name), (first, second), result, p in zip(
        asked, values, results, corrected, strict=True
    ):
        means = fmean(first.values()), fmean(second.values())
        outcome = Outcome(name, *means, result, p, len(asked))
        found.setdefault((a.label, b.label), []).append(outcome)
    return [_compared(a, b, found[a.label, b.label]) for a, b in pairs]


def _compared(a: Side, b: Side, outcomes: Sequence[Outcome]) -> Compared:
    first, second = _paired(a, b, outcomes[0].metric)
    moves = tuple(
        Move(query, b.rows[query].text, first[query], second[query], delta)
        for query, delta in moved(second, first, MOST_MOVED)
    )
    latency = {key: _latency(side) for key, side in (("a", a), ("b", b))}
    return Compared(a.label, b.label, tuple(outcomes), moves, latency)


def _latency(side: Side) -> Any:
    systems = side.results.report["systems"]
    return next(s.get("latency_ms") for s in systems if s["name"] == side.system)


def _metrics(a: Side, b: Side, asked: str) -> list[str]:
    """The measures that both have, the one asked about first."""
    both = [name for name in a.metrics if name in b.metrics and _paired(a, b, name)[0]]
    reported = a.results.report.get("metric"), b.results.report.get("metric")
    if asked and asked not in both:
        raise UserError(
            f"{a.label!r} and {b.label!r} do not both have the measure {asked!r}; choose from"
            f" {', '.join(both) or 'none'}."
        )
    if not both:
        raise UserError(f"{a.label!r} and {b.label!r} have no measure in common.")
    first = asked or next((name for name in reported if name in both), both[0])
    return [first, *(name for name in both if name != first)]


def _paired(a: Side, b: Side, metric: str) -> tuple[dict[str, float], dict[str, float]]:
    """The values of both on the questions that have one in both."""
    queries = [q for q in a.rows if metric in a.rows[q].metrics and metric in b.rows[q].metrics]
    return (
        {query: a.rows[query].metrics[metric] for query in queries},
        {query: b.rows[query].metrics[metric] for query in queries},
    )
