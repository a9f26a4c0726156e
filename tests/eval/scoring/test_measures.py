"""Names of measures, and the rows the library leaves out."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_queries_with_bad_or_no_judgements_leave_the_others_and_the_process_alone() -> None:
    # TREC's code crashes at grades that are all below 0, after a query that had many
    bad = {f"bad{number}": {"d1": -2} for number in range(50)}
    good = {f"good{number}": {f"d{n}": n % 4 for n in range(12)} for number in range(50)}
    qrels = {"a": {"d1": 1}, "b": {}, "c": {"d1": 0}, "d": {"d2": 1}, **good, **bad, "e": {"d1": 3}}
    run = {query: [f"d{n}" for n in range(20)] for query in qrels}
    for _ in range(20):
        rows = per_query(ALL, qrels, run)
    assert [rows["MRR"][query] for query in "abcde"] == [1 / 2, 0, 0, 1 / 3, 1 / 2]
    assert {rows["nDCG@10"][query] for query in bad} == {0.0}


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


DOCUMENTS = st.sampled_from([f"d{number}" for number in range(12)])
GRADES = st.dictionaries(DOCUMENTS, st.integers(-2, 3), min_size=1)
RANKINGS = st.lists(DOCUMENTS, unique=True, max_size=12)
LOOKS = settings(max_examples=60, deadline=None)


def values(names: tuple[str, ...], grades: dict[str, int], ranking: list[str]) -> dict[str, float]:
    rows = per_query([measure(name) for name in names], {"q": grades}, {"q": ranking})
    return {name: found["q"] for name, found in rows.items()}


@LOOKS
@given(GRADES, RANKINGS, st.integers(1, 15))
def test_values_lie_between_nothing_and_everything(
    grades: dict[str, int], ranking: list[str], k: int
) -> None:
    names = tuple(f"{family}@{k}" for family, f in FAMILIES.items() if f.library)
    found = values((*names, "MRR", "MAP"), grades, ranking)
    assert all(0 <= value <= 1 + 1e-12 for value in found.values())
    if not any(grades.get(document, 0) > 0 for document in ranking):
        assert set(found.values()) == {0.0}


@LOOKS
@given(GRADES, RANKINGS.filter(lambda r: len(r) > 1), st.data())
def test_moving_a_better_document_up_lowers_nothing(
    grades: dict[str, int], ranking: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(1, len(ranking) - 1))
    above, below = ranking[place - 1], ranking[place]
    better = max(grades.get(below, 0), 0) >= max(grades.get(above, 0), 0)
    swapped = [*ranking[: place - 1], below, above, *ranking[place + 1 :]]
    names = ("nDCG@3", "nDCG@10", "MRR", "MAP", "MAP@3", "recall@3", "precision@3", "success@3")
    before, after = values(names, grades, ranking), values(names, grades, swapped)
    for name in names:
        difference = after[name] - before[name]
        assert difference >= -1e-12 if better else difference <= 1e-12


@LOOKS
@given(GRADES, RANKINGS)
def test_a_perfect_order_is_worth_one_and_more_results_lose_no_recall(
    grades: dict[str, int], ranking: list[str]
) -> None:
    best = sorted(grades, key=lambda document: -grades[document])
    relevant = sum(grade > 0 for grade in grades.values())
    names = ("nDCG@12", "MRR", "MAP", "recall@12", "success@1", f"precision@{relevant or 1}")
    assert values(names, grades, best) == {
        name: pytest.approx(float(relevant > 0)) for name in names
    }
    recalls = [values((f"recall@{k}",), grades, ranking)[f"recall@{k}"] for k in range(1, 14)]
    assert recalls == sorted(recalls)


@LOOKS
@given(GRADES, RANKINGS, st.integers(1, 12))
def test_measures_of_relevance_look_at_no_grades(
    grades: dict[str, int], ranking: list[str], k: int
) -> None:
    flat = {document: int(grade > 0) for document, grade in grades.items()}
    names = (f"MRR@{k}", f"MAP@{k}", f"recall@{k}", f"precision@{k}", f"success@{k}")
    assert values(names, grades, ranking) == values(names, flat, ranking)
