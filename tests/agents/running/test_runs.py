"""A run belongs to the service: watching, leaving and coming back never change it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.records.answers import Answer
from agents.records.record_json import Json
from agents.records.steps import Answered, ApprovalDecided, Failed, Retrieved, Step, Token
from agents.running.asked import Asked
from agents.running.live import LiveRun
from agents.running.runs import Runs
from agents.store.memory import Chats
from corpus.errors import (
    Conflict,
    DiskFull,
    ModelBroke,
    NotFound,
    OperatorError,
    Overloaded,
    UserError,
)
from corpus.home import Home
from tests.agents.shelf import Shelf, is_verbatim

Script = Callable[[Asked, threading.Event], Iterator[Step]]


class Stage:
    """A service's runs over a script that the test writes."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.chats = Chats(home)
        self.shelf = Shelf()
        self.script: Script = say("Thirty ", "days.")
        self.short = ""
        self.runs = Runs(
            *(self.chats.log, self.respond, self.shelf.text, self.chats.approvals),
            workers=2,
            waiting=1,
            shed=lambda: self.short,
        )

    def respond(self, asked: Asked, stop: threading.Event) -> Iterator[Step]:
        return self.script(asked, stop)

    def ask(self, question: str = "How long?") -> Json:
        return self.runs.start(Asked(self.chats.create_thread()["id"], question))

    def message(self, ids: Json) -> Json:
        messages = self.chats.thread(ids["thread"])["messages"]
        return next(m for m in messages if m["id"] == ids["message"])

    def close(self) -> None:
        self.runs.close()
        self.chats.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(Home(tmp_path))
    yield made
    made.close()


def say(*pieces: str, gap: float = 0.0) -> Script:
    def script(asked: Asked, stop: threading.Event) -> Iterator[Step]:
        yield Retrieved((), 1)
        for piece in pieces:
            if gap and stop.wait(gap):
                return
            yield Token(piece)
        yield Answered(Answer("".join(pieces), False, "openai", "m"))

    return script


def hold(release: threading.Event) -> Script:
    def script(asked: Asked, stop: threading.Event) -> Iterator[Step]:
        yield Token("half ")
        while not release.wait(0.01):
            if stop.is_set():
                return
        yield Answered(Answer("half done", False, "openai", "m"))

    return script


def kinds(events: list[Json]) -> list[str]:
    return [event["kind"] for event in events]


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def test_events_are_numbered_from_one_and_end_with_the_answer(stage: Stage) -> None:
    events = list(stage.runs.events(stage.ask()["run"]))
    assert [e["n"] for e in events] == [1, 2, 3, 4]
    assert kinds(events) == ["retrieved", "token", "token", "answered"]


def test_the_message_is_stored_before_the_last_event_is_seen(stage: Stage) -> None:
    for _ in range(10):
        ids = stage.ask()
        list(stage.runs.events(ids["run"]))
        assert stage.message(ids)["content"] == "Thirty days."


def test_a_finished_run_replays_the_same_events_after_a_restart(stage: Stage) -> None:
    ids = stage.ask()
    live = list(stage.runs.events(ids["run"]))
    until(lambda: not stage.runs._live)
    again = Stage(stage.home)
    assert list(again.runs.events(ids["run"])) == live
    assert list(again.runs.events(ids["run"], after=2)) == live[2:]
    assert again.runs.status(ids["run"])["state"] == "done"
    again.close()


def test_leaving_and_coming_back_loses_and_doubles_no_token(stage: Stage) -> None:
    pieces = [f"{number} " for number in range(120)]
    stage.script = say(*pieces, gap=0.005)
    ids = stage.ask()
    dice = random.Random(7)
    seen: list[Json] = []
    while not seen or seen[-1]["kind"] != "answered":
        after = seen[-1]["n"] if seen else 0
        for event in stage.runs.events(ids["run"], after):
            seen.append(event)
            if dice.random() < 0.2:
                break  # the page went away here
    assert [e["n"] for e in seen] == list(range(1, len(pieces) + 3))
    assert "".join(e["text"] for e in seen if e["kind"] == "token") == "".join(pieces)


