"""The conversations in the sidebar, against the fake service."""

from __future__ import annotations

from pathlib import Path

import corpus
from tests.ui.asking import QUESTION, Opener, answered, ask, press
from tests.ui.conftest import prose, until
from tests.ui.fake_service import FakeService

SAMPLE = Path(corpus.__file__).parent / "sample"


def test_conversations_are_listed_opened_and_left(open_page: Opener) -> None:
    page = answered(open_page())
    page.button(key="new-chat").click().run()
    assert page.title[0].value == "What do you want to know?"
    assert "thread" not in page.query_params
    press(page, "How much memory does a 70B model need in FP4\\?")
    page.sidebar.button[-1].click().run()
    assert prose(page, "question") == [QUESTION]


def test_an_address_of_a_conversation_that_is_gone_opens_an_empty_page(open_page: Opener) -> None:
    page = open_page(thread="nope")
    assert "no longer exists" in page.toast[0].value
    assert page.title[0].value == "What do you want to know?"


def test_a_title_full_of_markup_is_shown_as_it_was_typed(
    open_page: Opener, fake: FakeService
) -> None:
    page = ask(open_page(), "![x](https://example.org/p.png) <b>:red[hi]</b>")
    until(page, lambda p: not any(r.state == "running" for r in fake.store.runs.values()))
    title = page.sidebar.button[-1].label
    assert "\\!\\[x\\]\\(https" in title
    assert "https\\://" not in title
