"""Calls that wait for a person, as the page shows them."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

import corpus
from tests.ui.asking import Opener, ask, has_button, press
from tests.ui.conftest import prose, until, words
from tests.ui.fake_service import FakeService

SAMPLE = Path(corpus.__file__).parent / "sample"

NOTE = "Please write it down: a 70B model needs 140 GB."


def _asked(page: AppTest) -> AppTest:
    return until(ask(page, NOTE), has_button("Approve"))


def test_a_call_that_waits_is_shown_exactly_and_approved_in_the_page(
    open_page: Opener, fake: FakeService
) -> None:
    page = _asked(open_page())
    assert "May the agent write a note?" in words(page)
    assert NOTE in prose(page, "log")
    assert "1 January 2099" in words(page) or "December 2098" in words(page)
    press(page, "Approve")
    until(page, lambda p: "You approved" in words(p))
    (approval,) = fake.store.approvals.values()
    assert (approval["verdict"], approval["arguments"]["text"]) == ("approve", NOTE)
    assert not page.exception


def test_a_call_is_rejected_with_a_reason(open_page: Opener, fake: FakeService) -> None:
    page = _asked(open_page())
    next(i for i in page.text_input if (i.key or "").startswith("reason-")).set_value("not now")
    next(b for b in page.button if (b.key or "").startswith("reject-")).click().run()
    until(page, lambda p: "You rejected" in words(p))
    (approval,) = fake.store.approvals.values()
    assert (approval["verdict"], approval["reason"]) == ("reject", "not now")


def test_edited_arguments_are_sent_as_they_stand_in_their_fields(
    open_page: Opener, fake: FakeService
) -> None:
    page = _asked(open_page())
    fields = {a.label: a for a in page.text_area}
    assert fields["title"].value == "Noted"
    fields["text"].set_value("140 GB")
    press(page, "as edited")
    until(page, lambda p: "You approved" in words(p))
    (approval,) = fake.store.approvals.values()
    assert approval["arguments"] == {"title": "Noted", "text": "140 GB", "tags": ["memory"]}


def test_an_argument_that_is_no_text_must_be_json(open_page: Opener, fake: FakeService) -> None:
    page = _asked(open_page())
    field = next(a for a in page.text_area if a.label == "tags, as JSON")
    field.set_value("[oops")
    press(page, "as edited")
    (approval,) = fake.store.approvals.values()
    assert approval["verdict"] == ""
    assert "must be JSON" in page.toast[0].value


def test_a_reload_finds_the_open_question(open_page: Opener, fake: FakeService) -> None:
    _asked(open_page())
    (thread,) = fake.store.threads
    page = until(open_page(thread=thread), has_button("Approve"))
    assert "Waiting for your decision" in words(page)
