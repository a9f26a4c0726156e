"""The list of conversations: found, pinned, deleted and had back, a page of them at a time."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from corpus.errors import NotFound
from tests.ui.asking import QUESTION, Opener, answered
from tests.ui.conftest import prose, words
from tests.ui.fake_service import FakeService
from ui.api.threads import ThreadService


def _filled(fake: FakeService, count: int) -> None:
    for n in range(count):
        when = f"2026-03-01T10:{n // 60:02}:{n % 60:02}.000+00:00"
        head: dict[str, Any] = {"id": f"x{n}", "title": f"Talk {n}", "pinned": False}
        fake.store.threads[f"x{n}"] = {**head, "created": when, "updated": when, "messages": []}


def _listed(page: AppTest) -> list[str]:
    return [b.label for b in page.sidebar.button if (b.key or "").startswith("thread-")]


def _menu(page: AppTest, thread: str, wish: str) -> AppTest:
    return page.menu_button(key=f"menu-{thread}").click(wish).run()


def test_a_few_conversations_need_no_search(open_page: Opener, fake: FakeService) -> None:
    _filled(fake, 3)
    assert _listed(open_page()) == ["Talk 2", "Talk 1", "Talk 0"]
    assert not [i for i in open_page().text_input if i.key == "find-threads"]


def test_many_are_shown_a_page_at_a_time(open_page: Opener, fake: FakeService) -> None:
    _filled(fake, 70)
    page = open_page()
    assert len(_listed(page)) == 30
    page.button(key="more-threads").click().run()
    assert len(_listed(page)) == 60
    page.button(key="more-threads").click().run()
    assert len(set(_listed(page))) == 70
    assert not [b for b in page.button if b.key == "more-threads"]


def test_a_conversation_is_found_by_what_was_said_in_it(
    open_page: Opener, fake: FakeService
) -> None:
    _filled(fake, 20)
    page = answered(open_page())
    page.text_input(key="find-threads").set_value("cold MEMORY").run()
    assert _listed(page) == []
    assert "No conversation has all of these words" in words(page)
    page.text_input(key="find-threads").set_value("memory 70b").run()
    assert len(_listed(page)) == 1
    page.text_input(key="find-threads").set_value("").run()
    assert len(_listed(page)) == 21


def test_a_pinned_conversation_stands_first(open_page: Opener, fake: FakeService) -> None:
    _filled(fake, 3)
    page = _menu(open_page(), "x0", "Pin")
    assert _listed(page)[0] == "Talk 0"
    assert "Pinned" in words(page)
    assert _listed(_menu(page, "x0", "Unpin"))[-1] == "Talk 0"


def test_the_open_conversation_is_pinned_from_its_head(
    open_page: Opener, fake: FakeService
) -> None:
    page = answered(open_page())
    (thread,) = fake.store.threads.values()
    page.button(key="pin-thread").click().run()
    assert thread["pinned"] is True
    page.button(key="pin-thread").click().run()
    assert thread["pinned"] is False


def test_a_deleted_conversation_comes_back_when_that_is_undone(
    open_page: Opener, fake: FakeService
) -> None:
    page = answered(open_page())
    (thread,) = fake.store.threads
    _menu(page, thread, "Delete")
    assert fake.store.threads == {}
    assert page.title[0].value == "What do you want to know?"
    page.button(key=f"undo-button-{thread}").click().run()
    assert prose(page, "question") == [QUESTION]
    assert not [b for b in page.button if (b.key or "").startswith("undo-button")]


def test_an_undo_that_comes_too_late_says_so(open_page: Opener, fake: FakeService) -> None:
    _filled(fake, 2)
    page = _menu(open_page(), "x0", "Delete")
    fake.store.deleted.clear()
    page.button(key="undo-button-x0").click().run()
    assert "no deleted thread" in page.toast[0].value


def test_a_list_is_read_once_for_many_clicks(open_page: Opener, fake: FakeService) -> None:
    _filled(fake, 2)
    page = open_page()
    fake.store.threads["x9"] = {**fake.store.threads["x0"], "id": "x9", "title": "From elsewhere"}
    assert "From elsewhere" not in _listed(page.run())
    st.cache_data.clear()  # as time does
    assert "From elsewhere" in _listed(page.run())


def test_a_conversation_is_saved_as_a_file(threads: ThreadService) -> None:
    thread = threads.create()
    assert threads.export(thread, "markdown") == b"# New chat"
    with pytest.raises(NotFound):
        threads.export("nope", "html")
