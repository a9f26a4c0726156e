"""The Evaluate view: it teaches, starts, follows, and shows what was found down to one question."""

from __future__ import annotations

from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from eval.results.records import Stage
from tests.reports import report, rows, system_name
from tests.ui.asking import Opener
from tests.ui.conftest import prose, until, words
from tests.ui.fake_evaluations import finish
from tests.ui.fake_service import FakeService
from tests.ui.views.test_feedback import press


@pytest.fixture
def page(open_page: Opener) -> AppTest:
    return open_page(view="evaluate")


@pytest.fixture
def done(page: AppTest, fake: FakeService) -> AppTest:
    """The page with one evaluation opened."""
    press(page, "start-evaluation")
    finish(fake.store)
    until(page, lambda p: any(b.label == "Results" for b in p.button))
    return press(page, "open-")


def plain(page: AppTest) -> str:
    return words(page).replace("\\", "").replace("\u2060", "")


def test_the_empty_view_teaches_in_three_lines(page: AppTest) -> None:
    assert not page.exception
    for number in (1, 2, 3):
        assert f"{number}. **" in words(page)
    assert page.selectbox(key="asked-set").options == ["sample · 63 questions"]


def test_without_documents_one_is_sent_to_the_library(open_page: Opener, fake: FakeService) -> None:
    fake.store.papers.clear()
    assert "Add some in the **Library** first" in words(open_page(view="evaluate"))


def test_whoever_is_not_the_owner_is_told_so(open_page: Opener, fake: FakeService) -> None:
    fake.store.person = "ada"
    page = open_page(view="evaluate")
    assert "Only the owner" in words(page)
    assert not [b for b in page.button if b.key == "start-evaluation"]


def test_what_was_chosen_is_asked_for(page: AppTest, fake: FakeService) -> None:
    page.multiselect(key="evaluate-chunkers").set_value(["recursive"])
    page.multiselect(key="evaluate-sizes").set_value([128, 200])
    page.number_input(key="evaluate-k").set_value(3)
    page.text_input(key="evaluate-name").set_value("Mine")
    press(page, "start-evaluation")
    (item,) = fake.store.evaluations.values()
    assert item["request"] == {
        "question_set": "sample", "collection": "sample", "chunkers": ["recursive"],
        "sizes": [128, 200], "fusions": ["dense", "lexical", "hybrid"], "k": 3, "name": "Mine",
    }  # fmt: skip


def test_a_running_evaluation_shows_how_far_it_is_and_is_cancelled(
    page: AppTest, fake: FakeService
) -> None:
    press(page, "start-evaluation")
    bar = page.get("progress")[0]
    assert "Searching: 33%" in str(bar.proto)
    press(page, "cancel-")
    until(page, lambda p: "Cancelled" in words(p))
    press(page, "resume-")
    (item,) = fake.store.evaluations.values()
    assert item["state"] == "running"


def test_a_failed_one_says_why_and_is_deleted(page: AppTest, fake: FakeService) -> None:
    press(page, "start-evaluation")
    finish(fake.store, "failed", "No gold quote stands in the documents.")
    until(page, lambda p: "No gold quote stands" in words(p))
    press(page, "delete-")
    assert fake.store.evaluations == {}


def test_the_verdict_the_table_and_the_plots(done: AppTest) -> None:
    assert not done.exception
    said = plain(done)
    assert f"{system_name('hybrid')} scores highest: nDCG@5 0.700" in said
    assert f"It is better than {system_name('dense')}." in said
    assert f"The difference to {system_name('lexical')} may be luck." in said
    table = done.dataframe[0].value
    assert list(table["System"]) == [system["name"] for system in report()["systems"]]
    assert table["nDCG@5"][2] == "0.700 (0.650–0.740)"
    assert table["Against the baseline"][0] == "-0.080 (p 0.012)"
    assert len(done.get("vega_lite_chart")) == 3
    assert "**not retrieved**: No index brought it up" in said


