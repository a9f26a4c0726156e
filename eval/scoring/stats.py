"""How sure a mean is, and whether a difference between two systems is more than luck.

Both methods re-use the observed rows and assume no distribution; both take a seed, so that the
same rows give the same figures on every machine.

- Interval of a mean: percentile bootstrap over queries (Efron & Tibshirani 1993, "An Introduction
  to the Bootstrap", ch. 13; for retrieval Sakai 2006, "Evaluating evaluation metrics based on the
  bootstrap").
- Difference of two means: paired randomization test, two-sided (Smucker, Allan & Carterette 2007,
  "A comparison of statistical significance tests for information retrieval evaluation"). A random
  sample of sign flips is counted together with the observed one, so p is never 0 (Phipson & Smyth
  2010, "Permutation p-values should never be zero").

Knows rows of numbers only, not what they measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Comparison", "Estimate", "compare", "estimate", "percentile"]

LEVEL = 0.95
RESAMPLES = 10_000
SEED = 20_240_229
_BLOCK = 2**21  # numbers drawn at a time: 16 MiB
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
    (95 %); ``p`` is the chance of a difference at least this large if the two were alike.
    """

    delta: float
    low: float
    high: float
    p: float
    n: int
    wins: int
    ties: int
    losses: int


def estimate(values: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED) -> Estimate:
    """The mean of ``values`` with its 95 % interval.

    Raises:
        ValueError: there is no value, hence no mean.
    """
    rows = _rows(values)
    low, high = _interval(rows, resamples, seed)
    return Estimate(float(rows.mean()), low, high, rows.size)


def compare(
    a: Mapping[str, float],
    b: Mapping[str, float],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Comparison:
    """Compare two systems by their values per query.

    Raises:
        ValueError: the two do not hold the same queries, or none.
    """
    if a.keys() != b.keys():
        raise ValueError("paired systems must hold the same queries")
    differences = _rows([a[query] - b[query] for query in a])
    differences[np.abs(differences) < _SAME] = 0.0
    low, high = _interval(differences, resamples, seed)
    return Comparison(
        delta=float(differences.mean()),
        low=low,
        high=high,
        p=_randomization(differences, resamples, seed),
        n=differences.size,
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0..1) of ``values`` lies, interpolated linearly."""
    return float(np.quantile(_rows(values), share))


def _rows(values: Sequence[float]) -> NDArray[np.float64]:
    rows = np.asarray(values, dtype=np.float64)
    if rows.size == 0:
        raise ValueError("a mean needs at least one value")
    return rows


def _interval(rows: NDArray[np.float64], resamples: int, seed: int) -> tuple[float, float]:
    """Percentile bootstrap: the spread of the mean when queries are drawn anew, with repeats."""
    generator = np.random.default_rng(seed)
    means = [
        rows[generator.integers(0, rows.size, size=(count, rows.size))].mean(axis=1)
        for count in _blocks(resamples, rows.size)
    ]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)


def _randomization(differences: NDArray[np.float64], resamples: int, seed: int) -> float:
    """Share of random sign flips whose sum is at least as far from 0 as the observed one."""
    moved = differences[differences != 0]
    if moved.size == 0:
        return 1.0
    observed = abs(moved.sum()) - _SAME * moved.size
    generator = np.random.default_rng(seed)
    extreme = 0
    for count in _blocks(resamples, moved.size):
        signs = generator.integers(0, 2, size=(count, moved.size), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ moved) >= observed).sum())
    return (extreme + 1) / (resamples + 1)


def _blocks(resamples: int, width: int) -> Iterator[int]:
    """``resamples`` in portions whose draws fit in memory."""
    portion = max(1, _BLOCK // width)
    while resamples > 0:
        yield min(portion, resamples)
        resamples -= portion
