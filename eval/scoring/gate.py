"""Did it get worse? Results held against a baseline, for continuous integration.

A one-sided paired randomization test per system and measure, with Holm's correction over all of them. The line is drawn
at 2.5 %, the lower half of the two-sided 5 % by which ``alcove eval compare`` calls a system worse: of forty harmless
changes that move some rankings, one is stopped. A drop that is short of it passes. Results that cannot be held against
the baseline (other data, a system or a question that is gone) are refused, never passed.

Knows values by question; nothing of how they were computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Any

from corpus.errors import UserError
from eval.results.folder import Results
from eval.scoring.baseline import Baseline, values_of
from eval.scoring.measures import is_cost
from eval.scoring.sides import Side
from eval.scoring.stats import (
    POWER,
    RESAMPLES,
    Comparison,
    compare_all,
    holm,
    moved,
    worse_by_chance,
)
from eval.scoring.wording import chance, figure, signed

__all__ = ["ALPHA", "Check", "Verdict", "check", "require_power", "verdict"]

ALPHA = 0.025  # one-sided
_PER_TEST = 100  # resamples: enough that the smallest p stays far below the line after Holm
MOST_MOVED = 5

Rows = Mapping[str, float]
Systems = Mapping[str, Mapping[str, Rows]]
"""Values by system, measure and question."""


@dataclass(frozen=True, slots=True)
class Check:
    """One system in one measure: ``result`` is now minus then; p-values are after Holm."""

    system: str
    metric: str
    then: float
    now: float
    result: Comparison
    p_worse: float
    p_better: float
    tests: int
    moved: tuple[tuple[str, float], ...]

    @property
    def verdict(self) -> str:
        """``worse``, ``better`` or ``same``: neither could be shown."""
        if self.p_worse <= ALPHA:
            return "worse"
        return "better" if self.p_better <= ALPHA else "same"

    @property
    def noticeable(self) -> float | None:
        """The drop that is noticed in 80 % of cases, with as much change as there is now; ``None``: none is there."""
        normal = NormalDist()
        factor = normal.inv_cdf(1 - ALPHA / self.tests) + normal.inv_cdf(POWER)
        return factor * self.result.error if self.result.error else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = self.result
        better, worse = found.wins, found.losses
        if is_cost(self.metric):
            better, worse = worse, better
        return {
            "system": self.system,
            "metric": self.metric,
            "verdict": self.verdict,
            "then": self.then,
            "now": self.now,
            "delta": found.delta,
            "ci95": [found.low, found.high],
            "p_worse": self.p_worse,
            "p_better": self.p_better,
            "n": found.n,
            "better": better,
            "same": found.ties,
            "worse": worse,
            "noticeable": self.noticeable,
            "moved": [{"query": query, "delta": delta} for query, delta in self.moved],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says; ``checks`` with what got worse first."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing got worse beyond doubt."""
        return all(check.verdict != "worse" for check in self.checks)

    @property
    def sentences(self) -> list[str]:
        """The outcome in words, the verdict first."""
        worse = [c for c in self.checks if c.verdict == "worse"]
        better = [c for c in self.checks if c.verdict == "better"]
        tests = len(self.checks)
        first = f"Passed: nothing got significantly worse ({self._extent})."
        if worse:
            first = f"Failed: {len(worse)} of {tests} got significantly worse ({self._extent})."
        elif not any(c.noticeable for c in self.checks):
            first = f"Passed: nothing changed ({self._extent})."
        return [first, *(_said(c, "worse") for c in worse), *(_said(c, "better") for c in better)]

    @property
    def _extent(self) -> str:
        """What was tested, and what drop that would have shown."""
        n, tests = self.checks[0].result.n, len(self.checks)
        said = f"{n} questions, {tests} {'test' if tests == 1 else 'tests'}"
        metric = self.checks[0].metric
        least = max((c.noticeable or 0.0 for c in self.checks if c.metric == metric), default=0.0)
        drop = f"; a change of {figure(least, metric)} in {metric} for the worse would be noticed"
        return said + drop + " four times in five" if least else said

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        checks = [check.to_json() for check in self.checks]
        return {"passed": self.passed, "sentence": " ".join(self.sentences), "checks": checks}


