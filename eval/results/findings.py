"""What a report comes to: which system is best, and what the tests say of every lead.

Reads the JSON of ``eval/report.py``; the page, the plots and the terminal's tables all read it through
this, so that they say the same. A difference counts as more than luck when its p, after Holm's
correction where it was made, is below 5 %.

Knows nothing of how anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eval.scoring.measures import is_cost
from eval.scoring.stats import ALPHA

__all__ = ["Against", "Findings", "Interval", "chance", "figure"]

Interval = tuple[float, float, float]
"""A mean and the bounds of its 95 % interval: mean, low, high."""


@dataclass(frozen=True, slots=True)
class Against:
    """A system minus the baseline in one measure.

    ``p`` is after Holm's correction if there was one (``corrected``), else of the single test.
    """

    system: str
    baseline: str
    metric: str
    delta: float
    low: float
    high: float
    p: float
    corrected: bool
    p_single: float
    p_t: float | None
    n: int
    wins: int
    ties: int
    losses: int
    moved: tuple[tuple[str, float], ...]

    @property
    def sign(self) -> int:
        """1: better, -1: worse, 0: the difference may be luck."""
        if self.p >= ALPHA or not self.delta:
            return 0
        return 1 if (self.delta > 0) != is_cost(self.metric) else -1


@dataclass(frozen=True)
class Findings:
    """A report that is read."""

    report: Mapping[str, Any]

    @property
    def metrics(self) -> list[str]:
        """The measures to show, in order."""
        return list(self.report["metrics"])

    @property
    def metric(self) -> str:
        """The measure that systems are ranked by; "" when nothing was measured."""
        return self.report["metric"] or next(iter(self.metrics), "")

    @cached_property
    def ranked(self) -> list[Mapping[str, Any]]:
        """The systems that have the measure, best first; equals in the report's order."""
        measured = [system for system in self.report["systems"] if self.interval(system)]
        way = 1 if is_cost(self.metric) else -1
        return sorted(measured, key=lambda system: way * system["metrics"][self.metric])

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The system with the best mean."""
        return self.ranked[0] if self.ranked else None

    @cached_property
    def baseline(self) -> Mapping[str, Any] | None:
        """The system that the others are tested against."""
        name = self.report["baseline"]
        return next((system for system in self.report["systems"] if system["name"] == name), None)

    @property
    def rivals(self) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Best system and baseline, or baseline and next best where the baseline is best itself."""
        if self.baseline is None or self.baseline not in self.ranked or len(self.ranked) < 2:
            return None
        if self.best is self.baseline:
            return self.ranked[0], self.ranked[1]
        return self.ranked[0], self.baseline

    def interval(self, system: Mapping[str, Any], metric: str = "") -> Interval | None:
        """Mean and interval of a system (or of one kind of its questions), if it has the measure."""
        name = metric or self.metric
        if name not in system["metrics"]:
            return None
        low, high = system["ci95"][name]
        return system["metrics"][name], low, high

    def digits(self, metric: str = "") -> int:
        """Decimals that tell values of a measure apart: shares need more than counts."""
        highest = max(
            (i[2] for s in self.report["systems"] if (i := self.interval(s, metric))), default=0
        )
        return 3 if highest <= 1 else 1 if highest < 100 else 0

    @cached_property
    def tests(self) -> list[Against]:
        """Every test, turned so that it is about a system minus the baseline; largest lead first."""
        turned = [_against(test, self.report["baseline"]) for test in self.report["tests"]]
        return sorted(turned, key=lambda test: -test.delta)

    def against(self, system: str, metric: str = "") -> Against | None:
        """How a system stands against the baseline."""
        name, baseline = metric or self.metric, self.report["baseline"]
        found = (
            t for t in self.tests if (t.system, t.baseline, t.metric) == (system, baseline, name)
        )
        return next(found, None)

    def sentences(self) -> Iterator[str]:
        """What was measured and what came of it, for people."""
        if self.best is None:
            yield "Nothing was measured."
            return
        interval, count = self.interval(self.best), len(self.ranked)
        assert interval is not None
        mean, low, high = (figure(value, self.digits()) for value in interval)
        n = self.best["n_by_metric"][self.metric]
        of, among = ("the best mean", f" of {count} systems") if count > 1 else ("mean", "")
        yield (
            f"{self.best['name']} has {of} {self.metric}{among}: {mean}, 95\u00a0% interval {low} to {high},"
            f" over {n:,} question{'s' if n != 1 else ''}."
        )
        if self.baseline is not None and count > 1:
            yield self._lead()

    def _lead(self) -> str:
        """Whether the lead over the baseline is more than luck."""
        assert self.best is not None
        if self.best is self.baseline:
            tested = [found for s in self.ranked[1:] if (found := self.against(s["name"]))]
            worse = sum(found.sign < 0 for found in tested)
            return (
                f"It is the baseline itself; of {len(tested)} tested against it, {worse}"
                f" {'is' if worse == 1 else 'are'} worse by more than luck, and {len(tested) - worse}"
                " cannot be told from it."
            )
        found, name = self.against(self.best["name"]), self.report["baseline"]
        if found is None:
            return f"Its lead over the baseline {name} was not tested."
        if not found.delta:
            return f"The baseline {name} has the same."
        delta, low, high = (
            figure(v, self.digits(), "+") for v in (found.delta, found.low, found.high)
        )
        after = " after Holm's correction" if found.corrected else ""
        luck = "is more than luck" if found.sign else "may be luck"
        return (
            f"Its lead over the baseline {name} {luck}: {delta}, 95\u00a0% interval {low} to {high},"
            f" p\u00a0{chance(found.p)}{after}."
        )


def figure(value: float, digits: int, sign: str = "") -> str:
    """A number for people; ``sign`` "+" marks positive ones too."""
    shown = f"{value:{sign},.{digits}f}"
    return shown.lstrip("+-") if float(shown.replace(",", "")) == 0 else shown


def chance(p: float) -> str:
    """A p value with its relation: ``= 0.0312``, ``< 0.0001``."""
    return "< 0.0001" if p < 0.0001 else f"= {p:.4f}"


def _against(test: Mapping[str, Any], baseline: str | None) -> Against:
    turned = -1 if test["a"] == baseline and test["b"] != baseline else 1
    a, b = (test["a"], test["b"])[::turned]
    low, high = sorted(turned * bound for bound in test["ci95"])
    wins, losses = (test["wins"], test["losses"])[::turned]
    corrected = test["p_holm"] is not None
    return Against(
        system=a,
        baseline=b,
        metric=test["metric"],
        delta=turned * test["delta"],
        low=low,
        high=high,
        p=test["p_holm"] if corrected else test["p"],
        corrected=corrected,
        p_single=test["p"],
        p_t=test["p_t"],
        n=test["n"],
        wins=wins,
        ties=test["ties"],
        losses=losses,
        moved=tuple((entry["query"], turned * entry["delta"]) for entry in test["moved"]),
    )
