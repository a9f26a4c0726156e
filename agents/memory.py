"""Conversations on disk: threads, messages and feedback, in ``chats.sqlite``; runs are in ``log``.

A thread belongs to a person by name, and everything in it through it: what is somebody else's is as good as not there.

Safe to use from several threads. Knows nothing of engines, tools or HTTP.
"""

from __future__ import annotations

import json
import sqlite3

from agents.answers import Message
from agents.approvals import Approvals
from agents.audit import Audit
from agents.chat_tables import ChatTables, new_id, now, one
from agents.checkpoints import forget
from agents.memories import StoredMemories
from agents.notes import StoredNotes
from agents.record_json import Json
from agents.run_log import UNTITLED, RunLog
from corpus.errors import NotFound
from corpus.home import Home

__all__ = ["Chats"]


class Chats:
    """What was asked and answered.

    Raises:
        OperatorError, DiskFull, Damaged: whenever ``chats.sqlite`` cannot be used.
    """

    def __init__(self, home: Home) -> None:
        self._tables = ChatTables(home.chats)
        self.log = RunLog(self._tables)
        self.memories = StoredMemories(self._tables)
        self.notes = StoredNotes(self._tables)
        self.approvals = Approvals(self._tables)
        self.audit = Audit(self._tables)

    def close(self) -> None:
        """Close the database."""
        self._tables.close()

    def create_thread(self, title: str = "") -> Json:
        """A new, empty thread; without a title it takes one from its first question."""
        thread, time, title = new_id(), now(), title or UNTITLED
        with self._tables.transaction() as db:
            db.execute(
                "INSERT INTO threads (id, title, created, updated) VALUES (?, ?, ?, ?)",
                (thread, title, time, time),
            )
        return {"id": thread, "title": title, "created": time, "updated": time, "messages": 0}

    def threads(self) -> list[Json]:
        """Every thread, the last used first; ``messages`` is how many it holds."""
        with self._tables.transaction() as db:
            rows = db.execute(
                "SELECT t.*, (SELECT count(*) FROM messages m WHERE m.thread = t.id) AS messages"
                " FROM threads t ORDER BY t.updated DESC, t.rowid DESC"
            ).fetchall()
        return [dict(row) for row in rows]

    def thread(self, thread: str) -> Json:
        """One thread with its messages in order, and the id of its run that runs or waits, if any.

        Raises:
            NotFound: there is no such thread.
        """
        with self._tables.transaction() as db:
            head = one(db, "SELECT * FROM threads WHERE id = ?", thread, "thread")
            query = "SELECT * FROM messages WHERE thread = ? ORDER BY position"
            rows = db.execute(query, (thread,)).fetchall()
            query = "SELECT id FROM runs WHERE thread = ? AND state IN ('running', 'waiting')"
            active = db.execute(query, (thread,)).fetchone()
        messages = [_message_json(row) for row in rows]
        return {**dict(head), "messages": messages, "active_run": active["id"] if active else None}

    def rename_thread(self, thread: str, title: str) -> None:
        """Give a thread another title; raises ``NotFound``."""
        with self._tables.transaction() as db:
            done = db.execute("UPDATE threads SET title = ? WHERE id = ?", (title, thread))
            _require(done, thread)

    def delete_thread(self, thread: str) -> None:
        """Remove a thread with all that belongs to it, checkpoints too; raises ``NotFound``."""
        with self._tables.transaction() as db:
            _require(db.execute("DELETE FROM threads WHERE id = ?", (thread,)), thread)
            forget(db, thread)

    def history(self, thread: str, messages: int, characters: int) -> tuple[Message, ...]:
        """The last answered turns within both bounds, oldest first; no refusals, no failures."""
        with self._tables.transaction() as db:
            rows = db.execute(
                "SELECT q.content AS question, a.content AS answer FROM messages a"
                " JOIN messages q ON q.thread = a.thread AND q.position = a.position - 1"
                " WHERE a.thread = ? AND a.role = 'assistant' AND a.content <> ''"
                " AND a.error IS NULL AND a.abstained = 0 ORDER BY a.position DESC LIMIT ?",
                (thread, messages // 2),
            ).fetchall()
        turns: list[Message] = []
        for row in rows:
            characters -= len(row["question"]) + len(row["answer"])
            if characters < 0:
                break
            turns = [Message("user", row["question"]), Message("assistant", row["answer"]), *turns]
        return tuple(turns)

    def rate(self, message: str, rating: int, comment: str = "") -> None:
        """Keep a person's verdict (1 or -1) on an answer; a later one replaces it.

        Raises:
            NotFound: there is no such answer.
        """
        with self._tables.transaction() as db:
            query = "SELECT 1 FROM messages WHERE id = ? AND role = 'assistant'"
            one(db, query, message, "message")
            values = (message, rating, comment, now())
            db.execute("INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?)", values)

    def feedback(self) -> list[Json]:
        """Every verdict with the question and the answer it is about, the latest first."""
        with self._tables.transaction() as db:
            rows = db.execute(
                "SELECT f.*, a.content AS answer, r.question FROM feedback f"
                " JOIN messages a ON a.id = f.message LEFT JOIN runs r ON r.message = a.id"
                " ORDER BY f.created DESC"
            ).fetchall()
        return [dict(row) for row in rows]


def _require(done: sqlite3.Cursor, thread: str) -> None:
    if done.rowcount == 0:
        raise NotFound(f"there is no thread {thread!r}; list them to see which exist")


def _message_json(row: sqlite3.Row) -> Json:
    plain = ("id", "role", "content", "created", "engine", "model", "error", "run")
    flags = ("abstained", "interrupted")
    encoded = ("citations", "steps", "claims", "usage")
    return (
        {key: row[key] for key in plain}
        | {key: bool(row[key]) for key in flags}
        | {key: json.loads(row[key]) for key in encoded}
    )
