"""How sure a mean is, and whether a difference between two systems is more than luck.

- Interval of a mean: percentile bootstrap over queries (Efron & Tibshirani 1993, "An Introduction
  to the Bootstrap", ch. 13; for retrieval Sakai 2006, "Evaluating evaluation metrics based on the
  bootstrap").
- Difference of two means: paired randomization test, two-sided (Smucker, Allan & Carterette 2007,
  "A comparison of statistical significance tests for information retrieval evaluation"). A random
  sample of sign flips is counted together with the observed one, so p is never 0 (Phipson & Smyth
  2010, "Permutation p-values should never be zero"). Beside it Student's paired t-test.
- Many differences at once: Holm 1979, "A simple sequentially rejective multiple test procedure".

The same rows and seed give the same figures, bit for bit, on every machine and whatever else is
computed with them: draws depend on the seed and the number of queries alone and are shared by all
columns, and values are rounded (at the thirteenth digit or so) to where their sums are exact in
floating point, in any order of summing.

Knows rows of numbers only, not what they measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ALPHA",
    "RESAMPLES",
    "SEED",
    "Comparison",
    "Estimate",
    "compare",
    "compare_all",
    "detectable",
    "estimate",
    "estimate_all",
    "holm",
    "moved",
    "percentile",
    "worse_by_chance",
]

Floats = NDArray[np.float64]
Rows = Mapping[str, float]
Extreme = Callable[[Floats, Floats, float], NDArray[np.bool_]]
"""Which of the sums (flips x columns) are as extreme as the observed ones, but for rounding."""

LEVEL = 0.95
ALPHA = 0.05
"""A difference is held to be more than luck below this chance, two-sided."""
POWER = 0.8
RESAMPLES = 10_000
SEED = 20_240_229
_BLOCK = 2**21  # numbers held at a time: 16 MiB
_COLUMNS = 512  # computed together: 40 MiB of means
_SAME = 1e-12  # rounding, not a difference


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over ``n`` queries with its bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """System ``a`` minus system ``b`` over the same ``n`` queries.

    ``wins`` counts the queries on which ``a`` scored higher. ``low`` and ``high`` bound ``delta``
    (95 %); ``p`` is the chance of a difference at least this large if the two were alike, by the
    randomization test, and ``p_t`` by the t-test, which needs two queries. ``error`` is the standard
    error of ``delta``.
    """

    delta: float
    low: float
    high: float
    p: float
    n: int
    wins: int
    ties: int
    losses: int
    p_t: float | None = None
    error: float = 0.0

    def figures(self, p_holm: float | None) -> dict[str, Any]:
        """What every report says of a difference, as plain JSON values; ``p_holm`` is ``p`` corrected."""
        return {
            "delta": self.delta,
            "ci95": [self.low, self.high],
            "p": self.p,
            "p_t": self.p_t,
            "p_holm": p_holm,
            "n": self.n,
        }


def estimate(values: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED) -> Estimate:
    """The mean of ``values``, in any order, with its 95 % interval.

    Raises:
        ValueError: there is no value, hence no mean.
    """
    return estimate_all([values], resamples, seed)[0]


def estimate_all(
    columns: Sequence[Sequence[float]], resamples: int = RESAMPLES, seed: int = SEED
) -> list[Estimate]:
    """What ``estimate`` says of each of many columns, which may differ in length; much faster."""
    rows = [np.sort(_rows(column)) for column in columns]
    found: dict[int, Estimate] = {}
    for chosen, table in _tables(rows):
        lows, highs = _intervals(table, resamples, seed)
        for place, column, low, high in zip(chosen, table.T, lows, highs, strict=True):
            found[place] = Estimate(_mean(column), _plain(low), _plain(high), column.size)
    return [found[place] for place in range(len(rows))]


def compare(a: Rows, b: Rows, resamples: int = RESAMPLES, seed: int = SEED) -> Comparison:
    """Compare two systems by their values per query.

    Raises:
        ValueError: the two do not hold the same queries, or none.
    """
    return compare_all([(a, b)], resamples, seed)[0]


def compare_all(
    pairs: Sequence[tuple[Rows, Rows]], resamples: int = RESAMPLES, seed: int = SEED
) -> list[Comparison]:
    """What ``compare`` says of each of many pairs, which may differ in length; much faster."""
    rows = [_differences(a, b) for a, b in pairs]
    found: dict[int, Comparison] = {}
    for chosen, table in _tables(rows):
        lows, highs = _intervals(table, resamples, seed)
        chances = _randomization(table, resamples, seed, _further)
        for place, column, low, high, p in zip(chosen, table.T, lows, highs, chances, strict=True):
            found[place] = _comparison(column, _plain(low), _plain(high), float(p))
    return [found[place] for place in range(len(rows))]


def worse_by_chance(
    pairs: Sequence[tuple[Rows, Rows]], resamples: int = RESAMPLES, seed: int = SEED
) -> list[float]:
    """For each pair the chance that ``a`` is this much below ``b``, or more, if they were alike.

    The one-sided form of the randomization test.
    """
    rows = [_differences(a, b) for a, b in pairs]
    found: dict[int, float] = {}
    for chosen, table in _tables(rows):
        chances = _randomization(table, resamples, seed, _lower)
        found |= {place: float(p) for place, p in zip(chosen, chances, strict=True)}
    return [found[place] for place in range(len(rows))]


def holm(chances: Sequence[float]) -> list[float]:
    """The p-values of one family of tests, corrected for their number, in the order given."""
    corrected, largest = [0.0] * len(chances), 0.0
    for done, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        largest = max(largest, min(1.0, (len(chances) - done) * chances[place]))
        corrected[place] = largest
    return corrected


def moved(a: Rows, b: Rows, at_most: int = 10) -> tuple[tuple[str, float], ...]:
    """The queries on which ``a`` and ``b`` differ most, with ``a`` minus ``b``, largest first."""
    differences = dict(zip(sorted(a), _differences(a, b).tolist(), strict=True))
    order = sorted((-abs(delta), query) for query, delta in differences.items() if delta)
    return tuple((query, differences[query]) for _, query in order[:at_most])


def detectable(error: float, tests: int = 1) -> float:
    """The difference that a test finds in 80 % of cases, two-sided at 5 % over all ``tests``.

    Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences", by the normal
    approximation; several tests share the 5 % evenly, which is the first step of Holm's procedure.

    Args:
        error: standard error of the difference, ``Comparison.error``.
    """
    normal = NormalDist()
    return (normal.inv_cdf(1 - (1 - LEVEL) / 2 / tests) + normal.inv_cdf(POWER)) * error


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0..1) of ``values`` lies, interpolated linearly."""
    return float(np.quantile(_rows(values), share))