def test_fifty_watchers_that_come_and_go_miss_and_double_nothing(stage: Stage) -> None:
    pieces = [f"{number} " for number in range(150)]
    stage.script = say(*pieces, gap=0.004)
    ids = stage.ask()
    seen: list[list[Json]] = [[] for _ in range(50)]

    async def watch(number: int) -> None:
        dice, mine = random.Random(number), seen[number]
        while not mine or mine[-1]["kind"] != "answered":
            after = mine[-1]["n"] if mine else 0
            async for event in stage.runs.follow(ids["run"], after):
                if event is not None:
                    mine.append(event)
                if dice.random() < 0.1:
                    break  # the page went away here
            await asyncio.sleep(dice.uniform(0.0, 0.05))

    async def all_of_them() -> None:
        await asyncio.gather(*(watch(number) for number in range(50)))

    asyncio.run(all_of_them())
    stored = list(stage.runs.events(ids["run"]))
    assert all(mine == stored for mine in seen)
    assert "".join(e["text"] for e in stored if e["kind"] == "token") == "".join(pieces)


def test_a_restart_marks_what_ran_as_interrupted_and_loses_none_of_it(tmp_path: Path) -> None:
    first = Stage(Home(tmp_path))
    first.script = hold(threading.Event())
    ids = first.ask()
    until(lambda: kinds(first.chats.log.events(ids["run"])) == ["token"])
    second = Stage(Home(tmp_path))  # what a service that starts after a kill finds
    assert second.chats.log.close_interrupted(second.shelf.text) == 1
    assert second.runs.status(ids["run"])["state"] == "interrupted"
    message = second.message(ids)
    assert (message["content"], message["interrupted"]) == ("half", True)
    second.close()
    first.close()


def test_two_watchers_see_the_same(stage: Stage) -> None:
    stage.script = say(*"abcdefgh", gap=0.01)
    ids = stage.ask()

    async def watch() -> list[list[Json | None]]:
        async def one() -> list[Json | None]:
            return [event async for event in stage.runs.follow(ids["run"])]

        return await asyncio.gather(one(), one())

    first, second = asyncio.run(watch())
    assert first == second == list(stage.runs.events(ids["run"]))


def test_nobody_watching_changes_nothing(stage: Stage) -> None:
    ids = stage.ask()
    until(lambda: stage.runs.status(ids["run"])["state"] == "done")
    assert stage.message(ids)["content"] == "Thirty days."


def test_a_watcher_whose_loop_died_does_not_hurt_the_run(stage: Stage) -> None:
    release = threading.Event()
    stage.script = hold(release)
    ids = stage.ask()

    async def peek() -> None:
        async for event in stage.runs.follow(ids["run"]):
            if event:
                return

    loop = asyncio.new_event_loop()
    loop.run_until_complete(peek())
    loop.close()
    release.set()
    assert list(stage.runs.events(ids["run"]))[-1]["kind"] == "answered"


def test_cancelling_ends_the_run_and_keeps_the_text(stage: Stage) -> None:
    stage.script = hold(threading.Event())
    ids = stage.ask()
    until(lambda: stage.runs.status(ids["run"])["events"] == 1)
    stage.runs.cancel(ids["run"])
    events = list(stage.runs.events(ids["run"]))
    assert (events[-1]["kind"], events[-1]["partial"]) == ("cancelled", "half ")
    message = stage.message(ids)
    assert (message["content"], message["interrupted"], message["error"]) == ("half", True, None)
    assert stage.chats.thread(ids["thread"])["active_run"] is None


