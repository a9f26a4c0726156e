"""The log of runs in ``chats.sqlite``: what was asked, every numbered event, and how it ended.

A question and its still empty answer are stored before any work begins, so nothing that was asked
can vanish. A run that waits for a person's approval says what it asks for in the transaction that
makes it wait. Runs that a stopped service left behind are closed by ``close_interrupted``: their text
so far becomes the message, marked interrupted; but one with an approval whose result nobody was told
waits, to go on. Knows nothing of engines, tools or HTTP.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from agents.records.record_json import Json
from agents.records.steps import ApprovalAsked, Token, interrupted, step_from_json
from agents.store.approval_rows import add_asked, close_open, unsettled
from agents.store.chat_tables import ChatTables, new_id, now, one
from agents.store.checkpoints import forget, sweep
from agents.store.compaction import fold, unpacked
from agents.store.outcome import Outcome, outcome_of
from agents.store.search_words import add_words
from agents.store.summaries import summarise
from corpus.crash import CallPoint, crash_point
from corpus.errors import Conflict

__all__ = ["UNTITLED", "RunLog", "title_of"]

UNTITLED = "New chat"
_TITLE_CHARACTERS = 60
_JSON_COLUMNS = ("citations", "steps", "claims", "usage")


class RunLog:
    """Runs and their events.

    ``after`` is told the thread of every run that has ended, once all of it is kept.
    """

    def __init__(self, tables: ChatTables) -> None:
        self._tables = tables
        self.after: Callable[[str], object] = lambda thread: None

    def begin(
        self,
        thread: str,
        question: str,
        mode: str,
        collection: str | None,
        limits: Json | None = None,
    ) -> Json:
        """Store the question, its empty answer and the run: ``{"run", "thread", "message"}``.

        ``limits`` are the ``filters`` and ``pages`` that it is to be answered from; ``run`` gives them back.

        Raises:
            NotFound: there is no such thread.
            Conflict: the thread is still being answered.
        """
        run, message, time = new_id(), new_id(), now()
        with self._tables.transaction() as db:
            head = one(db, "SELECT title FROM shown_threads WHERE id = ?", thread, "thread")
            _require_idle(db, thread)
            _add_messages(db, thread, run, question, message)
            db.execute(
                "INSERT INTO runs (id, thread, message, question, mode, collection, state, created, limits)"
                " VALUES (?, ?, ?, ?, ?, ?, 'running', ?, ?)",
                (run, thread, message, question, mode, collection, time, json.dumps(limits or {})),
            )
            add_words(db, thread, question)
            title = title_of(question) if head["title"] == UNTITLED else head["title"]
            query = "UPDATE threads SET title = ?, updated = ? WHERE id = ?"
            db.execute(query, (title, time, thread))
        return {"run": run, "thread": thread, "message": message}

    def add(self, run: str, events: Iterable[Json]) -> None:
        """Append numbered events; a run whose thread was deleted meanwhile takes none."""
        with self._tables.transaction() as db:
            _add_events(db, run, events)

    def finish(self, run: str, state: str, events: Iterable[Json], outcome: Outcome) -> None:
        """Store the last events, the run's end and the message it leaves, all at once.

        Nothing it asked a person for can be decided any more, and its checkpoint is forgotten.

        Args:
            run: the run's id.
            state: done, failed, cancelled or interrupted.
            events: those not stored yet.
            outcome: what becomes of the message.
        """
        values: dict[str, Any] = {**asdict(outcome), "run": run, "state": state, "now": now()}
        values |= {name: json.dumps(values[name]) for name in _JSON_COLUMNS}
        with self._tables.transaction() as db:
            _add_events(db, run, events)
            db.execute(
                "UPDATE messages SET content = :content, citations = :citations, steps = :steps,"
                " engine = :engine, model = :model, abstained = :abstained,"
                " interrupted = :interrupted, error = :error, claims = :claims, usage = :usage"
                " WHERE id = (SELECT message FROM runs WHERE id = :run)",
                values,
            )
            db.execute("UPDATE runs SET state = :state, finished = :now WHERE id = :run", values)
            close_open(db, run)
            rows = db.execute("SELECT thread FROM runs WHERE id = ?", (run,)).fetchall()
            for row in rows:
                forget(db, row["thread"])
                summarise(db, row["thread"])
                add_words(db, row["thread"], outcome.content)
            fold(db, run)
            left = 0 if rows else sweep(db)  # its thread was deleted while it wrote
        if left:
            self._tables.forget()
        for row in rows:
            self.after(row["thread"])

    def pause(self, run: str, events: Iterable[Json]) -> None:
        """Let a run wait: its last events, its state and the approvals they ask for, all at once."""
        kept = list(events)
        steps = [step_from_json(event) for event in kept if event["kind"] == ApprovalAsked.kind]
        with self._tables.transaction() as db:
            _add_events(db, run, kept)
            done = db.execute("UPDATE runs SET state = 'waiting' WHERE id = ?", (run,))
            if done.rowcount:
                add_asked(db, run, [step for step in steps if isinstance(step, ApprovalAsked)])
        crash_point(CallPoint.WAITING)

    def go_on(self, run: str) -> None:
        """Let a run that waited be worked on again."""
        with self._tables.transaction() as db:
            db.execute("UPDATE runs SET state = 'running' WHERE id = ?", (run,))

    def waiting(self) -> list[str]:
        """The ids of the runs that wait for a person, the oldest first."""
        with self._tables.transaction() as db:
            query = "SELECT id FROM runs WHERE state = 'waiting' ORDER BY created"
            return [row["id"] for row in db.execute(query).fetchall()]

    def last_done(self, thread: str) -> str | None:
        """The id of the run that answered last in a thread that is shown, if it was the last one."""
        query = (
            "SELECT r.id, r.state FROM runs r JOIN shown_threads t ON t.id = r.thread"
            " WHERE r.thread = ? ORDER BY r.rowid DESC LIMIT 1"
        )
        with self._tables.transaction() as db:
            row = db.execute(query, (thread,)).fetchone()
        return row["id"] if row and row["state"] == "done" else None

    def is_unsettled(self, run: str) -> bool:
        """Whether a run has an approval whose result its events do not tell yet."""
        with self._tables.transaction() as db:
            return unsettled(db, run)

    def run(self, run: str) -> Json:
        """The run's row, its thread's ``owner``, and ``events``: the number of its last stored event.

        ``limits`` are those of ``begin``.

        Raises:
            NotFound: there is no such run.
        """
        with self._tables.transaction() as db:
            row = one(
                db,
                "SELECT r.*, t.owner FROM runs r JOIN threads t ON t.id = r.thread WHERE r.id = ?",
                run,
                "run",
            )
            query = "SELECT coalesce(max(n), 0) FROM events WHERE run = ?"
            (events,) = db.execute(query, (run,)).fetchone()
        return {**dict(row), "limits": json.loads(row["limits"]), "events": events}

    def events(self, run: str, after: int = 0) -> list[Json]:
        """The stored events of a run with a number above ``after``; raises ``NotFound``."""
        with self._tables.transaction() as db:
            one(db, "SELECT 1 FROM runs WHERE id = ?", run, "run")
            query = "SELECT body FROM events WHERE run = ? AND n > ? ORDER BY n"
            rows = db.execute(query, (run, after)).fetchall()
        read = (unpacked(row["body"]) for row in rows)
        events = itertools.chain(*(part if isinstance(part, list) else [part] for part in read))
        return [event for event in events if event["n"] > after]

    def close_interrupted(self, read: Callable[[str], str]) -> int:
        """Close the runs that a stopped service left running, and forget checkpoints of none; returns how many runs.

        Call at start-up, before any run begins. ``read`` gives a document's canonical text.
        """
        with self._tables.transaction() as db:
            rows = db.execute("SELECT id FROM runs WHERE state = 'running'").fetchall()
        left = [row["id"] for row in rows]
        to_end = [run for run in left if not self.is_unsettled(run)]
        for run in left:
            if run in to_end:
                self._interrupt(run, read)
            else:
                self.pause(run, ())
        with self._tables.transaction() as db:
            left_over = sweep(db)
        if left_over:
            self._tables.forget()
        return len(to_end)

    def _interrupt(self, run: str, read: Callable[[str], str]) -> None:
        events = self.events(run)
        partial = "".join(event["text"] for event in events if event["kind"] == Token.kind)
        last = {"n": len(events) + 1, **interrupted(partial).to_json()}
        outcome = outcome_of([*events, last], read, self.run(run)["question"])
        self.finish(run, "interrupted", [last], outcome)


def title_of(question: str) -> str:
    """A thread's title: the start of its first question, cut at a word."""
    line = " ".join(question.split())
    if len(line) <= _TITLE_CHARACTERS:
        return line
    return line[:_TITLE_CHARACTERS].rsplit(" ", 1)[0] + "…"


