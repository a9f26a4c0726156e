"""The JSON contract of a benchmark and the tables people read."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from eval.report import Report, System, Test, paired_tests
from eval.results.tables import print_tables

DENSE = System("dense", {"nDCG@10": {"a": 0.2, "b": 0.4}}, [1.0, 3.0])
LEXICAL = System("lexical", {"nDCG@10": {"a": 0.5, "b": 0.4}}, [2.0])
HYBRID = System("hybrid", {"nDCG@10": {"a": 0.6, "b": 0.8}}, [4.0])
SYSTEMS = (DENSE, LEXICAL, HYBRID)


def test_the_json_holds_what_the_contract_names() -> None:
    data = json.loads(json.dumps(Report("weather", SYSTEMS, paired_tests(SYSTEMS)).to_json()))
    assert data["dataset"] == "weather"
    assert [system["name"] for system in data["systems"]] == ["dense", "lexical", "hybrid"]
    dense = data["systems"][0]
    assert dense["metrics"]["nDCG@10"] == pytest.approx(0.3)
    low, high = dense["ci95"]["nDCG@10"]
    assert 0.2 <= low <= 0.3 <= high <= 0.4
    assert dense["latency_ms"] == {"p50": 2.0, "p95": 2.9}
    assert (dense["n"], dense["n_by_metric"]) == (2, {"nDCG@10": 2})


def test_hybrid_is_tested_against_each_half() -> None:
    tests = [test.to_json() for test in paired_tests(SYSTEMS)]
    assert [(test["a"], test["b"]) for test in tests] == [
        ("hybrid", "dense"),
        ("hybrid", "lexical"),
    ]
    assert tests[0]["delta"] == pytest.approx(0.4)
    assert (tests[0]["wins"], tests[0]["ties"], tests[0]["losses"], tests[0]["n"]) == (2, 0, 0, 2)
    assert 0 < tests[0]["p"] <= 1
    assert tests[0]["metric"] == "nDCG@10"


def test_the_tests_of_a_measure_are_corrected_for_their_number() -> None:
    first, second = paired_tests(SYSTEMS)
    assert first.p_holm == pytest.approx(min(1.0, 2 * first.result.p))
    assert second.p_holm == pytest.approx(min(1.0, 2 * second.result.p))
    assert first.to_json()["p_t"] == first.result.p_t
    assert [query for query, _ in first.moved] == ["b", "a"]


def test_without_hybrid_there_is_nothing_to_test() -> None:
    assert paired_tests((DENSE, LEXICAL)) == ()
    assert paired_tests((HYBRID,)) == ()


def test_a_mean_over_some_of_the_queries_says_over_how_many() -> None:
    rows = {"refused": {"a": 1.0, "b": 0.0, "c": 0.0}, "cited": {"d": 1.0}, "never": {}}
    data = System("extractive", rows, [1.0]).to_json()
    assert data["n"] == 4
    assert data["n_by_metric"] == {"refused": 3, "cited": 1}
    assert data["metrics"] == {"refused": pytest.approx(1 / 3), "cited": 1.0}


def test_kinds_of_question_have_figures_of_their_own() -> None:
    rows = {"success@5": {"a": 1.0, "b": 0.0, "c": 1.0}}
    system = System("hybrid", rows, [1.0], {"table": ["a", "b"], "lookup": ["c"]})
    kinds = system.to_json()["kinds"]
    assert kinds["table"]["metrics"] == {"success@5": 0.5}
    assert (kinds["table"]["n"], kinds["lookup"]["n"]) == (2, 1)


def test_people_see_the_same_report() -> None:
    kinds = System("hybrid", HYBRID.rows, [4.0], {"table": ["a"]})
    systems = (DENSE, LEXICAL, kinds)
    console = Console(file=io.StringIO(), width=200)
    report = Report("weather", systems, paired_tests(systems), {"encoder": "tiny"})
    print_tables(report.to_json(), console)
    assert isinstance(console.file, io.StringIO)
    text = " ".join(console.file.getvalue().split())
    for expected in ["weather", "encoder: tiny", "dense", "lexical", "nDCG@10", "0.300", "+0.400"]:
        assert expected in text
    assert "by kind of question" in text
    assert "2/0/0" in text


def test_a_test_says_what_was_computed_of_it_and_what_was_not() -> None:
    found = replace(paired_tests(SYSTEMS)[0].result, p_t=None)
    plain = Test("hybrid", "dense", "nDCG@10", found)
    assert (plain.to_json()["p_t"], plain.to_json()["p_holm"], plain.to_json()["moved"]) == (
        None,
        None,
        [],
    )
    found = replace(found, p_t=0.04)
    whole = replace(plain, result=found, p_holm=0.08, moved=(("b", 0.4), ("a", -0.1)))
    data = whole.to_json()
    assert (data["p_t"], data["p_holm"]) == (0.04, 0.08)
    assert data["moved"] == [{"query": "b", "delta": 0.4}, {"query": "a", "delta": -0.1}]


def test_a_system_says_what_it_is_made_of_and_where_it_lost_what() -> None:
    parts = {"chunker": "recursive", "size": 200, "fusion": "dense"}
    losses = {"not retrieved": 2, "split apart": 1, "filtered": 0}
    data = System("dense", DENSE.rows, [1.0], parts=parts, losses=losses, missed=2).to_json()
    assert (data["parts"], data["missed"]) == (parts, 2)
    assert list(data["losses"].items()) == [("split apart", 1), ("not retrieved", 2)]


def test_what_nobody_looked_at_is_not_said_to_be_none() -> None:
    assert not {"parts", "losses", "missed", "facts", "kinds"} & DENSE.to_json().keys()
    assert System("lucky", DENSE.rows, [], missed=0).to_json()["losses"] == {}


def test_a_system_that_was_not_timed_has_no_latency() -> None:
    assert System("read", DENSE.rows, []).to_json()["latency_ms"] == {"p50": None, "p95": None}


def test_a_report_names_its_measures_and_the_one_it_goes_by() -> None:
    data = Report("weather", SYSTEMS).to_json()
    assert (data["metric"], data["metrics"], data["baseline"]) == (None, ["nDCG@10"], None)
    data = Report(
        "weather", SYSTEMS, metric="MRR", metrics=("MRR", "MAP"), baseline="dense"
    ).to_json()
    assert (data["metric"], data["metrics"], data["baseline"]) == ("MRR", ["MRR", "MAP"], "dense")
