"""A comparison in a sentence that needs no statistics to be read, and true to them.

Knows outcomes; nothing of folders or tables.
"""

from __future__ import annotations

from eval.scoring.comparison import Compared, Outcome
from eval.scoring.measures import is_cost

__all__ = ["chance", "figure", "sentence", "signed"]


def sentence(compared: Compared) -> str:
    """Whether ``b`` is better than ``a`` in the measure that was asked about, and how sure that is."""
    a, b, outcome = compared.a, compared.b, compared.answer
    metric, found = outcome.metric, outcome.result
    if found.wins == found.losses == 0:
        return f"{a} and {b} have the same {metric} on {_all(found.n)}."
    if outcome.sign:
        said = f"{b} is {'better' if outcome.sign > 0 else 'worse'} than {a} on {metric}"
        return f"{said}: {_difference(outcome)}, {_counts(outcome)}."
    said = f"There is no evidence that {b} is better or worse than {a} on {metric}"
    return f"{said}: {_difference(outcome)}, {_counts(outcome)}. {_power(outcome)}"


def figure(value: float, metric: str) -> str:
    """A value of a measure: shares with three digits, counts with one."""
    return f"{value:.1f}" if is_cost(metric) else f"{value:.3f}"


def signed(value: float, metric: str) -> str:
    """A difference in a measure, with its sign."""
    return ("-" if value < 0 else "+") + figure(abs(value), metric)


def chance(p: float) -> str:
    """A p-value: two digits, and more where it matters."""
    return f"{p:.4f}" if p < 0.01 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _difference(outcome: Outcome) -> str:
    found, metric = outcome.result, outcome.metric
    holm = f" after Holm over {outcome.tests} tests" if outcome.tests > 1 else ""
    interval = f"{signed(found.low, metric)} to {signed(found.high, metric)}"
    return f"{signed(found.delta, metric)} (95 % interval {interval}, p = {chance(outcome.p_holm)}{holm})"


def _counts(outcome: Outcome) -> str:
    noun = "question" if outcome.better == 1 else "questions"
    return f"{outcome.better} {noun} better, {outcome.worse} worse, {outcome.result.ties} the same"


def _power(outcome: Outcome) -> str:
    """What these questions could have shown: without it, no evidence says nothing."""
    n, least = outcome.result.n, outcome.detectable
    if least is None:
        return f"So few questions ({n}) cannot show a difference; ask more."
    least_said = figure(least, outcome.metric)
    return f"With these {n} questions a difference of {least_said} would be noticed four times in five."


def _all(n: int) -> str:
    return "the one question" if n == 1 else f"all {n} questions"
