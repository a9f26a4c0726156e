"""The conversation as a session sees it, against the fake service."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

import corpus
from corpus.questions import load_questions
from tests.ui.asking import ANSWER, QUESTION, Opener, answered, ask, has_button
from tests.ui.conftest import prose, until, words
from tests.ui.fake_papers import papers, read_upload
from tests.ui.fake_service import FakeService
from ui.views.chat.view import EXAMPLES

SAMPLE = Path(corpus.__file__).parent / "sample"


def test_the_empty_page_teaches_with_four_questions(open_page: Opener) -> None:
    page = open_page()
    assert not page.exception
    assert len([b for b in page.button if (b.key or "").startswith("example-")]) == 4
    assert "5 documents" in words(page)


def test_without_documents_the_page_points_to_the_library(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.papers.clear()
    page = open_page()
    assert "**Library**" in words(page)
    assert not any((b.key or "").startswith("example-") for b in page.button)


def test_an_example_is_asked_when_pressed(open_page: Opener) -> None:
    page = open_page()
    page.button(key="example-0").click().run()
    assert prose(page, "question") == [EXAMPLES[0]]


def test_the_sample_answers_every_example() -> None:
    known = load_questions(SAMPLE / "questions.jsonl").questions
    assert set(EXAMPLES) <= {q.text for q in known if q.answerable}


def test_an_answer_has_its_citations_and_says_who_wrote_it(open_page: Opener) -> None:
    page = answered(open_page())
    assert prose(page, "answer")[0].startswith(ANSWER)
    assert any("p. 2" in b.label for b in page.button)
    assert "Written by llama" in words(page)


def test_sentences_that_no_document_carries_are_marked(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.say, fake.store.doubted = "One is true [1]. Two is not.", ((17, 28),)
    page = answered(open_page())
    assert "Marked sentences are not carried by the documents." in words(page)
    fake.store.doubted = ()
    again = open_page(thread=page.query_params["thread"])
    assert "Marked sentences are not carried by the documents." in words(again)  # as it was stored


def test_an_answer_that_is_carried_says_nothing_of_marks(open_page: Opener) -> None:
    assert "Marked sentences" not in words(answered(open_page()))


def test_the_extractive_engine_is_labelled(open_page: Opener, fake: FakeService) -> None:
    fake.store.engine = "extractive"
    page = answered(open_page())
    assert "no language model" in words(page)
    assert page.segmented_control(key="mode").options == ["Answer", "Search only"]


def test_a_reload_brings_the_conversation_back(open_page: Opener) -> None:
    first = answered(open_page())
    again = open_page(thread=first.query_params["thread"])
    assert prose(again, "answer")[0].startswith(ANSWER)


def test_a_reload_in_the_middle_shows_the_whole_answer(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.pace = 0.05
    first = ask(open_page(), QUESTION)
    again = open_page(thread=first.query_params["thread"])
    assert again.button(key="stop")
    until(again, has_button("quantization"))
    assert prose(again, "answer")[0].startswith(ANSWER)


def test_clicking_about_in_the_middle_loses_nothing(open_page: Opener, fake: FakeService) -> None:
    fake.store.pace = 0.05
    page = ask(open_page(), QUESTION)
    for _ in range(5):
        page.button(key="nav-library").click().run()
        page.button(key="nav-chat").click().run()
    until(page, has_button("quantization"))
    assert prose(page, "answer")[0].startswith(ANSWER)
    assert prose(page, "question") == [QUESTION]


def test_a_stopped_answer_says_so_and_shows_its_passages(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.pace = 0.3
    page = ask(open_page(), QUESTION)
    page.button(key="stop").click().run()
    until(page, lambda p: "Stopped before its end" in words(p))
    assert page.expander[0].label == "The 5 passages that were found"


def test_a_failed_answer_gives_the_reason_and_the_passages(
    open_page: Opener, fake: FakeService
) -> None:
    fake.store.fail_with = "The model's server refused; start it and ask again."
    page = until(ask(open_page(), QUESTION), lambda p: "could not be completed" in words(p))
    assert "start it and ask again" in words(page)
    assert has_button("quantization")(page)


def test_a_refusal_looks_like_one_and_names_what_is_nearest(open_page: Opener) -> None:
    page = until(
        ask(open_page(), "Who won the football cup in 1974?"), lambda p: "don't say" in words(p)
    )
    assert [b for b in page.button if (b.key or "").startswith("nearest-")]
    assert prose(page, "answer") == []  # which would say the same again
    assert "Written by" not in words(page)


def test_the_steps_of_the_agent_are_folded_beside_the_answer(open_page: Opener) -> None:
    page = open_page()
    page.segmented_control(key="mode").set_value("agent").run()
    answered(page)
    assert page.expander[0].label == "1 step"
    assert QUESTION in prose(page, "log")[0]


NOTE = "Please write it down: a 70B model needs 140 GB."


def test_the_chosen_mode_is_kept_on_the_way_through_the_library(open_page: Opener) -> None:
    page = open_page()
    page.segmented_control(key="mode").set_value("agent").run()
    page.button(key="nav-library").click().run()
    page.button(key="nav-chat").click().run()
    assert page.segmented_control(key="mode").value == "agent"


def test_a_chosen_collection_that_goes_away_is_no_longer_chosen(
    open_page: Opener, fake: FakeService
) -> None:
    paper = read_upload("c.txt", b"The canteen opens at noon.", "kitchen")
    fake.store.papers[paper.id] = paper
    page = open_page()
    page.selectbox(key="collection").set_value("kitchen").run()
    fake.store.papers = {p.id: p for p in papers()}
    extra = read_upload("d.txt", b"Another.", "cellar")
    fake.store.papers[extra.id] = extra
    st.cache_data.clear()
    assert not page.run().exception
    assert page.selectbox(key="collection").value == ""


def test_a_slash_command_is_a_run_like_any_other(open_page: Opener) -> None:
    page = until(ask(open_page(), "/search cold start of vLLM"), lambda p: bool(p.expander))
    assert prose(page, "question") == ["/search cold start of vLLM"]


def test_an_answer_leads_into_its_search(open_page: Opener) -> None:
    page = answered(open_page())
    (button,) = [b for b in page.button if (b.key or "").startswith("inspect-")]
    button.click().run()
    assert page.query_params["view"] == "inspect"
    assert page.query_params["q"] == QUESTION
    assert not page.exception
