"""The page's client: events whole, errors by name, and silence told from refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import NotFound
from tests.ui.fake_service import FakeService
from ui.api.client import Service, ServiceDown, sse_data
from ui.api.threads import ThreadService
from ui.settings import PageSettings, page_settings


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))),
    st.integers(1, 7),
)
def test_events_arrive_whole_however_the_bytes_are_cut(texts: list[str], cut: int) -> None:
    body = "".join(f"id: 1\ndata: {text}\n\n" for text in texts).encode()
    chunks = [body[i : i + cut] for i in range(0, len(body), cut)]
    assert list(sse_data(chunks)) == texts


def test_a_line_separator_inside_an_event_does_not_cut_it() -> None:
    assert list(sse_data(['data: {"a":"x\u2028y"}\n\n'.encode()])) == ['{"a":"x\u2028y"}']


def test_what_the_service_calls_not_found_is_not_found(client: Service) -> None:
    with pytest.raises(NotFound, match="no thread 'nope'"):
        ThreadService(client).thread("nope")


def test_a_service_that_does_not_listen_is_down(fake: FakeService, client: Service) -> None:
    fake.stop()
    with pytest.raises(ServiceDown, match="does not answer"):
        ThreadService(client).page()


def test_a_route_that_does_not_exist_is_said_so(client: Service) -> None:
    with pytest.raises(NotFound, match="up to date"):
        client.call("GET", "/v1/nothing/here")


def test_a_run_is_read_from_where_one_left_off(client: Service) -> None:
    threads = ThreadService(client)
    run = threads.start(threads.create(), "What is the cold start of vLLM?", "answer", None)
    everything = list(threads.events(run, 0))
    assert [e["n"] for e in everything] == list(range(1, len(everything) + 1))
    assert list(threads.events(run, 3)) == everything[3:]


def test_the_service_is_named_by_argument_before_variable() -> None:
    assert (
        page_settings(["--service", "http://a/"], {"ALCOVE_SERVICE": "http://b"}).service
        == "http://a"
    )
    assert page_settings([], {"ALCOVE_SERVICE": "http://b"}).service == "http://b"
    assert page_settings([], {}).service == PageSettings().service