def _said(found: Check, how: str) -> str:
    result, metric = found.result, found.metric
    p = found.p_worse if how == "worse" else found.p_better
    holm = f" after Holm over {found.tests} tests" if found.tests > 1 else ""
    interval = f"{signed(result.low, metric)} to {signed(result.high, metric)}"
    values = f"{figure(found.then, metric)} to {figure(found.now, metric)}"
    return (
        f"{found.system} got {how} on {metric}, from {values}: {signed(result.delta, metric)}"
        f" (95 % interval {interval}, p = {chance(p)}{holm})."
    )


def check(baseline: Baseline, results: Results) -> Verdict:
    """Hold results against a baseline.

    Raises:
        UserError: they are about other data, or lack a system, a measure or a question.
    """
    sides = {system: _side(baseline, results, system) for system in baseline.systems}
    now = {
        system: {metric: _now(sides[system], metric, then) for metric, then in rows.items()}
        for system, rows in baseline.systems.items()
    }
    return verdict(baseline.systems, now)


def verdict(then: Systems, now: Systems) -> Verdict:
    """Test values by system, measure and question against earlier ones of the same questions."""
    names = [(system, metric) for system, rows in then.items() for metric in rows]
    pairs = [(now[system][metric], then[system][metric]) for system, metric in names]
    # what should not be smaller first: of costs, less is better
    upright = [
        (old, new) if is_cost(metric) else (new, old)
        for (_, metric), (new, old) in zip(names, pairs, strict=True)
    ]
    both = [*upright, *((b, a) for a, b in upright)]  # together, as the draws are shared
    chances = worse_by_chance(both, max(RESAMPLES, _PER_TEST * len(pairs)))
    worse, better = holm(chances[: len(pairs)]), holm(chances[len(pairs) :])
    results = compare_all(pairs)
    checks = [
        Check(*name, _mean(old), _mean(new), result, p, q, len(pairs), moved(new, old, MOST_MOVED))
        for name, (new, old), result, p, q in zip(names, pairs, results, worse, better, strict=True)
    ]
    return Verdict(tuple(sorted(checks, key=lambda check: check.verdict != "worse")))


def _mean(rows: Rows) -> float:
    return round(fmean(rows.values()), 12)


def _side(baseline: Baseline, results: Results, system: str) -> Side:
    side = Side(results, system)
    if side.digest != baseline.data:
        raise UserError(
            f"The results in {str(results.folder)!r} are about other data than the baseline"
            " (documents, questions or gold changed), so nothing can be said; if that was meant,"
            " write the baseline anew."
        )
    if system not in results.systems:
        known = ", ".join(results.systems)
        raise UserError(
            f"The system {system!r} of the baseline is not among the results ({known}); measure it,"
            " or write the baseline anew."
        )
    return side.with_system(system)


def _now(side: Side, metric: str, then: Rows) -> Rows:
    missing = sorted(then.keys() - side.rows.keys())
    extra = sorted(side.rows.keys() - then.keys())
    if missing or extra:
        what = f"lacks {len(missing)} questions of the baseline, such as {missing[:1]}"
        if not missing:
            what = f"has {len(extra)} questions that the baseline has not, such as {extra[:1]}"
        raise UserError(
            f"System {side.system!r} {what.replace('[', '').replace(']', '')}; ask the same"
            " questions, or write the baseline anew."
        )
    return values_of(side, metric)


def require_power(baseline: Baseline) -> None:
    """Refuse a baseline with so few questions that its gate could never fail.

    Raises:
        UserError: even if every question got worse, the test would not reach its line.
    """
    tests = len(baseline.systems) * len(baseline.metrics)
    n = min(len(rows[m]) for rows in baseline.systems.values() for m in baseline.metrics)
    if 2.0**-n * tests > ALPHA:
        raise UserError(
            f"A gate of {tests} tests over {n} questions could never fail; gate fewer systems and"
            " measures, or more questions."
        )
