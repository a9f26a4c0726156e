"""The service dies around an approval, again and again: what was approved happens once, and it is known what did."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.store.memory import Chats
from corpus.crash import CallPoint
from corpus.home import Home
from tests.agents.killed import Service
from tests.agents.office import effects
from tests.fakes import FakeLLMServer, Reply

EVERYDAY, FULL = 8, 100


class Scribe(FakeLLMServer):
    """A model that writes one line and says that it did."""

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        if asked["messages"][-1]["role"] == "tool":
            return Reply(pieces=("It is ", "written."))
        return Reply(tools=(("write_line", {"text": "milk"}),))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture(scope="module")
def scribe() -> Iterator[Scribe]:
    with Scribe() as server:
        yield server


class Cycle:
    """One run from its question to its end, by services that die."""

    def __init__(self, service: Service, home: Path, url: str, repeatable: bool) -> None:
        self.service, self.home, self.url, self.repeatable = service, home, url, repeatable
        self.deaths = 0

    def live(self, task: str, **death: Any) -> None:
        killed = self.service.live(task, self.home, self.url, repeatable=self.repeatable, **death)
        self.deaths += killed

    def rows(self) -> tuple[list[Any], list[str]]:
        with closing(Chats(Home(self.home))) as chats:
            approvals = chats.approvals.of_person("")
            with chats._tables.transaction() as db:
                runs = [row["state"] for row in db.execute("SELECT state FROM runs")]
        return approvals, runs

    def play(self, dice: random.Random) -> None:
        """Ask, decide and come to an end, with deaths on the way; then look at what there is."""
        self.live("ask", **self.death(dice, (CallPoint.WAITING,), 0.5))
        later = [CallPoint.DECIDED, CallPoint.BEGUN, CallPoint.DONE, CallPoint.FINISHED]
        for _ in range(dice.randint(1, 3)):
            self.live("decide", **self.death(dice, later, 0.25))
        self.live("decide")
        self.check()

    @staticmethod
    def death(dice: random.Random, points: Any, longest: float) -> dict[str, Any]:
        if dice.random() < 0.6:
            return {"point": dice.choice(list(points))}
        return {"seconds": dice.uniform(0.0, longest)}

    def check(self) -> None:
        approvals, runs = self.rows()
        written = effects(self.home / "effects")
        assert not {"running", "waiting"} & set(runs)
        if not approvals:  # it died before anybody was asked
            assert (written, set(runs) - {"interrupted"}) == ([], set())
            return
        (approval,) = approvals
        assert written in ([], [f"{approval.id} milk"])
        if self.repeatable:
            assert (approval.state, len(written)) == ("executed", 1)
        else:
            assert approval.state in ("executed", "unknown")
            assert written or approval.state == "unknown"


def play(service: Service, scribe: Scribe, folder: Path, cycles: int, seed: int) -> int:
    dice, deaths = random.Random(seed), 0
    for number in range(cycles):
        home = folder / str(number)
        home.mkdir()
        cycle = Cycle(service, home, scribe.url, repeatable=number % 2 == 0)
        cycle.play(dice)
        deaths += cycle.deaths
    return deaths


def test_some_kills_around_an_approval_double_and_lose_nothing(
    service: Service, scribe: Scribe, tmp_path: Path
) -> None:
    assert play(service, scribe, tmp_path, EVERYDAY, seed=5) >= EVERYDAY // 2


@pytest.mark.full
def test_a_hundred_kills_around_an_approval_double_and_lose_nothing(
    service: Service, scribe: Scribe, tmp_path: Path
) -> None:
    assert play(service, scribe, tmp_path, FULL, seed=11) >= FULL


@pytest.mark.parametrize("repeatable", [False, True])
@pytest.mark.parametrize("point", list(CallPoint))
def test_a_kill_at_each_point(
    service: Service, scribe: Scribe, tmp_path: Path, point: CallPoint, repeatable: bool
) -> None:
    cycle = Cycle(service, tmp_path, scribe.url, repeatable)
    cycle.live("ask", point=point if point is CallPoint.WAITING else None)
    if point is not CallPoint.WAITING:
        cycle.live("decide", point=point)
    assert cycle.deaths == 1
    cycle.live("decide")
    cycle.check()
    (approval,), (state,) = cycle.rows()
    assert state == "done"
    lost = point is CallPoint.BEGUN or point is CallPoint.DONE
    assert approval.state == ("unknown" if lost and not repeatable else "executed")
