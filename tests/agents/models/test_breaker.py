"""A server that cannot be reached is left alone for a while, then tried once."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from agents.acting.loop import Agent
from agents.models.breaker import Breaker
from agents.models.chat_model import transport
from agents.models.openai_engine import OpenAIEngine
from agents.settings import AgentSettings, LLMSettings
from agents.tools import Desk
from corpus.errors import ModelError, ModelTimeout, ModelUnavailable
from corpus.records import Document, Passage, Span, State
from tests.agents.shelf import Shelf
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
    clock = Clock()
    engine = OpenAIEngine(LLMSettings(), url, "fake-model")
    engine.breaker = Breaker(url, 2, 10, clock)
    assert "cannot be reached" in str(asked(engine))
    with FakeLLMServer(port=port) as back:
        back.say("ok")
        assert "left alone" in str(asked(engine))
        assert not back.requests  # neither tried nor retried
        clock.now += 10
        assert asked(engine) is None


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        yield listening


def address(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def test_a_server_that_accepts_and_says_nothing_counts_as_not_reached(mute: socket.socket) -> None:
    settings = LLMSettings(first_token_s=0.6, breaker_failures=2, breaker_s=600)
    engine = OpenAIEngine(settings, address(mute), "m")
    said = [str(asked(engine))]
    assert "its first word within 0.6 seconds" in said[0]
    while (
        "left alone" not in said[-1]
    ):  # an attempt that was never sent, on a busy machine, is none
        assert len(said) < 30
        said.append(str(asked(engine)))
    assert len(said) > 2


@pytest.mark.parametrize("overdue", [True, False])
def test_a_request_given_up_counts_as_not_reached_if_its_answer_was_overdue(
    mute: socket.socket, overdue: bool
) -> None:
    breaker = Breaker(address(mute), 1, 600)

    async def give_up() -> None:
        async with transport(LLMSettings(), address(mute), breaker) as http:
            http.overdue = lambda: overdue
            request = asyncio.create_task(http.get(address(mute)))
            connection, _ = await asyncio.to_thread(mute.accept)
            with connection:
                request.cancel()
                await asyncio.wait([request])

    asyncio.run(give_up())
    with pytest.raises(ModelUnavailable) if overdue else nullcontext():
        breaker.check()


class Held(OpenAIEngine):
    """Sends nothing; ``overdue`` says of every request given up whether its answer was overdue then."""

    def __init__(self, first_token_s: float) -> None:
        super().__init__(LLMSettings(first_token_s=first_token_s), "http://127.0.0.1:9/v1", "m")
        self.overdue: list[bool] = []
        self.sending = threading.Event()

    def transport(self) -> Any:
        http = super().transport()

        async def send(*_: Any, **__: Any) -> None:
            self.sending.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.overdue.append(http.overdue())

        http.send = send
        return http


def answer(engine: OpenAIEngine, stop: threading.Event, folder: Path) -> None:
    list(engine.stream("q", [PASSAGE], stop=stop))


def act(engine: OpenAIEngine, stop: threading.Event, folder: Path) -> None:
    shelf = Shelf()
    agent = Agent(engine, folder / "chats.sqlite", AgentSettings())
    list(agent.steps("q", "thread", Desk(shelf, shelf, None), stop=stop))


both = pytest.mark.parametrize("ask", [answer, act])


@both
def test_an_answer_is_overdue_once_the_deadline_of_its_first_word_has_passed(
    ask: Callable[..., None], tmp_path: Path
) -> None:
    engine = Held(first_token_s=0.6)
    for _ in range(30):  # on a busy machine the deadline may pass before anything is sent
        with pytest.raises(ModelTimeout):
            ask(engine, threading.Event(), tmp_path)
        if engine.overdue:
            break
    assert engine.overdue == [True]


@both
def test_an_answer_that_a_person_gives_up_is_not_overdue(
    ask: Callable[..., None], tmp_path: Path
) -> None:
    engine, stop = Held(first_token_s=600), threading.Event()
    asking = threading.Thread(target=ask, args=(engine, stop, tmp_path))
    asking.start()
    assert engine.sending.wait(60)
    stop.set()
    asking.join()
    assert engine.overdue == [False]


def test_a_server_that_answers_with_errors_was_reached() -> None:
    with FakeLLMServer() as llm:
        engine = OpenAIEngine(LLMSettings(breaker_failures=1), llm.url, llm.model)
        for _ in range(3):
            llm.fail(400)
            assert "status 400" in str(asked(engine))