def _require_idle(db: sqlite3.Connection, thread: str) -> None:
    query = "SELECT state FROM runs WHERE thread = ? AND state IN ('running', 'waiting')"
    active = db.execute(query, (thread,)).fetchone()
    if active and active["state"] == "waiting":
        raise Conflict(f"thread {thread!r} waits for your approval; decide, or cancel its run")
    if active:
        raise Conflict(f"thread {thread!r} is still being answered; wait for it or cancel it")


def _add_messages(
    db: sqlite3.Connection, thread: str, run: str, question: str, answer_id: str
) -> None:
    query = "SELECT coalesce(max(position) + 1, 0) FROM messages WHERE thread = ?"
    (position,) = db.execute(query, (thread,)).fetchone()
    time = now()
    db.executemany(
        "INSERT INTO messages (id, thread, position, role, content, created, run)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (new_id(), thread, position, "user", question, time, run),
            (answer_id, thread, position + 1, "assistant", "", time, run),
        ],
    )


def _add_events(db: sqlite3.Connection, run: str, events: Iterable[Json]) -> None:
    db.executemany(
        "INSERT INTO events (n, body, run)"
        " SELECT ?, ?, id FROM runs WHERE id = ?",  # none when the thread is gone
        [(event["n"], json.dumps(event), run) for event in events],
    )
