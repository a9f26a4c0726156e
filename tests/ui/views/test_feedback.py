"""Thumbs under an answer, and the small form that says what would have been right."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.ui.asking import Opener
from tests.ui.asking import answered as answered_page
from tests.ui.conftest import until, words
from tests.ui.fake_papers import read_upload
from tests.ui.fake_service import FakeService
from ui.words.quotes import find_quote


def press(page: AppTest, start: str) -> AppTest:
    return next(b for b in page.button if (b.key or "").startswith(start)).click().run()


def verdict(fake: FakeService) -> Any:
    (thread,) = fake.store.threads.values()
    return thread["messages"][-1]["feedback"]


@pytest.fixture
def answered(open_page: Opener) -> AppTest:
    return answered_page(open_page())


def test_a_thumb_up_is_kept_and_said(answered: AppTest, fake: FakeService) -> None:
    press(answered, "thumb-thumb_up")
    assert verdict(fake)["rating"] == 1
    assert "You called this right" in words(answered)
    assert not answered.radio


def test_a_thumb_down_asks_what_would_have_been_right(answered: AppTest, fake: FakeService) -> None:
    press(answered, "thumb-thumb_down")
    assert verdict(fake)["rating"] == -1
    assert "What would have been right?" in words(answered)
    press(answered, "later-")
    assert not answered.radio
    assert "You called this wrong." in words(answered)


def test_the_right_source_is_found_by_its_words(answered: AppTest, fake: FakeService) -> None:
    press(answered, "thumb-thumb_down")
    backups = next(p for p in fake.store.papers.values() if "backups" in p.source)
    answered.selectbox[-1].set_value(backups.id)
    answered.text_area[-1].set_value("the NIGHTLY  backup of the catalog")
    answered.text_input[-1].set_value("not this one")
    press(answered, "save-")
    (source,) = verdict(fake)["sources"]
    assert source["quote"] == "The nightly backup of the catalog"
    assert verdict(fake)["comment"] == "not this one"
    assert "the right source is backups" in words(answered)


def test_among_many_documents_one_is_found_by_its_name(
    answered: AppTest, fake: FakeService
) -> None:
    for n in range(40):
        paper = read_upload(f"report-{n:02}.txt", f"Report {n} is here.".encode(), "reports")
        fake.store.papers[paper.id] = paper
    st.cache_data.clear()
    press(answered, "thumb-thumb_down")
    assert len(_documents(answered)) == 20
    next(i for i in answered.text_input if i.label == "Find the document").set_value("report 31")
    answered.run()
    assert _documents(answered) == ["report\\-31\\.txt"]


def _documents(page: AppTest) -> list[str]:
    return next(s for s in page.selectbox if s.label == "Document").options


def test_words_that_are_not_in_the_document_are_not_kept(
    answered: AppTest, fake: FakeService
) -> None:
    press(answered, "thumb-thumb_down")
    press(answered, "save-")
    assert "Choose the document" in words(answered)
    answered.selectbox[-1].set_value(next(iter(fake.store.papers)))
    answered.text_area[-1].set_value("pigs fly")
    press(answered, "save-")
    assert "not in that document" in words(answered)
    assert verdict(fake)["sources"] == []


def test_that_the_documents_do_not_say_is_kept(answered: AppTest, fake: FakeService) -> None:
    press(answered, "thumb-thumb_down")
    answered.radio[0].set_value("nowhere").run()
    press(answered, "save-")
    assert verdict(fake)["unanswerable"] is True
    assert "the documents do not say" in words(answered)


def test_a_refusal_can_be_rated_too(open_page: Opener, fake: FakeService) -> None:
    page = open_page()
    page.chat_input(key="prompt").set_value("Who won the football cup in 1974?").run()
    until(page, lambda p: "don't say" in words(p))
    until(page, lambda p: any((b.key or "").startswith("thumb-") for b in p.button))
    press(page, "thumb-thumb_up")
    assert verdict(fake)["rating"] == 1


def test_a_reload_shows_what_was_said(
    answered: AppTest, open_page: Opener, fake: FakeService
) -> None:
    press(answered, "thumb-thumb_up")
    again = open_page(thread=answered.query_params["thread"])
    assert "You called this right" in words(again)


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("the box", (4, 11)),
        ("a b", (13, 18)),
        ("(x)", (19, 22)),
        ("", None),
        (" | ", None),
        ("nothing", None),
    ],
)
def test_a_quote_is_found_whatever_its_spaces(quote: str, found: tuple[int, int] | None) -> None:
    assert find_quote(quote, "See The\nBox. a | b (x)") == found
