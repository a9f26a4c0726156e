"""Names of measures, and the rows the library leaves out."""

from __future__ import annotations

import sys

import pytest

from corpus.errors import UserError
from eval.scoring.measures import FAMILIES, MEASURES, is_cost, measure, per_query

EVERY = ("nDCG@10", "MRR", "MRR@10", "MAP", "MAP@10", "recall@10", "precision@1", "success@1")
ALL = tuple(measure(name) for name in EVERY)


def test_a_judged_query_without_results_has_a_row_that_scores_zero() -> None:
    rows = per_query(
        ALL, {"q1": {"d1": 1}, "q2": {"d2": 1}, "q3": {"d3": 1}}, {"q1": ["d1"], "q3": []}
    )
    assert list(rows) == list(EVERY)
    for values in rows.values():
        assert values == {"q1": 1.0, "q2": 0.0, "q3": 0.0}


def test_a_run_without_any_result_scores_zero_everywhere() -> None:
    assert per_query(ALL, {"q1": {"d1": 1}}, {})["nDCG@10"] == {"q1": 0.0}


def test_a_query_whose_judgements_are_all_bad_scores_zero() -> None:
    rows = per_query(ALL, {"q1": {"d1": 0, "d2": -1}, "q2": {}}, {"q1": ["d1", "d2"], "q2": ["d1"]})
    assert all(values == {"q1": 0.0, "q2": 0.0} for values in rows.values())


def test_a_query_that_is_not_judged_has_no_row() -> None:
    rows = per_query(ALL, {"q1": {"d1": 1}}, {"q1": ["d1"], "q2": ["d1"]})
    assert rows["MRR@10"].keys() == {"q1"}


def test_the_order_of_a_ranking_is_kept_whatever_the_ids() -> None:
    qrels = {"q": {"a": 1}}
    assert per_query(ALL, qrels, {"q": ["z", "a"]})["MRR@10"] == {"q": 0.5}
    assert per_query(ALL, {"q": {"z": 1}}, {"q": ["a", "z"]})["MRR@10"] == {"q": 0.5}


def test_places_that_a_short_run_leaves_empty_count_against_precision() -> None:
    rows = per_query([measure("precision@10")], {"q": {"a": 1}}, {"q": ["a", "b"]})
    assert rows == {"precision@10": {"q": pytest.approx(0.1)}}


def test_a_ranking_that_repeats_a_document_is_refused() -> None:
    with pytest.raises(ValueError, match="'q1' names a document twice"):
        per_query(ALL, {"q1": {"d1": 1}}, {"q1": ["d1", "d2", "d1"]})


def test_a_machine_without_trec_s_code_gets_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    qrels, run = {"q1": {"a": 1, "b": 2, "c": 0}, "q2": {"a": 1}}, {"q1": ["c", "a", "x", "b"]}
    rows = per_query(ALL, qrels, run)
    monkeypatch.setitem(sys.modules, "pytrec_eval", None)
    assert per_query(ALL, qrels, run) == {
        name: pytest.approx(values) for name, values in rows.items()
    }


def test_a_measure_is_named_by_its_family_and_a_number() -> None:
    assert measure("precision@1234").name == "precision@1234"
    assert (measure("MAP@5").expression, measure("MRR").expression) == ("AP@5", "RR")
    assert all(measure(name).name == name for name in (*EVERY, *MEASURES))


def test_every_measure_says_what_it_means_and_where_it_comes_from() -> None:
    assert measure("success@3").meaning == "1 if any relevant document is among the first 3, else 0"
    assert "among all results" in measure("MRR").meaning
    assert measure("recall in 4000").meaning.endswith("of 4000 characters at most")
    for family in FAMILIES.values():
        assert any(character.isdigit() for character in family.citation)


def test_measures_of_text_are_named_but_not_computed_from_rankings() -> None:
    for name in ("token IoU@5", "precision omega", "span recall@3", "recall in 12000"):
        assert (measure(name).name, measure(name).of_text) == (name, True)
    with pytest.raises(ValueError, match="'token IoU@5' is no measure of judged items"):
        per_query([measure("token IoU@5")], {"q": {"a": 1}}, {})


def test_of_tokens_spent_less_is_better() -> None:
    assert is_cost("context tokens@5")
    assert not any(is_cost(name) for name in (*EVERY, "token IoU@5", "anything else"))


@pytest.mark.parametrize(
    "name",
    [
        "F1",
        "nDCG",
        "recall",
        "ndcg@10",
        "nDCG@0",
        "nDCG@-1",
        "nDCG@1.5",
        "nDCG@",
        "MRR@x",
        "",
        "precision omega@5",
        "recall in",
        "token recall",
        "recall in x",
    ],
)
def test_an_unknown_measure_lists_the_families(name: str) -> None:
    with pytest.raises(
        UserError, match=r"choose from nDCG@k, MRR@k, MAP@k, .*, MRR, MAP, "
    ) as error:
        measure(name)
    assert repr(name) in str(error.value)
