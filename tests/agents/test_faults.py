"""Whatever a model's server does wrong: passages at once, then a typed end within its deadline."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agents.answering.answer import Answerer
from agents.models.openai_engine import OpenAIEngine
from agents.records.answers import Message
from agents.records.steps import Failed, Retrieved, Step
from agents.settings import AnswerSettings, LLMSettings
from agents.store.outcome import outcome_of
from tests.agents.shelf import Shelf
from tests.fakes import FakeLLMServer, HashEncoder, Reply

EASY = AnswerSettings(threshold=0.0, threshold_model=0.0)
PATIENT = LLMSettings(connect_s=10, first_token_s=90, gap_s=90, total_s=90, breaker_failures=100)
SLACK_S = 30  # for a machine that is busy with something else; no server here comes back sooner
ASK = "How long are backups kept?"
REPEAT = [3, pytest.param(10, marks=pytest.mark.full)]


class Faulty(FakeLLMServer):
    """Gives the same reply to everybody."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.always = reply

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        return super().reply_to(asked) if asked["model"] != self.model else self.always


@dataclass(frozen=True)
class Fault:
    """What the server does, how the answer ends, and after how many seconds at most.

    ``text`` is what had come, ``deadlines`` are those that matter.
    """

    server: Callable[[], Any]
    error: str
    within_s: float
    text: str = ""
    model: str = "fake-model"
    deadlines: Mapping[str, float] = field(default_factory=dict)


@contextmanager
def refused() -> Iterator[str]:
    with FakeLLMServer() as gone:
        url = gone.url
    yield url


@contextmanager
def black_hole() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as mute:
        yield f"http://127.0.0.1:{mute.getsockname()[1]}/v1"


def plays(**reply: Any) -> Callable[[], Any]:
    @contextmanager
    def server() -> Iterator[str]:
        with Faulty(Reply(**reply)) as faulty:
            yield faulty.url

    return server


def status(code: int) -> Callable[[], Any]:
    return plays(status=code, body='{"error": {"message": "scripted"}}')


AB = ("They are kept ", "for thirty days [1].")
TEXT = "".join(AB)
FAULTS = {
    "refused": Fault(refused, "ModelUnavailable", 0.4),
    "black hole": Fault(black_hole, "ModelTimeout", 1.2, deadlines={"first_token_s": 0.6}),
    "slow first token": Fault(
        plays(pieces=AB, first_delay=90), "ModelTimeout", 0.7, deadlines={"first_token_s": 0.6}
    ),
    "slow drip": Fault(
        plays(pieces=AB, end="endless", gap=0.25),
        "ModelTimeout",
        2.6,
        AB[0],
        deadlines={"total_s": 2.5},
    ),
    "reset mid-stream": Fault(plays(pieces=AB, end="reset"), "ModelBroke", 0.2, TEXT),
    "bad JSON": Fault(plays(pieces=AB, end="bad_json"), "ModelBroke", 0.1, TEXT),
    "endless stream": Fault(
        plays(pieces=AB, end="endless"), "ModelTimeout", 2.6, TEXT, deadlines={"total_s": 2.5}
    ),
    "wrong model": Fault(plays(pieces=AB), "ModelUnavailable", 0.1, model="other"),
    **{
        str(code): Fault(status(code), "ModelUnavailable", 0.5)
        for code in (400, 401, 404, 429, 500, 503)
    },
}


def answered(
    url: str, fault: Fault, history: tuple[Message, ...] = (), only_shown: bool = False
) -> tuple[list[Step], float, float]:
    """The steps of an answer, and after how many seconds the passages and the end came.

    With ``only_shown`` it is stopped once the passages are shown.
    """
    shelf, stop = Shelf(), threading.Event()
    settings = PATIENT.model_copy(update=dict(fault.deadlines))
    engine = OpenAIEngine(settings, url, fault.model)
    answerer = Answerer(shelf, shelf, HashEncoder(), engine, EASY)
    began, steps, shown = time.monotonic(), [], 0.0
    for step in answerer.steps(ASK, history, stop=stop):
        steps.append(step)
        if isinstance(step, Retrieved):
            shown = time.monotonic() - began
            if only_shown:
                stop.set()
    return steps, shown, time.monotonic() - began


@pytest.mark.parametrize("times", REPEAT)
@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_ends_in_a_typed_result_within_its_deadline(
    name: str, times: int, record_property: Callable[[str, object], None]
) -> None:
    fault = FAULTS[name]
    with fault.server() as url, ThreadPoolExecutor(times) as pool:
        ends = list(pool.map(lambda _: answered(url, fault), range(times)))
    record_property("passages_s", max(shown for _, shown, _ in ends))
    record_property("end_s", max(end for *_, end in ends))
    for steps, shown, end in ends:
        assert isinstance(steps[0], Retrieved)
        assert shown < SLACK_S
        last = steps[-1]
        assert isinstance(last, Failed)
        assert last.error == fault.error
        assert last.partial.startswith(fault.text)
        assert len(last.message) < 400
        assert end < fault.within_s + SLACK_S
        kept = outcome_of([step.to_json() for step in steps], Shelf().text)
        assert kept.interrupted
        assert kept.error == last.message
        assert kept.content.startswith(fault.text[:10])


@pytest.mark.parametrize("name", ["refused", "black hole", "slow first token"])
def test_no_server_keeps_a_follow_ups_passages_back(name: str) -> None:
    history = (Message("user", "Tell me of backups."), Message("assistant", "They run at two."))
    patient = replace(FAULTS[name], deadlines={})
    with patient.server() as url:
        steps, shown, _ = answered(url, patient, history, only_shown=True)
    assert any(isinstance(step, Retrieved) for step in steps)
    assert shown < SLACK_S


def test_stopping_while_a_black_hole_is_waited_for_waits_no_longer() -> None:
    shelf, stop = Shelf(), threading.Event()
    with black_hole() as url:
        engine = OpenAIEngine(PATIENT, url, "m")
        steps = Answerer(shelf, shelf, HashEncoder(), engine, EASY).steps(ASK, stop=stop)
        assert isinstance(next(steps), Retrieved)
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        assert [step.kind for step in steps] == ["cancelled"]
        assert time.monotonic() - began < SLACK_S
