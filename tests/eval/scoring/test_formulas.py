"""The written-out formulas, by hand and against TREC's own code."""

from __future__ import annotations

import random
from importlib.util import find_spec
from math import log2

import pytest

from eval.scoring.formulas import FORMULAS
from eval.scoring.measures import MEASURES, per_query


def test_there_is_a_formula_for_every_measure() -> None:
    assert set(FORMULAS) == set(MEASURES)


def test_a_small_ranking_by_hand() -> None:
    grades, ranking = {"a": 2, "b": 1, "c": 0, "d": 1}, ["c", "a", "x", "b"]
    expected = (2 / log2(3) + 1 / log2(5)) / (2 / log2(2) + 1 / log2(3) + 1 / log2(4))
    assert FORMULAS["nDCG@10"](grades, ranking) == pytest.approx(expected)
    assert FORMULAS["recall@100"](grades, ranking) == pytest.approx(2 / 3)
    assert FORMULAS["MRR@10"](grades, ranking) == pytest.approx(1 / 2)


def test_nothing_relevant_scores_zero() -> None:
    assert [formula({"a": 0}, ["a"]) for formula in FORMULAS.values()] == [0, 0, 0]


@pytest.mark.skipif(find_spec("pytrec_eval") is None, reason="TREC's code has no package here")
def test_the_formulas_equal_trec_s_code() -> None:
    rng = random.Random(4)
    documents = [f"d{n}" for n in range(300)]
    qrels = {
        f"q{n}": {
            d: rng.choice([-1, 0, 1, 1, 2, 3]) for d in rng.sample(documents, rng.randint(1, 40))
        }
        for n in range(200)
    }
    run = {query: rng.sample(documents, rng.randint(1, 150)) for query in qrels}
    rows = per_query(list(MEASURES.values()), qrels, run)
    for name, formula in FORMULAS.items():
        written = {query: formula(qrels[query], run[query]) for query in qrels}
        assert rows[name] == pytest.approx(written, abs=1e-9)
