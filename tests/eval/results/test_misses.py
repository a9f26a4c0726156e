"""The page shows the questions that the best systems and the baseline lost gold of, as many as fit."""

from __future__ import annotations

from dataclasses import replace

from eval.results.findings import Findings
from eval.results.misses import missing
from eval.results.records import Found, Loss, Stage
from tests.eval.results.examples import BASELINE, report_of, rows_of

ROWS = rows_of()
FINDINGS = Findings(report_of(ROWS))


def test_the_best_three_and_the_baseline_are_shown() -> None:
    best = [system["name"] for system in FINDINGS.ranked[:3]]
    assert BASELINE not in best[:2]
    assert set(missing(FINDINGS, ROWS).systems) == {*best, BASELINE}
    assert missing(FINDINGS, ROWS).systems[:3] == tuple(best)


def test_only_what_lost_gold_is_shown_and_everything_that_did() -> None:
    found = missing(FINDINGS, ROWS)
    shown = {(row.system, row.query) for question in found.questions for row in question.rows}
    lost = {(r.system, r.query) for r in ROWS if r.system in found.systems and r.losses}
    assert shown == lost
    assert found.of == len(found.questions) == len({query for _, query in lost})
    assert found.asked == 40


def test_a_question_of_which_nothing_was_found_is_shown_without_a_diagnosis_too() -> None:
    rows = [replace(row, losses=(), missed=row.query == "q3") for row in ROWS]
    (question,) = missing(FINDINGS, rows).questions
    assert (question.id, question.stages) == ("q3", {})


def test_questions_stand_in_their_order_and_systems_best_first() -> None:
    found = missing(FINDINGS, ROWS)
    numbers = [int(question.id.removeprefix("q")) for question in found.questions]
    assert numbers == sorted(numbers)
    for question in found.questions:
        places = [found.systems.index(row.system) for row in question.rows]
        assert places == sorted(places)


def test_what_does_not_fit_is_left_out_and_counted() -> None:
    whole = missing(FINDINGS, ROWS)
    part = missing(FINDINGS, ROWS, budget=20_000)
    assert 0 < len(part.questions) < len(whole.questions)
    assert part.questions == whole.questions[: len(part.questions)]
    assert part.of == whole.of


def test_the_first_passages_are_shown_and_gold_further_down() -> None:
    question = missing(FINDINGS, ROWS).questions[0]
    assert [found.rank for found in question.passages(question.rows[0])] == [1, 2, 3, 4, 5, 7]


def test_stages_are_counted_in_their_order() -> None:
    best, second = FINDINGS.ranked[0]["name"], FINDINGS.ranked[1]["name"]
    fused, cut = (Loss("d", 0, 9, stage, "") for stage in (Stage.FUSION, Stage.SPLIT))
    row = replace(ROWS[0], query="q", found=(Found(1, "d", 0, 9, 1.0),))
    rows = [
        replace(row, system=best, losses=(fused,)),
        replace(row, system=second, losses=(cut, fused)),
    ]
    found = missing(FINDINGS, rows)
    assert list(found.questions[0].stages.items()) == [("split apart", 1), ("lost in fusion", 1)]
    assert found.stages == ["split apart", "lost in fusion"]