def part(page: AppTest, name: str) -> AppTest:
    return next(s for s in page.segmented_control if s.label == "Part").set_value(name).run()


def test_questions_are_filtered_by_system_stage_and_words(done: AppTest) -> None:
    part(done, "questions")
    assert len(done.dataframe[0].value) == 3
    done.selectbox[1].set_value(system_name("dense")).run()
    done.selectbox[2].set_value("lost").run()
    assert list(done.dataframe[0].value["Lost at"]) == ["Not retrieved"]
    done.text_input[0].set_value("cooks").run()
    assert "No question is like that" in words(done)


def test_an_open_evaluation_stays_open_when_the_page_is_loaded_again(
    done: AppTest, open_page: Opener
) -> None:
    again = open_page(view="evaluate", evaluation=str(done.query_params["evaluation"]))
    assert "hybrid scores highest" in plain(again)
    press(again, "all-evaluations")
    assert "evaluation" not in again.query_params


@pytest.mark.parametrize(
    ("stage", "words_", "detail"),
    [
        (Stage.PROMPT, "did not fit what the language model is shown", "passage 9 holds it"),
        (Stage.ANSWER, "was shown it and did not use it", "passage 2 of those shown holds it"),
    ],
)
def test_what_an_answer_lost_is_told_with_the_answer(
    done: AppTest, fake: FakeService, stage: Stage, words_: str, detail: str
) -> None:
    row = next(row for row in rows() if row.losses)
    loss = replace(row.losses[0], stage=stage, detail=detail)
    fake.store.rows = [replace(row, losses=(loss,), answer="They are kept for ten days.")]
    part(done, "questions")
    done.selectbox[1].set_value(row.system).run()
    done.selectbox[2].set_value(str(stage)).run()
    assert list(done.dataframe[0].value["Lost at"]) == [str(stage).capitalize()]
    (id,) = fake.store.evaluations
    table = f"questions-{id}-{row.system}-{stage}-"
    done.session_state[table] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    done.run()
    said = plain(done)
    assert words_ in said
    assert detail in said
    assert "They are kept for ten days." in prose(done, "quote")


def test_evaluations_of_one_name_are_told_apart_by_when_they_were_made(
    done: AppTest, fake: FakeService
) -> None:
    (first,) = fake.store.evaluations.values()
    for id, created in (
        ("older", "2026-01-02T03:04:05+00:00"),
        ("old", "2026-01-02T03:04:09+00:00"),
    ):
        fake.store.evaluations[id] = {**first, "id": id, "created": created}
    part(done, "compare")
    names = done.selectbox[1].options
    assert len(set(names)) == 3
    assert all(first["id"] not in name and name.startswith("sample on sample · ") for name in names)


def test_two_are_compared_in_a_sentence(done: AppTest) -> None:
    part(done, "compare")
    assert not done.exception
    assert "is better than" in plain(done)
    assert system_name("dense") in plain(done)


def test_a_question_set_is_brought_and_deleted(page: AppTest, fake: FakeService) -> None:
    page.file_uploader[0].set_value(("mine.jsonl", b'{"id": 1}\n', "application/json")).run()
    press(page, "add-set")
    assert fake.store.question_sets["mine"]["questions"] == 1
    press(page, "delete-set-mine")
    assert "mine" not in fake.store.question_sets


def test_a_broken_question_set_is_refused_with_its_line(page: AppTest) -> None:
    page.file_uploader[0].set_value(("mine.jsonl", b"{", "application/json")).run()
    press(page, "add-set")
    assert "'mine.jsonl', line 1" in plain(page)


def test_one_goes_back_to_all_evaluations(done: AppTest) -> None:
    press(done, "all-evaluations")
    assert done.title[0].value == "Evaluate"


def test_one_that_is_gone_leads_back_to_the_list(done: AppTest, fake: FakeService) -> None:
    fake.store.evaluations.clear()
    st.cache_data.clear()
    assert done.run().title[0].value == "Evaluate"
