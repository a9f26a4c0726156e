"""Rows say where they lost their gold, and come back as they were written."""

from __future__ import annotations

import json
from dataclasses import replace

from eval.results.records import Found, Loss, Row, Stage

WHOLE = Row(
    system="dense",
    query="q1",
    text="Wie lange hält das Relais? \u202e<b>",
    kind="lookup",
    metrics={"recall@5": 0.5, "nDCG@10": 0.123456789012345},
    latency_ms=3.25,
    missed=True,
    losses=(
        Loss("b.md", 3, 9, Stage.FUSION, "rank 2 of dense, 12 after fusion"),
        Loss("a.md", 0, 4, Stage.SPLIT, "no chunk holds half"),
    ),
    found=(Found(1, "a.md", 5, 90, 0.75, 1, None, True, "…"), Found(2, "c.md", 0, 9, -0.5)),
    gold=({"document": "a.md", "start": 0, "end": 4}, {"document": "b.md", "grade": 2}),
    answer="Zehn Jahre [1].",
)


def test_a_row_comes_back_as_it_was_written() -> None:
    assert Row.from_json(json.loads(json.dumps(WHOLE.to_json()))) == WHOLE


def test_a_row_that_knows_little_comes_back_too() -> None:
    bare = Row("lexical", "q2", "Why?", "", {})
    assert Row.from_json(json.loads(json.dumps(bare.to_json()))) == bare


def test_the_stage_of_a_row_is_the_first_that_lost_any_of_its_gold() -> None:
    assert WHOLE.stage is Stage.SPLIT
    assert WHOLE.to_json()["stage"] == "split apart"
    assert replace(WHOLE, losses=WHOLE.losses[:1]).stage is Stage.FUSION


def test_a_row_that_lost_nothing_has_no_stage() -> None:
    assert replace(WHOLE, losses=()).stage is None
    assert replace(WHOLE, losses=()).to_json()["stage"] is None


def test_the_stages_stand_in_the_order_in_which_they_can_lose() -> None:
    assert [stage.value for stage in Stage] == [
        "not parsed",
        "split apart",
        "filtered",
        "not retrieved",
        "lost in fusion",
        "lost in rerank",
        "cut from the prompt",
        "ignored in the answer",
    ]
