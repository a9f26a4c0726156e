"""Intervals and tests: against exact results, and against their promised coverage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from eval.scoring.stats import compare, estimate, percentile


def named(values: list[float]) -> dict[str, float]:
    return {str(number): value for number, value in enumerate(values)}


def test_an_estimate_holds_the_mean_its_interval_and_n() -> None:
    found = estimate([0.0, 0.5, 1.0, 0.5])
    assert (found.mean, found.n) == (0.5, 4)
    assert 0.0 < found.low < 0.5 < found.high < 1.0


def test_the_interval_of_equal_values_is_a_point() -> None:
    found = estimate([0.25] * 30)
    assert (found.low, found.mean, found.high) == (0.25, 0.25, 0.25)


def test_the_interval_is_near_the_normal_one_for_many_values() -> None:
    values = np.random.default_rng(1).random(2_000)
    found = estimate(list(values))
    half = 1.96 * values.std() / np.sqrt(values.size)
    assert found.low == pytest.approx(values.mean() - half, abs=0.05 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.05 * half)


def test_the_same_rows_and_seed_give_the_same_figures() -> None:
    values = list(np.random.default_rng(2).random(50))
    assert estimate(values) == estimate(values)
    assert estimate(values) != estimate(values, seed=1)


def test_intervals_cover_the_true_mean_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        found = estimate(list(generator.random(60)), resamples=400)
        covered += found.low <= 0.5 <= found.high
    assert 180 <= covered <= 198


def exact_p(differences: list[float]) -> float:
    """The randomization test with every sign flip counted."""
    observed = abs(sum(differences)) - 1e-9
    flips = itertools.product([-1, 1], repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in flips]
    return sum(total >= observed for total in sums) / len(sums)


@pytest.mark.parametrize("seed", range(5))
def test_p_is_near_the_exact_one(seed: int) -> None:
    differences = list(np.random.default_rng(seed).normal(0.2, 0.4, size=10))
    found = compare(named(differences), named([0.0] * 10), resamples=20_000)
    assert found.p == pytest.approx(exact_p(differences), abs=0.015)


def test_systems_that_are_alike_differ_by_nothing() -> None:
    rows = named([0.1, 0.7, 0.3])
    found = compare(rows, dict(rows))
    assert (found.delta, found.p, found.ties) == (0.0, 1.0, 3)


def test_rounding_is_a_tie() -> None:
    found = compare({"q": 0.1 + 0.2}, {"q": 0.3})
    assert (found.wins, found.ties, found.losses, found.p) == (0, 1, 0, 1.0)


def test_a_clear_difference_is_significant_and_p_is_never_zero() -> None:
    found = compare(named([1.0] * 40), named([0.0] * 40))
    assert found.delta == 1.0
    assert 0.0 < found.p < 0.001
    assert (found.wins, found.ties, found.losses) == (40, 0, 0)


def test_wins_ties_and_losses_count_queries_and_swap_with_the_systems() -> None:
    a, b = named([0.9, 0.5, 0.1, 0.2]), named([0.1, 0.5, 0.2, 0.3])
    found, other = compare(a, b), compare(b, a)
    assert (found.wins, found.ties, found.losses, found.n) == (1, 1, 2, 4)
    assert (other.wins, other.losses) == (2, 1)
    assert other.delta == pytest.approx(-found.delta)
    assert other.p == found.p
    assert found.low <= found.delta <= found.high


def test_systems_over_different_queries_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="the same queries"):
        compare({"q1": 1.0}, {"q2": 1.0})


def test_no_value_has_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        estimate([])


def test_many_queries_are_drawn_in_portions() -> None:
    found = estimate([0.0, 1.0] * 1_500, resamples=2_000)
    assert (found.mean, found.n) == (0.5, 3_000)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(3_000), rel=0.1)


def test_percentiles_are_interpolated() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert percentile([7.0], 0.95) == 7.0
