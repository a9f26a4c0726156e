"""A server that cannot be reached is left alone for a while, then tried once."""

import socket
import threading
import time

import pytest

from agents.models.breaker import Breaker
from agents.models.openai_engine import OpenAIEngine
from agents.settings import LLMSettings
from corpus.errors import ModelError, ModelUnavailable
from corpus.records import Document, Passage, Span, State
from tests.fakes import FakeLLMServer

PASSAGE = Passage(
    1, Document("d", "/a", "0", "text/plain", "A", "c", 0, State.INDEXED), Span(0, 1), "a", None
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def broken(clock: Clock) -> Breaker:
    breaker = Breaker("http://x/v1", 3, 10, clock)
    for _ in range(3):
        breaker.enter()
        breaker.failed()
    return breaker


def test_failures_in_a_row_make_further_attempts_fail_at_once_with_a_sentence() -> None:
    breaker = broken(Clock())
    with pytest.raises(ModelUnavailable, match=r"'http://x/v1'.*3 times.*10 more seconds"):
        breaker.enter()
    with pytest.raises(ModelUnavailable):
        breaker.check()


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker("u", 2, 10)
    for outcome in ("failed", "reached", "failed", "left", "reached", "failed"):
        breaker.enter()
        getattr(breaker, outcome)()
    breaker.enter()


def test_after_the_cool_down_one_attempt_finds_out() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 10
    breaker.check()  # claims nothing
    breaker.enter()
    with pytest.raises(ModelUnavailable):
        breaker.enter()
    breaker.failed()
    clock.now += 9
    with pytest.raises(ModelUnavailable):
        breaker.enter()
    clock.now += 1
    breaker.enter()
    breaker.reached()
    breaker.enter()
    breaker.enter()


def test_an_attempt_that_was_given_up_lets_the_next_one_find_out() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += 10
    breaker.enter()
    breaker.left()
    breaker.enter()


def test_only_one_of_many_threads_is_let_through() -> None:
    clock = Clock()
    breaker, through = broken(clock), []
    clock.now += 10

    def attempt() -> None:
        try:
            breaker.enter()
        except ModelUnavailable:
            return
        through.append(1)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(through) == 1


def asked(engine: OpenAIEngine) -> ModelError | None:
    try:
        list(engine.stream("q", [PASSAGE]))
    except ModelError as exc:
        return exc
    return None


def test_an_engine_leaves_a_dead_server_alone_and_comes_back_when_it_lives() -> None:
    with FakeLLMServer() as gone:
        url, port = gone.url, gone.port
    engine = OpenAIEngine(LLMSettings(breaker_failures=2, breaker_s=0.5), url, "fake-model")
    assert "cannot be reached" in str(asked(engine))
    began = time.monotonic()
    assert "left alone" in str(asked(engine))
    assert time.monotonic() - began < 0.2  # neither tried nor retried
    with FakeLLMServer(port=port) as back:
        time.sleep(0.5)
        back.say("ok")
        assert asked(engine) is None


def test_a_server_that_accepts_and_says_nothing_counts_as_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/v1"
        settings = LLMSettings(first_token_s=0.6, breaker_failures=2, breaker_s=60)
        engine = OpenAIEngine(settings, url, "m")
        said = [str(asked(engine)) for _ in range(3)]
    assert "its first word within 0.6 seconds" in said[0]
    assert "left alone" in said[2]


def test_a_server_that_answers_with_errors_was_reached() -> None:
    with FakeLLMServer() as llm:
        engine = OpenAIEngine(LLMSettings(breaker_failures=1), llm.url, llm.model)
        for _ in range(3):
            llm.fail(400)
            assert "status 400" in str(asked(engine))