def test_the_citations_of_a_stopped_answer_are_checked_too(stage: Stage) -> None:
    shelf = stage.shelf
    passage = shelf.passage(1, shelf.backups, "They are kept for thirty days.")

    def script(asked: Asked, stop: threading.Event) -> Iterator[Step]:
        yield Retrieved((passage,), 1)
        yield Token("Kept for thirty days [1]. And for ever [7].")
        raise ModelBroke("it broke")

    stage.script = script
    ids = stage.ask()
    list(stage.runs.events(ids["run"]))
    message = stage.message(ids)
    assert message["content"] == "Kept for thirty days [1]. And for ever."
    (citation,) = message["citations"]
    assert citation["n"] == 1
    assert is_verbatim(shelf, citation)


def test_cancelling_closes_the_work(stage: Stage) -> None:
    closed = threading.Event()

    def script(asked: Asked, stop: threading.Event) -> Iterator[Step]:
        try:
            while True:
                time.sleep(0.01)
                yield Token("x")
        finally:
            closed.set()

    stage.script = script
    run = stage.ask()["run"]
    stage.runs.cancel(run)
    list(stage.runs.events(run))
    assert closed.is_set()


def test_cancelling_what_has_ended_changes_nothing(stage: Stage) -> None:
    ids = stage.ask()
    list(stage.runs.events(ids["run"]))
    stage.runs.cancel(ids["run"])
    assert stage.runs.status(ids["run"])["state"] == "done"
    with pytest.raises(NotFound):
        stage.runs.cancel("nix")


def test_our_errors_end_the_run_in_their_own_words(stage: Stage) -> None:
    def script(asked: Asked, stop: threading.Event) -> Iterator[Step]:
        yield Token("Thir")
        raise ModelBroke("the reply broke off")

    stage.script = script
    ids = stage.ask()
    last = list(stage.runs.events(ids["run"]))[-1]
    assert (last["error"], last["message"], last["partial"]) == (
        "ModelBroke",
        "the reply broke off",
        "Thir",
    )
    message = stage.message(ids)
    assert (message["content"], message["error"]) == ("Thir", "the reply broke off")


