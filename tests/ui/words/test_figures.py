"""What an evaluation found, said in sentences that hold for few systems and for many."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.reports import METRIC, report, system_name
from ui.api.wire import EvaluationJson, ReportJson
from ui.words.charts import interval_chart, loss_chart, speed_chart
from ui.words.figures import (
    STAGES,
    counted,
    interval_rows,
    lead_metric,
    loss_rows,
    metric_words,
    progress_words,
    speed_rows,
    stage_words,
    state_name,
    system_rows,
    verdict,
)


def made(**changes: Any) -> ReportJson:
    return cast(ReportJson, {**report(), **changes})


def test_the_verdict_names_the_best_and_what_it_beats() -> None:
    assert verdict(made(), METRIC) == (
        "recursive-200-30 hybrid scores highest: nDCG@5 0.700 (95 % interval 0.650 to 0.740) over"
        " 3 questions. It is better than recursive-200-30 dense. The difference to"
        " recursive-200-30 lexical may be luck."
    )


def test_a_baseline_that_is_not_the_best_is_named() -> None:
    told = report()
    for test in told["tests"]:
        test.update(a=system_name("lexical"), delta=-0.2, p_holm=0.001)
    said = verdict(
        made(tests=[{**t, "b": f"b{n}"} for n, t in enumerate(told["tests"] * 2)]), METRIC
    )
    assert "The baseline, recursive-200-30 lexical, is worse than 4 others." in said


def test_without_tests_nothing_is_claimed() -> None:
    assert verdict(made(tests=[]), METRIC).endswith("over 3 questions.")
    assert "Nothing could be measured" in verdict(made(systems=[]), METRIC)


def test_an_uncorrected_p_counts_where_there_is_no_other() -> None:
    tests = [{**report()["tests"][0], "p": 0.9, "p_holm": None}]
    assert "may be luck" in verdict(made(tests=tests), METRIC)


def test_each_system_has_a_row_with_what_it_costs() -> None:
    rows = system_rows(made(), METRIC)
    assert [row["Missed"] for row in rows] == [1, 0, 0]
    assert rows[0]["chunks"] == 14
    assert [row["Against the baseline"] for row in rows] == [
        "-0.080 (p 0.012)", "-0.150 (p 0.400)", "is the baseline",
    ]  # fmt: skip


def test_counts_are_not_shown_as_shares() -> None:
    told = report()
    for system in told["systems"]:
        system["metrics"]["context tokens@5"] = 812.4
        system["ci95"]["context tokens@5"] = [800.2, 820.9]
    rows = system_rows(cast(ReportJson, told), "context tokens@5")
    assert rows[0]["context tokens@5"] == "812 (800–821)"
    told["systems"][1]["metrics"]["context tokens@5"] = 805.0
    said = verdict(cast(ReportJson, told), "context tokens@5")
    assert said.startswith("recursive-200-30 lexical needs least: context tokens@5 805 (95 %")


def test_one_begins_with_what_everybody_understands_unless_chunks_differ() -> None:
    names = [METRIC, "span recall@5"]
    assert lead_metric(made()) == METRIC
    assert lead_metric(made(metrics=names)) == "span recall@5"
    told = report()
    told["systems"][0]["parts"]["size"] = 400
    assert lead_metric(cast(ReportJson, {**told, "metrics": names})) == METRIC


def test_a_system_that_is_worse_and_slower_is_not_in_front() -> None:
    told = report()
    told["systems"][0]["latency_ms"]["p50"] = 9.0
    rows = speed_rows(cast(ReportJson, told), METRIC)
    assert [row["front"] for row in rows] == [False, True, True]
    told["systems"][0]["latency_ms"]["p50"] = None
    assert len(speed_rows(cast(ReportJson, told), METRIC)) == 2


def test_plots_hold_the_rows() -> None:
    told = made()
    assert len(interval_chart(interval_rows(told, METRIC), METRIC)["data"]["values"]) == 3
    assert len(speed_chart(speed_rows(told, METRIC), METRIC)["data"]["values"]) == 3
    losses = loss_chart(loss_rows(told))
    assert losses["encoding"]["color"]["sort"] == ["not retrieved"]


def test_many_systems_have_no_colour_each() -> None:
    rows = speed_rows(made(), METRIC) * 4
    assert "color" not in speed_chart(rows, METRIC)["layer"][1]["encoding"]


@pytest.mark.parametrize("stage", list(STAGES))
def test_every_stage_has_words(stage: str) -> None:
    assert stage_words(stage).endswith(".")


def test_the_stages_are_those_of_the_benchmarks() -> None:
    from eval.results.records import Stage

    assert list(STAGES) == list(Stage)


def test_words_for_measures_states_and_progress() -> None:
    assert [counted(n, "question") for n in (1, 2000)] == ["1 question", "2,000 questions"]
    assert metric_words("nDCG@5").startswith("nDCG@5, among the first 5: how near the top")
    assert metric_words("something") == ""
    assert state_name("interrupted") == "Interrupted"
    item = {"state": "running", "doing": "embedding", "done": 1200, "total": 3000}
    assert progress_words(cast(EvaluationJson, item)) == "Embedding: 40%"
    assert progress_words(cast(EvaluationJson, {**item, "total": 0})) == "Embedding…"
    assert progress_words(cast(EvaluationJson, {**item, "state": "queued"})).startswith("Waiting")
