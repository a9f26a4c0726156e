"""The page under test: the fake service, and ``ui/app.py`` run by Streamlit's own test runner."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.command_line import alcove, ingested, papers, stocked, tiny_model
from tests.ui.fake_service import FakeService
from ui.api.client import Service
from ui.api.threads import ThreadService
from ui.kept import SIGNED_IN
from ui.settings import PageSettings
from ui.state import service

__all__ = ["alcove", "ingested", "papers", "stocked", "tiny_model"]

APP = Path(__file__).parents[2] / "ui" / "app.py"


@pytest.fixture
def fake() -> Iterator[FakeService]:
    """A running fake service that answers at once."""
    with FakeService() as service:
        service.store.pace = 0.0
        yield service


@pytest.fixture
def client(fake: FakeService) -> Iterator[Service]:
    """A client of the fake that gives up quickly."""
    service = Service(PageSettings(service=fake.url, connect_s=0.5))
    yield service
    service.close()


@pytest.fixture
def threads(client: Service) -> ThreadService:
    """The conversations of the fake."""
    return ThreadService(client)


@pytest.fixture
def open_page(
    fake: FakeService, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., AppTest]]:
    """Opens the page as one more browser session, at an address with the given parameters."""
    monkeypatch.setenv("ALCOVE_SERVICE", fake.url)
    _forget()
    pages: list[AppTest] = []

    def opened(**parameters: str) -> AppTest:
        page = AppTest.from_file(str(APP), default_timeout=30)
        for name, value in parameters.items():
            page.query_params[name] = value
        pages.append(page)
        return page.run()

    yield opened
    for page in pages:
        page.session_state["alcove"].unfollow()
        if SIGNED_IN in page.session_state:
            page.session_state[SIGNED_IN].close()
    service().close()
    _forget()


def _forget() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()


def until(page: AppTest, condition: Callable[[AppTest], bool], seconds: float = 15.0) -> AppTest:
    """Run the page again, as its fragments would, until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition(page):
        assert time.monotonic() < deadline, f"it never happened; the page says: {words(page)}"
        time.sleep(0.05)
        page.run()
    return page


def words(page: AppTest) -> str:
    """Every piece of text on the page that is Streamlit's own, in reading order."""
    kinds = (page.title, page.subheader, page.markdown, page.caption, page.info, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def prose(page: AppTest, kind: str) -> list[str]:
    """The text of every piece of prose of one kind (answer, question, source, quote, log)."""
    found = []
    for element in page.get("bidi_component"):
        data = json.loads(element.proto.json or "{}")
        if data.get("kind") == kind:
            found.append(_text(data["nodes"]))
    return found


def drawn(page: AppTest, kind: str) -> list[dict[str, Any]]:
    """What lists of the library of one kind (table, chunks, pages, facts, files) were given to draw."""
    given = [json.loads(element.proto.json or "{}") for element in page.get("bidi_component")]
    return [data for data in given if data.get("kind") == kind]


def _text(nodes: list[object]) -> str:
    parts = []
    for node in nodes:
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, list):
            inner = _text(node[1:])
            parts.append({"cite": f"[{inner}]", "mark": f"<{inner}>"}.get(str(node[0]), inner))
    return "".join(parts)
