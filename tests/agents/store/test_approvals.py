"""A tool that writes is executed for an approval of exactly its arguments, once, and never otherwise."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.acting.budgets import Budget
from agents.acting.executor import Executor, Used
from agents.records.record_json import Json
from agents.records.steps import ApprovalAsked
from agents.running.asked import Asked
from agents.settings import AgentSettings
from agents.store.approval_rows import add_asked, approval_id, canonical, close_open
from agents.store.audit import told as digest
from agents.tools import Desk
from corpus.errors import Conflict, InternalError, NotFound, UserError
from corpus.identity import OWNER, Person
from tests.agents.office import Office, effects, writing_tool
from tests.agents.shelf import Shelf
from tests.fakes import FakeLLMServer, Reply

LINE = {"text": "milk", "times": 1}


@pytest.fixture
def llm() -> Iterator[FakeLLMServer]:
    with FakeLLMServer() as server:
        yield server


@pytest.fixture
def open_office(tmp_path: Path, llm: FakeLLMServer) -> Iterator[Callable[..., Office]]:
    opened: list[Office] = []

    def make(**options: Any) -> Office:
        opened.append(Office(tmp_path, llm.url, **options))
        return opened[-1].start()

    yield make
    for office in opened:
        office.close()


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    return open_office()


def kinds(events: list[Json]) -> list[str]:
    return [event["kind"] for event in events]


def one(events: list[Json], kind: str) -> Json:
    (found,) = [event for event in events if event["kind"] == kind]
    return found


def write(llm: FakeLLMServer, text: str = "milk", then: str = "Done.") -> None:
    llm.call("write_line", {"text": text})
    llm.say(then)


def test_nothing_is_written_before_a_person_approves_and_once_after(
    office: Office, llm: FakeLLMServer
) -> None:
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    assert (asked["tool"], asked["arguments"], asked["labels"]) == ("write_line", LINE, ["writes"])
    assert effects(office.file) == []
    office.decisions.decide(OWNER, asked["id"], "approve")
    events = office.events(ids)
    assert kinds(events) == [
        *("tool_call", "approval_asked", "approval_decided", "tool_result", "token", "answered")
    ]
    assert [event["n"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert effects(office.file) == [f"{asked['id']} milk"]
    assert one(events, "tool_result")["text"] == "Wrote 'milk'."
    assert office.message(ids)["content"] == "Done."
    assert office.approvals.get(asked["id"], "").state == "executed"


def test_a_run_that_waits_holds_no_worker_and_no_place(office: Office, llm: FakeLLMServer) -> None:
    for _ in range(5):  # more than there are workers
        llm.call("write_line", {"text": "milk"})
        office.asked(office.ask())
    assert office.runs.active == 0
    llm.say("Hello.")
    assert kinds(office.events(office.ask()))[-1] == "answered"


def test_a_rejection_is_told_to_the_model_with_its_reason(
    office: Office, llm: FakeLLMServer
) -> None:
    write(llm, then="As you wish.")
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.decisions.decide(OWNER, asked["id"], "reject", reason="not milk")
    events = office.events(ids)
    assert one(events, "approval_decided")["verdict"] == "rejected"
    result = one(events, "tool_result")
    assert (result["ok"], "not milk" in result["text"]) == (False, True)
    assert effects(office.file) == []
    assert office.message(ids)["content"] == "As you wish."


def test_edited_arguments_are_checked_and_used_and_the_model_is_told(
    office: Office, llm: FakeLLMServer
) -> None:
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    with pytest.raises(UserError, match="times"):
        office.decisions.decide(OWNER, asked["id"], "edit", {"text": "tea", "times": "often"})
    with pytest.raises(UserError, match="new arguments"):
        office.decisions.decide(OWNER, asked["id"], "edit")
    office.decisions.decide(OWNER, asked["id"], "edit", {"text": "tea"})
    events = office.events(ids)
    assert one(events, "approval_decided")["arguments"] == {"text": "tea", "times": 1}
    assert effects(office.file) == [f"{asked['id']} tea"]
    assert "changed the call" in one(events, "tool_result")["text"]


def test_approving_of_other_arguments_than_were_asked_is_refused(
    office: Office, llm: FakeLLMServer
) -> None:
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    with pytest.raises(Conflict, match="not the arguments"):
        office.decisions.decide(OWNER, asked["id"], "approve", {"text": "beer", "times": 1})
    assert office.state(ids) == "waiting"
    office.decisions.decide(OWNER, asked["id"], "approve", asked["arguments"])
    assert kinds(office.events(ids))[-1] == "answered"


def test_deciding_twice_is_a_conflict(office: Office, llm: FakeLLMServer) -> None:
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.decisions.decide(OWNER, asked["id"], "approve")
    with pytest.raises(Conflict, match="approved already"):
        office.decisions.decide(OWNER, asked["id"], "reject")
    office.events(ids)
    assert len(effects(office.file)) == 1


def test_of_many_decisions_at_once_one_counts(office: Office, llm: FakeLLMServer) -> None:
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    refused: list[str] = []
    gate = threading.Barrier(8)

    def decide() -> None:
        gate.wait()
        try:
            office.decisions.decide(OWNER, asked["id"], "approve")
        except Conflict as exc:
            refused.append(str(exc))

    threads = [threading.Thread(target=decide) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.events(ids)
    assert (len(refused), len(effects(office.file))) == (7, 1)


def test_calls_of_one_turn_are_decided_one_by_one(office: Office, llm: FakeLLMServer) -> None:
    texts = ("milk", "tea", "beer")
    calls = tuple(("write_line", {"text": text}) for text in texts)
    llm.script.append(Reply(tools=(*calls, ("search_corpus", {"query": "soup"}))))
    llm.say("Two of them.")
    ids = office.ask()
    asked = {a["arguments"]["text"]: a["id"] for a in office.asked(ids, 3)}
    office.decisions.decide(OWNER, asked["tea"], "approve")
    assert office.state(ids) == "waiting"
    assert effects(office.file) == []
    office.decisions.decide(OWNER, asked["beer"], "reject")
    office.decisions.decide(OWNER, asked["milk"], "edit", {"text": "cream"})
    events = office.events(ids)
    assert sorted(line.split()[1] for line in effects(office.file)) == ["cream", "tea"]
    assert kinds(events).count("approval_asked") == kinds(events).count("approval_decided") == 3
    results = [event["id"] for event in events if event["kind"] == "tool_result"]
    assert sorted(results) == sorted({e["id"] for e in events if e["kind"] == "tool_call"})
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))


def test_a_run_may_ask_again_later(office: Office, llm: FakeLLMServer) -> None:
    llm.call("write_line", {"text": "milk"})
    llm.call("write_line", {"text": "tea"})
    llm.say("Both.")
    ids = office.ask()
    for _ in range(2):
        (asked,) = office.asked(ids)
        office.decisions.decide(OWNER, asked["id"], "approve")
        office.wait(
            lambda: office.state(ids) == "done" or len(office.approvals.of_run(ids["run"])) > 1
        )
    office.events(ids)
    assert [line.split()[1] for line in effects(office.file)] == ["milk", "tea"]


def test_what_was_found_before_the_wait_can_be_cited_after_it(
    office: Office, llm: FakeLLMServer
) -> None:
    llm.call("search_corpus", {"query": "backups kept days"})
    llm.call("write_line", {"text": "milk"})
    llm.say("They are kept for thirty days [1].")
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.decisions.decide(OWNER, asked["id"], "approve")
    office.events(ids)
    (citation,) = office.message(ids)["citations"]
    assert citation["source"] == "/papers/backups.pdf"


def test_wrong_arguments_are_told_to_the_model_and_nobody_is_asked(
    office: Office, llm: FakeLLMServer
) -> None:
    llm.call("write_line", {"word": "milk"})
    llm.say("Sorry.")
    events = office.events(office.ask())
    assert one(events, "tool_result")["ok"] is False
    assert "approval_asked" not in kinds(events)


def test_a_tool_that_fails_after_approval_is_told_and_not_tried_again(
    office: Office, llm: FakeLLMServer
) -> None:
    write(llm, "refuse")
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.decisions.decide(OWNER, asked["id"], "approve")
    result = one(office.events(ids), "tool_result")
    assert (result["ok"], result["text"]) == (False, "the pen is empty")
    assert office.approvals.get(asked["id"], "").state == "executed"


def test_what_nobody_decides_in_time_counts_as_rejected(
    open_office: Callable[..., Office], llm: FakeLLMServer
) -> None:
    office = open_office(budget=AgentSettings(approval_s=0.2))
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.wait(lambda: office.decisions.expire() == 1)
    events = office.events(ids)
    assert one(events, "approval_decided")["verdict"] == "expired"
    assert "in time" in one(events, "tool_result")["text"]
    assert effects(office.file) == []
    with pytest.raises(Conflict, match="expired"):
        office.decisions.decide(OWNER, asked["id"], "approve")


def test_a_decision_that_comes_too_late_does_not_count_even_before_the_clock_looks(
    office: Office, llm: FakeLLMServer
) -> None:
    write(llm)
    (asked,) = office.asked(office.ask())
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="milliseconds")
    with office.chats._tables.transaction() as db:
        db.execute("UPDATE approvals SET expires = ?", (past,))
    with pytest.raises(Conflict, match="expired"):
        office.decisions.decide(OWNER, asked["id"], "approve")


def test_a_waiting_run_can_be_cancelled(office: Office, llm: FakeLLMServer) -> None:
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.runs.cancel(ids["run"])
    assert kinds(office.events(ids))[-1] == "cancelled"
    with pytest.raises(Conflict, match="rejected already"):
        office.decisions.decide(OWNER, asked["id"], "approve")
    assert effects(office.file) == []
    assert office.chats.thread(ids["thread"])["active_run"] is None


def test_a_decision_about_a_deleted_thread_finds_nothing(
    office: Office, llm: FakeLLMServer
) -> None:
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.runs.cancel(ids["run"])
    office.chats.deleting.erase(ids["thread"])
    with pytest.raises(NotFound):
        office.decisions.decide(OWNER, asked["id"], "approve")


def test_another_persons_approval_is_like_none_at_all(office: Office, llm: FakeLLMServer) -> None:
    write(llm)
    ids = office.ask(person=Person("ada"))
    (asked,) = office.asked(ids)
    said = []
    for id in (asked["id"], "0" * 32):
        with pytest.raises(NotFound) as caught:
            office.decisions.decide(Person("bob"), id, "approve")
        said.append(str(caught.value).replace(id, "ID"))
    assert said[0] == said[1]
    assert office.approvals.of_person("bob") == []
    assert [a.id for a in office.approvals.of_person("ada", "asked")] == [asked["id"]]
    office.decisions.decide(Person("ada"), asked["id"], "approve")
    assert kinds(office.events(ids))[-1] == "answered"


def test_a_waiting_run_waits_on_after_a_restart_and_its_watchers_lose_nothing(
    open_office: Callable[..., Office], llm: FakeLLMServer
) -> None:
    first = open_office()
    llm.call("search_corpus", {"query": "backups kept days"})
    write(llm, then="Kept for thirty days [1].")
    ids = first.ask()
    first.asked(ids)
    before = []
    watcher = threading.Thread(target=lambda: before.extend(first.runs.events(ids["run"])))
    watcher.start()
    first.close()
    watcher.join(60)
    assert not watcher.is_alive()
    second = open_office()
    (asked,) = second.asked(ids)
    assert second.chats.thread(ids["thread"])["active_run"] == ids["run"]
    second.decisions.decide(OWNER, asked["id"], "approve")
    after = list(second.runs.events(ids["run"], after=len(before)))
    assert [e["n"] for e in (*before, *after)] == list(range(1, len(before) + len(after) + 1))
    assert effects(second.file) == [f"{asked['id']} milk"]
    assert second.message(ids)["citations"]


def test_a_decision_made_while_the_service_was_down_is_acted_on_when_it_is_back(
    open_office: Callable[..., Office], llm: FakeLLMServer
) -> None:
    first = open_office()
    write(llm)
    ids = first.ask()
    (asked,) = first.asked(ids)
    first.approvals.decide(asked["id"], "", "approved")  # kept, and then the service dies
    first.close()
    second = open_office()
    assert kinds(second.events(ids))[-3:] == ["tool_result", "token", "answered"]
    assert kinds(second.events(ids)).count("approval_decided") == 1
    assert len(effects(second.file)) == 1


@pytest.mark.parametrize("repeatable", [False, True])
def test_an_execution_that_was_cut_off(
    open_office: Callable[..., Office], llm: FakeLLMServer, repeatable: bool
) -> None:
    first = open_office(repeatable=repeatable)
    write(llm, then="Please check.")
    ids = first.ask()
    (asked,) = first.asked(ids)
    first.approvals.decide(asked["id"], "", "approved")
    arguments = canonical(asked["arguments"])
    call = asked["call"]
    assert first.approvals.begin(asked["id"], ids["run"], call, "write_line", arguments)
    first.close()
    second = open_office(repeatable=repeatable)
    result = one(second.events(ids), "tool_result")
    state = second.approvals.get(asked["id"], "").state
    if repeatable:
        assert (state, len(effects(second.file)), result["ok"]) == ("executed", 1, True)
    else:
        assert (state, effects(second.file), result["ok"]) == ("unknown", [], False)
        assert "may or may not have happened" in result["text"]


def test_a_service_that_stops_in_the_middle_of_an_execution_tells_of_it_when_it_is_back(
    open_office: Callable[..., Office], llm: FakeLLMServer
) -> None:
    first = open_office()
    begun, run = threading.Event(), first.tools["write_line"].run

    def slow(arguments: Any, desk: Desk) -> str:
        begun.set()
        time.sleep(0.3)
        return run(arguments, desk)

    first.with_tool("write_line", run=slow)
    write(llm)
    ids = first.ask()
    (asked,) = first.asked(ids)
    first.decisions.decide(OWNER, asked["id"], "approve")
    assert begun.wait(60)
    first.close()
    second = open_office()
    events = second.events(ids)
    assert kinds(events)[-1] == "answered"
    assert one(events, "tool_result")["text"] == "Wrote 'milk'."
    assert len(effects(second.file)) == 1


def test_a_run_leaves_no_checkpoint_and_a_waiting_one_leaves_one(
    office: Office, llm: FakeLLMServer
) -> None:
    def count() -> int:
        with closing(sqlite3.connect(office.home.chats)) as db:
            return int(db.execute("SELECT count(*) FROM checkpoints").fetchone()[0])

    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    assert count() == 1
    office.decisions.decide(OWNER, asked["id"], "approve")
    office.events(ids)
    assert count() == 0


def test_a_thread_that_waits_takes_no_other_question(office: Office, llm: FakeLLMServer) -> None:
    write(llm)
    ids = office.ask()
    office.asked(ids)
    with pytest.raises(Conflict, match="waits for your approval"):
        office.runs.start(Asked(ids["thread"], "And?"))


def test_a_bug_in_an_approved_tool_ends_the_run_and_is_never_repeated(
    office: Office, llm: FakeLLMServer, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(arguments: object, desk: Desk) -> str:
        raise KeyError("ours")

    office.with_tool("write_line", run=broken)
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.decisions.decide(OWNER, asked["id"], "approve")
    assert office.events(ids)[-1]["error"] == InternalError.__name__
    assert office.approvals.get(asked["id"], "").state == "unknown"


def test_the_audit_log_tells_every_stage(office: Office, llm: FakeLLMServer) -> None:
    write(llm)
    ids = office.ask()
    (asked,) = office.asked(ids)
    office.decisions.decide(OWNER, asked["id"], "edit", {"text": "tea"})
    office.events(ids)
    entries = office.chats.audit.entries()
    told = [entry["action"] for entry in reversed(entries)]
    assert told == ["tool.asked", "tool.approved", "tool.executing", "tool.executed"]
    assert entries[0]["details"].items() >= digest({"text": "tea", "times": 1}, ["writes"]).items()
    assert entries[0]["details"]["edited"] is True


# Whatever the graph does: the one place where calls are carried out


def executor_of(office: Office, run: str, shelf: Shelf) -> Executor:
    settings_ = AgentSettings(tool_calls=1000)
    return Executor(Desk(shelf, shelf), Budget(settings_), settings_, office.approvals, run)


def test_without_a_table_a_run_or_a_name_nothing_is_written(office: Office, tmp_path: Path) -> None:
    shelf, tool = Shelf(), writing_tool(tmp_path / "out")
    settings_ = AgentSettings()
    desk, budget = Desk(shelf, shelf), Budget(settings_)
    for approvals, run, call in (
        (None, "run", "1.a"),
        (office.approvals, "", "1.a"),
        (office.approvals, "run", ""),
    ):
        used = Executor(desk, budget, settings_, approvals, run).use(tool, {"text": "milk"}, call)
        assert isinstance(used, Used)
        assert not used.ok
    assert effects(tmp_path / "out") == []


@st.composite
def _scene(draw: st.DrawFn) -> list[tuple[str, str, str, str]]:
    words = st.sampled_from(["milk", "tea"])
    what = st.sampled_from(["use", "approve", "edit", "reject", "expire", "end"])
    calls = st.sampled_from(["1.a", "1.b", "2.a"])
    return draw(st.lists(st.tuples(what, calls, words, words), max_size=14))


@settings(max_examples=60, deadline=None)
@given(scene=_scene())
def test_no_order_of_calls_and_decisions_writes_what_was_not_approved_or_twice(
    scene: list[tuple[str, str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("scene")
    office = Office(folder, "http://127.0.0.1:1/v1")
    try:
        thread = office.chats.create_thread()["id"]
        run = office.chats.log.begin(thread, "Write.", "agent", None)["run"]
        tool = writing_tool(office.file, repeatable=False)
        executor = executor_of(office, run, Shelf())
        allowed: dict[str, str] = {}
        for what, call, text, other in scene:
            id = approval_id(run, call)
            if what == "use":
                used = executor.use(tool, {"text": text}, call)
                if isinstance(used, ApprovalAsked):
                    with office.chats._tables.transaction() as db:
                        add_asked(db, run, [used])
            elif what == "end":
                with office.chats._tables.transaction() as db:
                    close_open(db, run)
            elif what == "expire":
                with office.chats._tables.transaction() as db:
                    query = "UPDATE approvals SET expires = '2000' WHERE id = ?"
                    db.execute(query, (id,))
                office.approvals.expire()
            else:
                try:
                    _decide(office, id, what, other, allowed)
                except (NotFound, Conflict):
                    continue
        written = effects(office.file)
        assert len(written) == len({line.split()[0] for line in written})
        for line in written:
            key, text = line.split()
            assert allowed.get(key) == text
    finally:
        office.close()


def _decide(office: Office, id: str, what: str, other: str, allowed: dict[str, str]) -> None:
    verdict = "rejected" if what == "reject" else "approved"
    edited = canonical({"text": other, "times": 1}) if what == "edit" else None
    decided = office.approvals.decide(id, "", verdict, edited)  # type: ignore[arg-type]
    if verdict == "approved":
        allowed[id] = decided.to_json()["arguments"]["text"]