def _rows(values: Sequence[float]) -> Floats:
    rows = np.asarray(values, dtype=np.float64)
    if rows.size == 0:
        raise ValueError("a mean needs at least one value")
    return rows


def _differences(a: Rows, b: Rows) -> Floats:
    """By query, in the order of their names."""
    if a.keys() != b.keys():
        raise ValueError("paired systems must hold the same queries")
    differences = _rows([a[query] - b[query] for query in sorted(a)])
    differences[np.abs(differences) < _SAME] = 0.0
    return differences


def _comparison(column: Floats, low: float, high: float, p: float) -> Comparison:
    return Comparison(
        delta=_mean(column),
        low=low,
        high=high,
        p=p,
        n=column.size,
        wins=int((column > 0).sum()),
        ties=int((column == 0).sum()),
        losses=int((column < 0).sum()),
        p_t=_t_test(column),
        error=_error(column),
    )


def _mean(column: Floats) -> float:
    return _plain(column.sum() / column.size)


def _plain(figure: float) -> float:
    """Without the digits in which it is not exact: 0.2, not 0.19999999999999996."""
    return round(float(figure), 12)


def _error(column: Floats) -> float:
    spread = np.ascontiguousarray(column).std(ddof=1) if column.size > 1 else 0.0
    return _plain(spread / sqrt(column.size))


def _t_test(column: Floats) -> float | None:
    """Student's paired t-test, two-sided; differences that are all the same leave no doubt."""
    from scipy.stats import ttest_1samp

    if column.size < 2:
        return None
    if (column == column[0]).all():
        return float(column[0] == 0)
    return float(ttest_1samp(np.ascontiguousarray(column), 0.0).pvalue)


def _tables(rows: Sequence[Floats]) -> Iterator[tuple[list[int], Floats]]:
    """Columns of one length side by side (queries x columns), with the places they came from."""
    places: dict[int, list[int]] = {}
    for place, column in enumerate(rows):
        places.setdefault(column.size, []).append(place)
    for alike in places.values():
        for first in range(0, len(alike), _COLUMNS):
            chosen = alike[first : first + _COLUMNS]
            yield chosen, np.stack([_summable(rows[place]) for place in chosen], axis=1)


def _summable(column: Floats) -> Floats:
    """``column`` rounded to a step at which all sums of as many such values are exact."""
    largest = float(np.abs(column).max()) * column.size
    if largest == 0.0:
        return column
    step = 2.0 ** (np.frexp(largest)[1] - 52)
    rounded: Floats = np.round(column / step) * step
    return rounded


def _intervals(table: Floats, resamples: int, seed: int) -> Floats:
    """Percentile bootstrap: the spread of each column's mean when queries are drawn anew."""
    size = len(table)
    means = np.empty((table.shape[1], resamples))
    generator = np.random.default_rng(seed)
    for start, count in _blocks(resamples, size):
        drawn = generator.integers(0, size, size=(count, size))
        drawn += np.arange(count)[:, None] * size
        times = np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size)
        means[:, start : start + count] = (times.astype(np.float64) @ table).T / size
    tail = (1 - LEVEL) / 2
    return np.asarray(np.quantile(means, [tail, 1 - tail], axis=1, overwrite_input=True))


def _randomization(table: Floats, resamples: int, seed: int, extreme: Extreme) -> Floats:
    """For each column the share of random sign flips whose sum is as ``extreme`` as the observed."""
    size = len(table)
    observed, slack = table.sum(axis=0), _SAME * size
    found = np.zeros(table.shape[1])
    generator = np.random.default_rng(seed)
    for _, count in _blocks(resamples, size):
        signs = generator.integers(0, 2, size=(count, size), dtype=np.int8) * 2 - 1
        found += extreme(signs.astype(np.float64) @ table, observed, slack).sum(axis=0)
    return (found + 1) / (resamples + 1)


def _further(sums: Floats, observed: Floats, slack: float) -> NDArray[np.bool_]:
    return np.asarray(np.abs(sums) >= np.abs(observed) - slack)


def _lower(sums: Floats, observed: Floats, slack: float) -> NDArray[np.bool_]:
    return np.asarray(sums <= observed + slack)


def _blocks(resamples: int, width: int) -> Iterator[tuple[int, int]]:
    """``resamples`` in portions (first, count) whose draws fit in memory."""
    portion = max(1, _BLOCK // width)
    for start in range(0, resamples, portion):
        yield start, min(portion, resamples - start)