def test_a_bug_is_logged_and_its_details_stay_inside(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def script(asked: Asked, stop: threading.Event) -> Iterator[Step]:
        raise KeyError("a detail nobody should see")
        yield

    stage.script = script
    last = list(stage.runs.events(stage.ask()["run"]))[-1]
    assert last["error"] == "InternalError"
    assert "detail" not in last["message"]
    assert "a detail nobody should see" in caplog.text


def test_blank_questions_and_unknown_modes_are_refused_and_leave_nothing(stage: Stage) -> None:
    thread = stage.chats.create_thread()["id"]
    with pytest.raises(UserError, match="empty"):
        stage.runs.start(Asked(thread, " \n"))
    with pytest.raises(UserError, match=r"'psychic'.*answer, agent"):
        stage.runs.start(Asked(thread, "How?", "psychic"))
    assert stage.chats.thread(thread)["messages"] == []


def test_a_thread_takes_one_question_at_a_time(stage: Stage) -> None:
    release = threading.Event()
    stage.script = hold(release)
    ids = stage.ask()
    with pytest.raises(Conflict):
        stage.runs.start(Asked(ids["thread"], "And?"))
    release.set()
    list(stage.runs.events(ids["run"]))
    assert stage.runs.start(Asked(ids["thread"], "And?"))["thread"] == ids["thread"]


def test_too_many_questions_are_refused_and_leave_nothing(stage: Stage) -> None:
    release = threading.Event()
    stage.script = hold(release)
    taken = [stage.ask() for _ in range(3)]  # two at work, one waiting
    thread = stage.chats.create_thread()["id"]
    with pytest.raises(OperatorError, match="ask again in a moment"):
        stage.runs.start(Asked(thread, "Me too?"))
    assert stage.chats.thread(thread)["messages"] == []
    release.set()
    for ids in taken:
        assert list(stage.runs.events(ids["run"]))[-1]["kind"] == "answered"


def test_stopping_the_service_marks_what_was_running_as_interrupted(stage: Stage) -> None:
    stage.script = hold(threading.Event())
    ids = stage.ask()
    until(lambda: stage.runs.status(ids["run"])["events"] == 1)
    stage.runs.close()
    assert stage.runs.status(ids["run"])["state"] == "interrupted"
    message = stage.message(ids)
    assert (message["content"], message["interrupted"]) == ("half", True)
    assert "ask again" in message["error"]
    with pytest.raises(OperatorError, match="stopping"):
        stage.runs.start(Asked(stage.chats.create_thread()["id"], "Now?"))


def test_tokens_reach_the_disk_while_the_run_goes_on(stage: Stage) -> None:
    stage.script = hold(threading.Event())
    ids = stage.ask()
    until(lambda: kinds(stage.chats.log.events(ids["run"])) == ["token"])


def test_a_full_disk_ends_the_run_and_the_outcome_is_kept_once_there_is_room(
    tmp_path: Path,
) -> None:
    stage = Stage(Home(tmp_path))
    finish, full = stage.chats.log.finish, threading.Event()

    def finish_or_fail(*arguments: object) -> None:
        if full.is_set():
            raise DiskFull("no space left for 'chats.sqlite'; free some and ask again")
        finish(*arguments)  # type: ignore[arg-type]

    stage.chats.log.finish = finish_or_fail  # type: ignore[method-assign,assignment]
    full.set()
    ids = stage.ask()
    last = list(stage.runs.events(ids["run"]))[-1]
    assert (last["kind"], last["error"], last["partial"]) == ("failed", "DiskFull", "Thirty days.")
    full.clear()
    until(lambda: stage.message(ids)["content"] == "Thirty days.")
    assert stage.runs.status(ids["run"])["state"] == "failed"
    assert kinds(stage.chats.log.events(ids["run"])) == ["retrieved", "token", "token", "failed"]
    stage.close()


def test_detached_runs_leave_no_trace(stage: Stage) -> None:
    run = stage.runs.detached(lambda stop: say("x")(Asked("", ""), stop))
    assert run.wait(5.0)
    assert kinds(run.after(0)) == ["retrieved", "token", "answered"]
    with sqlite3.connect(stage.home.chats) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    db.close()


def test_steps_after_the_last_one_are_not_taken(stage: Stage) -> None:
    def script(asked: Asked, stop: threading.Event) -> Iterator[Step]:
        yield Failed("ModelBroke", "it broke", "x")
        yield Token("ghost")

    stage.script = script
    assert kinds(list(stage.runs.events(stage.ask()["run"]))) == ["failed"]


def test_a_run_that_says_nothing_at_the_end_is_our_bug(stage: Stage) -> None:
    stage.script = lambda asked, stop: iter([Token("x")])
    assert list(stage.runs.events(stage.ask()["run"]))[-1]["error"] == "InternalError"


def test_while_memory_is_short_no_run_begins_and_nothing_is_stored(stage: Stage) -> None:
    thread = stage.chats.create_thread()["id"]
    stage.short = "only 1.0 GiB of memory are left"
    with pytest.raises(Overloaded, match="of memory are left") as refused:
        stage.runs.start(Asked(thread, "How long?"))
    assert refused.value.retry_after_s == 15
    assert stage.chats.thread(thread)["messages"] == []
    stage.short = ""
    stage.runs.start(Asked(thread, "How long?"))


def test_a_decision_that_a_run_goes_on_with_is_told_once() -> None:
    decided, last = ApprovalDecided("a", "approved", {}), Answered(Answer("Yes.", False, "x", "m"))
    run = LiveRun("r", lambda stop: iter(()), earlier=[{"n": 1, "kind": "approval_asked"}])
    assert run.go_on(lambda stop: iter([decided, last]))
    run.note(decided)  # by whoever decided, a little later
    run.execute()
    assert kinds(run.after(0)) == ["approval_asked", "approval_decided", "answered"]
