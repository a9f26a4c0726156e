"""Whether a model's server can be reached, since when, and what it says."""

from __future__ import annotations

import socket

import pytest

from agents.health.reachability import EngineWatch, Reached
from tests.fakes import FakeLLMServer
from tests.service_bench import until


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def looked(watch: EngineWatch, clock: Clock, url: str, reachable: bool | None) -> Reached:
    """Ask until the server was seen so."""

    def seen() -> bool:
        clock.now += 10
        return watch.look(url).reachable is reachable

    until(seen, 30)
    return watch.look(url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_server_that_goes_and_comes_back_is_seen_with_the_moment_of_the_change(
    clock: Clock,
) -> None:
    watch = EngineWatch(clock=clock)
    with FakeLLMServer("tiny") as llm:
        there = looked(watch, clock, llm.url, True)
        assert there.said == "it serves 'tiny'"
        assert there.models == ("tiny",)
        assert there.since is not None
        clock.now += 10
        assert looked(watch, clock, llm.url, True).since == there.since
        url, port = llm.url, llm.port
    looked(watch, clock, url, False)
    until(lambda: looked(watch, clock, url, False).said == "nothing listens there", 30)
    with FakeLLMServer("other", port=port):
        assert looked(watch, clock, url, True).said == "it serves 'other'"


def test_a_server_that_keeps_silent_keeps_nobody_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        watch = EngineWatch(timeout_s=1.0, stale_s=1e9)
        assert watch.look(url).reachable is None
        until(lambda: watch.look(url).reachable is False, 30)
        assert watch.look(url).said == "it did not answer within 1 seconds"


def test_it_is_asked_again_only_when_what_is_known_is_old(clock: Clock) -> None:
    watch = EngineWatch(clock=clock, stale_s=5.0)
    with FakeLLMServer() as llm:
        until(lambda: watch.look(llm.url).reachable, 30)
        asked = len(llm.requests)
        for _ in range(10):
            watch.look(llm.url)
        assert len(llm.requests) == asked == 1
        clock.now += 6
        watch.look(llm.url)
        until(lambda: len(llm.requests) == 2, 30)


def test_the_key_is_sent_and_another_server_begins_anew(clock: Clock) -> None:
    watch = EngineWatch("hush", clock=clock)
    with FakeLLMServer() as llm, FakeLLMServer("second") as other:
        until(lambda: watch.look(llm.url).reachable, 30)
        assert llm.requests[0].headers["Authorization"] == "Bearer hush"
        until(lambda: watch.look(other.url).reachable, 30)
        assert watch.look(other.url).models == ("second",)
