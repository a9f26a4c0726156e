"""The written-out formulas by hand; ``test_parity.py`` holds them against other implementations."""

from __future__ import annotations

from math import log2

import pytest

from eval.scoring.formulas import FORMULAS
from eval.scoring.measures import FAMILIES

GRADES, RANKING = {"a": 2, "b": 1, "c": 0, "d": 1, "e": -2}, ["e", "a", "x", "b"]

BY_HAND = [
    ("nDCG", 10, (2 / log2(3) + 1 / log2(5)) / (2 / log2(2) + 1 / log2(3) + 1 / log2(4))),
    ("nDCG", 2, (2 / log2(3)) / (2 / log2(2) + 1 / log2(3))),
    ("nDCG", 1, 0.0),
    ("MRR", None, 1 / 2),
    ("MRR", 1, 0.0),
    ("MAP", None, (1 / 2 + 2 / 4) / 3),
    ("MAP", 3, (1 / 2) / 3),
    ("recall", 3, 1 / 3),
    ("recall", 100, 2 / 3),
    ("precision", 2, 1 / 2),
    ("precision", 10, 2 / 10),  # four results, but ten places
    ("success", 1, 0.0),
    ("success", 2, 1.0),
]


def test_there_is_a_formula_for_every_family_of_judged_items() -> None:
    assert list(FORMULAS) == [name for name, family in FAMILIES.items() if family.library]


@pytest.mark.parametrize(("family", "k", "expected"), BY_HAND)
def test_a_small_ranking_by_hand(family: str, k: int | None, expected: float) -> None:
    assert FORMULAS[family](GRADES, RANKING, k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("grades", [{"a": 0}, {"a": -1}, {}])
def test_nothing_relevant_scores_zero(grades: dict[str, int]) -> None:
    assert [formula(grades, ["a"], 5) for formula in FORMULAS.values()] == [0] * len(FORMULAS)


def test_nothing_found_scores_zero() -> None:
    assert [formula({"a": 1}, [], 5) for formula in FORMULAS.values()] == [0] * len(FORMULAS)
