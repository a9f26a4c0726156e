"""Intervals and tests: against exact results, SciPy's, and their promised coverage and power."""

from __future__ import annotations

import itertools
import random
import time
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, permutation_test, ttest_rel

from eval.scoring.stats import (
    compare,
    compare_all,
    detectable,
    estimate,
    estimate_all,
    holm,
    moved,
    percentile,
    worse_by_chance,
)

SHARES = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])


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


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(SHARES, min_size=1, max_size=30), min_size=1, max_size=9), st.randoms())
def test_a_column_has_the_same_figures_to_the_last_bit_alone_and_among_others(
    columns: list[list[float]], dice: random.Random
) -> None:
    together = estimate_all(columns, resamples=300)
    for column, found in zip(columns, together, strict=True):
        shuffled = dice.sample(column, len(column))
        assert estimate(shuffled, resamples=300) == found


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(SHARES, min_size=12, max_size=12), min_size=2, max_size=9), st.randoms())
def test_a_pair_has_the_same_figures_to_the_last_bit_alone_and_among_others(
    columns: list[list[float]], dice: random.Random
) -> None:
    rows = [named(column) for column in columns]
    pairs = list(itertools.pairwise(rows))
    chances = worse_by_chance(pairs, resamples=300)
    for (a, b), found, p in zip(pairs, compare_all(pairs, resamples=300), chances, strict=True):
        shuffled = dict(dice.sample(sorted(a.items()), len(a)))
        assert compare(shuffled, b, resamples=300) == found
        assert worse_by_chance([(shuffled, b)], resamples=300) == [p]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=40))
def test_a_comparison_keeps_its_books(values: list[tuple[float, float]]) -> None:
    a, b = named([first for first, _ in values]), named([second for _, second in values])
    found, other = compare(a, b, resamples=200), compare(b, a, resamples=200)
    assert found.wins + found.ties + found.losses == found.n == len(values)
    assert (other.wins, other.losses, other.p) == (found.losses, found.wins, found.p)
    assert found.low <= found.high
    assert (other.low, other.high) == pytest.approx((-found.high, -found.low), abs=1e-9)
    assert 0 < found.p <= 1
    assert found.error >= 0
    assert compare(a, a, resamples=200).p == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_intervals_are_near_those_of_scipy(seed: int) -> None:
    values = np.random.default_rng(seed).beta(0.4, 0.6, size=80)
    theirs = bootstrap((values,), np.mean, method="percentile", rng=seed).confidence_interval
    found = estimate(list(values))
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


@pytest.mark.parametrize("seed", range(5))
def test_tests_are_near_those_of_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.random(40), generator.random(40) * 0.9

    def p(alternative: str) -> float:
        return float(
            permutation_test(
                (a, b),
                lambda x, y, axis: np.mean(x - y, axis=axis),
                permutation_type="samples",
                vectorized=True,
                alternative=alternative,
                rng=seed,
            ).pvalue
        )

    rows = named(list(a)), named(list(b))
    found = compare(*rows)
    assert found.p == pytest.approx(p("two-sided"), abs=0.02)
    assert worse_by_chance([rows])[0] == pytest.approx(p("less"), abs=0.02)
    assert found.p_t == pytest.approx(float(ttest_rel(a, b).pvalue), abs=1e-9)
    assert found.error == pytest.approx((a - b).std(ddof=1) / np.sqrt(40))


def test_the_t_test_needs_two_queries_and_some_spread() -> None:
    assert compare({"q": 1.0}, {"q": 0.0}).p_t is None
    assert compare(named([0.5, 0.5]), named([0.5, 0.5])).p_t == 1.0
    assert compare(named([1.0, 1.0]), named([0.5, 0.5])).p_t == 0.0


def test_worse_by_chance_looks_at_one_side_only() -> None:
    high, low = named([0.9] * 30), named([0.1] * 30)
    worse, better, same = worse_by_chance([(low, high), (high, low), (low, low)])
    assert worse < 0.001
    assert (better, same) == (1.0, 1.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0001, 1), min_size=1, max_size=7))
def test_holm_is_the_closed_test_of_bonferroni(chances: list[float]) -> None:
    places = range(len(chances))
    families = [f for size in places for f in itertools.combinations(places, size + 1)]
    closed = [
        max(min(1.0, len(f) * min(chances[p] for p in f)) for f in families if place in f)
        for place in places
    ]
    assert holm(chances) == pytest.approx(closed)


def test_holm_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_what_moved_is_listed_with_the_largest_difference_first() -> None:
    a = {"q1": 0.5, "q2": 0.0, "q3": 1.0, "q4": 0.9, "q10": 0.0}
    b = {"q1": 0.5, "q2": 1.0, "q3": 0.0, "q4": 0.8, "q10": 1.0}
    expected = (("q10", -1.0), ("q2", -1.0), ("q3", 1.0), ("q4", pytest.approx(0.1)))
    assert moved(a, b) == expected
    assert moved(a, b, at_most=2) == expected[:2]
    assert moved(a, a) == ()


@pytest.mark.parametrize("tests", [1, 4])
def test_the_detectable_difference_is_noticed_in_four_of_five_cases(tests: int) -> None:
    generator = np.random.default_rng(8)
    error = 1 / np.sqrt(100)
    pairs = [
        (named(list(generator.normal(detectable(error, tests), 1, 100))), named([0.0] * 100))
        for _ in range(400)
    ]
    found = [comparison.p <= 0.05 / tests for comparison in compare_all(pairs, resamples=2_000)]
    assert 0.74 <= sum(found) / 400 <= 0.86


def test_what_can_be_noticed_grows_with_the_error() -> None:
    normal = NormalDist()
    assert detectable(0.01) == pytest.approx(0.01 * (normal.inv_cdf(0.975) + normal.inv_cdf(0.8)))
    assert detectable(0.02) == pytest.approx(2 * detectable(0.01))
    assert detectable(0.01, tests=3) > detectable(0.01)


@pytest.mark.full
def test_a_grid_of_45_systems_and_15_measures_takes_seconds() -> None:
    columns = np.random.default_rng(1).random((45 * 15, 472))
    rows = [named(list(column)) for column in columns]
    start = time.perf_counter()
    estimate_all(list(columns))
    compare_all([(rows[0], other) for other in rows[1:]])
    assert time.perf_counter() - start < 20
