"""Measures against formulas written out by hand, and the rows the library leaves out."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import pytest

from corpus.errors import UserError
from eval.scoring.measures import MEASURES, measure, per_query

ALL = tuple(MEASURES.values())


def ndcg_at_10(grades: Mapping[str, int], ranking: Sequence[str]) -> float:
    def dcg(gains: Sequence[int]) -> float:
        return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))

    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:10]
    found = [max(grades.get(document, 0), 0) for document in ranking[:10]]
    return dcg(found) / dcg(ideal)


def recall_at_100(grades: Mapping[str, int], ranking: Sequence[str]) -> float:
    relevant = {document for document, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:100])) / len(relevant)


def reciprocal_rank_at_10(grades: Mapping[str, int], ranking: Sequence[str]) -> float:
    for rank, document in enumerate(ranking[:10], start=1):
        if grades.get(document, 0) > 0:
            return 1 / rank
    return 0.0


BY_HAND = {"nDCG@10": ndcg_at_10, "recall@100": recall_at_100, "MRR@10": reciprocal_rank_at_10}


def random_case(seed: int) -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    """Graded judgements and rankings of random length, some of them empty or missing."""
    dice = random.Random(seed)
    documents = [f"d{number}" for number in range(150)]
    qrels, run = {}, {}
    for number in range(12):
        query = f"q{number}"
        judged = dice.sample(documents, dice.randint(2, 40))
        qrels[query] = {document: dice.choice([0, 0, 1, 2, 3]) for document in judged}
        qrels[query][judged[0]] = 1
        if number % 5:
            run[query] = dice.sample(documents, dice.choice([0, 3, 9, 10, 11, 100, 101, 150]))
    return qrels, run


@pytest.mark.parametrize("seed", range(50))
def test_every_measure_equals_its_formula(seed: int) -> None:
    qrels, run = random_case(seed)
    rows = per_query(ALL, qrels, run)
    assert rows.keys() == BY_HAND.keys()
    for name, by_hand in BY_HAND.items():
        expected = {query: by_hand(qrels[query], run.get(query, ())) for query in qrels}
        assert rows[name] == pytest.approx(expected, abs=1e-9)


def test_a_judged_query_without_results_has_a_row_that_scores_zero() -> None:
    rows = per_query(
        ALL, {"q1": {"d1": 1}, "q2": {"d2": 1}, "q3": {"d3": 1}}, {"q1": ["d1"], "q3": []}
    )
    for values in rows.values():
        assert values == {"q1": 1.0, "q2": 0.0, "q3": 0.0}


def test_a_run_without_any_result_scores_zero_everywhere() -> None:
    assert per_query(ALL, {"q1": {"d1": 1}}, {})["nDCG@10"] == {"q1": 0.0}


def test_a_query_that_is_not_judged_has_no_row() -> None:
    rows = per_query(ALL, {"q1": {"d1": 1}}, {"q1": ["d1"], "q2": ["d1"]})
    assert rows["MRR@10"].keys() == {"q1"}


def test_the_order_of_a_ranking_is_kept_whatever_the_ids() -> None:
    qrels = {"q": {"a": 1}}
    assert per_query(ALL, qrels, {"q": ["z", "a"]})["MRR@10"] == {"q": 0.5}
    assert per_query(ALL, {"q": {"z": 1}}, {"q": ["a", "z"]})["MRR@10"] == {"q": 0.5}


def test_a_ranking_that_repeats_a_document_is_refused() -> None:
    with pytest.raises(ValueError, match="'q1' names a document twice"):
        per_query(ALL, {"q1": {"d1": 1}}, {"q1": ["d1", "d2", "d1"]})


def test_every_measure_says_where_it_comes_from() -> None:
    for name, entry in MEASURES.items():
        assert entry.name == name
        assert entry.meaning
        assert any(character.isdigit() for character in entry.citation)


def test_an_unknown_measure_lists_the_known() -> None:
    assert measure("nDCG@10").expression == "nDCG@10"
    with pytest.raises(UserError, match=r"no measure 'F1'; choose one of \['MRR@10', 'nDCG@10'"):
        measure("F1")
