"""Conversations survive restarts, crashes and deletions as they should."""

from __future__ import annotations

import sqlite3

import pytest

from agents.records.answers import Message
from agents.store.memory import Chats
from agents.store.outcome import Outcome
from agents.store.run_log import title_of
from corpus.errors import Conflict, Damaged, NotFound, OperatorError
from corpus.home import Home
from tests.agents.shelf import Shelf


def answered(chats: Chats, thread: str, question: str, answer: str, **fields: object) -> str:
    ids = chats.log.begin(thread, question, "answer", None)
    chats.log.finish(ids["run"], "done", [], Outcome(answer, **fields))  # type: ignore[arg-type]
    return str(ids["message"])


def test_a_thread_takes_its_title_from_its_first_question(chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    answered(chats, thread, "How long are backups kept?", "Thirty days.")
    answered(chats, thread, "And then?", "They are deleted.")
    assert chats.thread(thread)["title"] == "How long are backups kept?"


def test_a_given_title_stays(chats: Chats) -> None:
    thread = chats.create_thread("Operations")["id"]
    answered(chats, thread, "How long?", "Thirty days.")
    assert chats.thread(thread)["title"] == "Operations"


def test_a_long_title_is_cut_at_a_word() -> None:
    title = title_of("word " * 40)
    assert len(title) <= 61
    assert title.endswith("word…")


def test_question_and_empty_answer_are_there_before_any_work(home: Home, chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    ids = chats.log.begin(thread, "How long?", "agent", "work")
    other = Chats(home)  # another process would see the same
    messages = other.thread(thread)["messages"]
    other.close()
    assert [(m["role"], m["content"], m["run"]) for m in messages] == [
        ("user", "How long?", ids["run"]),
        ("assistant", "", ids["run"]),
    ]
    assert messages[1]["id"] == ids["message"]


def test_everything_an_answer_has_comes_back_after_a_restart(home: Home, chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    citation = {"n": 1, "document": "d", "quote": "thirty days"}
    step = {"n": 1, "kind": "retrieved", "passages": []}
    answered(
        chats, thread, "How long?", "Thirty days [1].",
        citations=(citation,), steps=(step,), engine="openai", model="m", abstained=True,
    )  # fmt: skip
    chats.close()
    again = Chats(home)
    message = again.thread(thread)["messages"][1]
    again.close()
    assert message["content"] == "Thirty days [1]."
    assert message["citations"] == [citation]
    assert message["steps"] == [step]
    assert (message["engine"], message["model"]) == ("openai", "m")
    assert (message["abstained"], message["interrupted"], message["error"]) == (True, False, None)


def test_a_thread_is_answered_once_at_a_time(chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    run = chats.log.begin(thread, "One?", "answer", None)["run"]
    with pytest.raises(Conflict, match="still being answered"):
        chats.log.begin(thread, "Two?", "answer", None)
    assert chats.thread(thread)["active_run"] == run
    assert len(chats.thread(thread)["messages"]) == 2


def test_the_last_used_thread_comes_first(chats: Chats) -> None:
    first, second = chats.create_thread("a")["id"], chats.create_thread("b")["id"]
    with chats._tables.transaction() as db:
        db.execute("UPDATE threads SET updated = '2000'")
    answered(chats, first, "How?", "So.")
    assert [t["id"] for t in chats.threads()["threads"]] == [first, second]
    assert [t["messages"] for t in chats.threads()["threads"]] == [2, 0]


def test_deleting_a_thread_leaves_nothing_of_it(home: Home, chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    message = answered(chats, thread, "A word like xylophone?", "Yes, xylophone.")
    chats.rate(message, 1)
    with sqlite3.connect(home.chats) as db:  # as LangGraph makes and fills them
        for table in ("checkpoints", "writes"):
            db.execute(f"CREATE TABLE {table} (thread_id TEXT)")
            db.execute(f"INSERT INTO {table} VALUES (?)", (thread,))
    db.close()
    chats.deleting.erase(thread)
    with sqlite3.connect(home.chats) as db:
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        left = {
            table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables
        }
    db.close()
    kept = {"audit", "sqlite_sequence"}  # that it was deleted, and the number of that entry
    left = {table: count for table, count in left.items() if table not in kept}
    assert left == dict.fromkeys(left, 0)
    assert {"checkpoints", "writes", "events", "feedback"} <= set(left)


def test_what_does_not_exist_is_named(chats: Chats) -> None:
    for call in (
        lambda: chats.thread("nix"),
        lambda: chats.change_thread("nix", title="t"),
        lambda: chats.deleting.erase("nix"),
        lambda: chats.log.begin("nix", "q", "answer", None),
        lambda: chats.log.run("nix"),
        lambda: chats.log.events("nix"),
        lambda: chats.rate("nix", 1),
    ):
        with pytest.raises(NotFound, match="'nix'"):
            call()


def test_history_is_bounded_and_has_answered_turns_only(chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    answered(chats, thread, "q1", "a1")
    answered(chats, thread, "q2", "a2")
    answered(chats, thread, "refused", "No.", abstained=True)
    answered(chats, thread, "failed", "half", error="it broke")
    answered(chats, thread, "q3", "a3")
    turns = [("user", "q2"), ("assistant", "a2"), ("user", "q3"), ("assistant", "a3")]
    assert chats.history(thread, 4, 1000) == tuple(Message(*t) for t in turns)  # type: ignore[arg-type]
    assert chats.history(thread, 10, 7) == (Message("user", "q3"), Message("assistant", "a3"))
    assert chats.history(thread, 0, 1000) == ()


def test_runs_left_behind_by_a_kill_are_closed_with_their_text(home: Home, chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    run = chats.log.begin(thread, "How long?", "answer", None)["run"]
    events = [
        {"n": 1, "kind": "retrieved", "passages": [], "snapshot": 1, "timings_ms": {}},
        {"n": 2, "kind": "token", "text": "Thirty "},
        {"n": 3, "kind": "token", "text": "da [1]"},
    ]
    chats.log.add(run, events)
    again = Chats(home)
    assert again.log.close_interrupted(Shelf().text) == 1
    assert again.log.close_interrupted(Shelf().text) == 0
    message = again.thread(thread)["messages"][1]
    assert (message["content"], message["interrupted"]) == ("Thirty da", True)
    assert "ask again" in message["error"]
    assert [step["kind"] for step in message["steps"]] == ["retrieved", "failed"]
    assert message["citations"] == []
    last = again.log.events(run)[-1]
    assert (last["n"], last["kind"], last["error"]) == (4, "failed", "Interrupted")
    assert last["partial"] == "Thirty da [1]"
    assert again.log.run(run)["state"] == "interrupted"
    assert again.thread(thread)["active_run"] is None
    again.close()


def test_events_of_a_run_whose_thread_is_gone_are_dropped(chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    run = chats.log.begin(thread, "q", "answer", None)["run"]
    chats.deleting.erase(thread)
    chats.log.add(run, [{"n": 1, "kind": "token", "text": "x"}])
    chats.log.finish(run, "done", [{"n": 2, "kind": "token", "text": "y"}], Outcome("xy"))
    with pytest.raises(NotFound):
        chats.log.events(run)


def test_a_later_verdict_replaces_the_earlier(chats: Chats) -> None:
    message = answered(chats, chats.create_thread()["id"], "q", "a")
    chats.rate(message, 1)
    chats.rate(message, -1, "wrong page")
    (verdict,) = chats.feedback()
    assert (verdict["rating"], verdict["comment"]) == (-1, "wrong page")
    assert (verdict["question"], verdict["answer"]) == ("q", "a")


def test_a_question_cannot_be_rated(chats: Chats) -> None:
    thread = chats.create_thread()["id"]
    answered(chats, thread, "q", "a")
    question = chats.thread(thread)["messages"][0]["id"]
    with pytest.raises(NotFound):
        chats.rate(question, 1)


def test_a_newer_database_is_refused(home: Home, chats: Chats) -> None:
    chats.close()
    with sqlite3.connect(home.chats) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OperatorError, match="newer Alcove"):
        Chats(home)


def test_a_file_that_is_no_database_is_reported_and_left_alone(home: Home) -> None:
    home.chats.write_bytes(b"this is not a database, " * 100)
    with pytest.raises(Damaged, match=r"chats\.sqlite"):
        Chats(home)
    assert home.chats.read_bytes().startswith(b"this is not")


def test_what_is_acknowledged_is_synchronous(chats: Chats) -> None:
    with chats._tables.transaction() as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
