"""Conversations on disk: threads, messages and feedback, in ``chats.sqlite``; runs are in ``log``.

A thread belongs to a person by name, and everything in it through it: what is somebody else's is as good as not there.

Safe to use from several threads. Knows nothing of engines, tools or HTTP.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agents.records.answers import Message
from agents.records.record_json import Json
from agents.store.approvals import Approvals
from agents.store.audit import Audit
from agents.store.chat_tables import ChatTables, new_id, now, one
from agents.store.compaction import unpacked
from agents.store.listing import head_json, head_of, item, listed
from agents.store.memories import StoredMemories
from agents.store.notes import StoredNotes
from agents.store.run_log import UNTITLED, RunLog
from agents.store.search_words import add_words, fill
from agents.store.summaries import ToRetell, retell, shown, to_retell
from agents.store.undo import ACTIVE, Deleting
from agents.text.nearness import Nearness
from corpus.home import Home

if TYPE_CHECKING:
    from retrieval.protocols import Encoder

__all__ = ["Chats"]

_VERDICT = "f.rating, f.comment, f.sources, f.unanswerable"


class Chats:
    """What was asked and answered.

    Args:
        home: whose ``chats.sqlite``.
        encoder: gives the encoder that memories are compared by, once it is loaded.

    Raises:
        OperatorError, DiskFull, Damaged: whenever ``chats.sqlite`` cannot be used.
    """

    def __init__(self, home: Home, encoder: Callable[[], Encoder | None] = lambda: None) -> None:
        self._tables = ChatTables(home.chats)
        self.log = RunLog(self._tables)
        self.memories = StoredMemories(self._tables, Nearness(encoder))
        self.notes = StoredNotes(self._tables)
        self.approvals = Approvals(self._tables)
        self.audit = Audit(self._tables)
        self.deleting = Deleting(self._tables)
        with self._tables.transaction() as db:
            fill(db)

    def close(self) -> None:
        """Close the database."""
        self._tables.close()

    def create_thread(self, title: str = "", owner: str = "") -> Json:
        """A new, empty thread; without a title it takes one from its first question."""
        thread, time, title = new_id(), now(), title or UNTITLED
        with self._tables.transaction() as db:
            db.execute(
                "INSERT INTO threads (id, title, created, updated, owner) VALUES (?, ?, ?, ?, ?)",
                (thread, title, time, time, owner),
            )
            add_words(db, thread, "")
        times = {"created": time, "updated": time}
        return {
            "id": thread,
            "title": title,
            **times,
            "pinned": False,
            "messages": 0,
            "snippet": "",
        }

    def threads(
        self, owner: str = "", query: str = "", limit: int | None = None, after: str | None = None
    ) -> Json:
        """A page of a person's threads; see ``agents.store.listing.listed``.

        Each has ``messages``, how many it holds, and ``snippet``, where a message has words of the query.
        """
        with self._tables.transaction() as db:
            return listed(db, owner, query, limit, after)

    def thread_ids(self, owner: str = "") -> list[str]:
        """The ids of all threads of a person, also of those that are deleted and can be brought back."""
        with self._tables.transaction() as db:
            rows = db.execute("SELECT id FROM threads WHERE owner = ?", (owner,)).fetchall()
        return [row["id"] for row in rows]

    def thread(
        self, thread: str, owner: str = "", limit: int | None = None, before: str | None = None
    ) -> Json:
        """One thread with its messages in order, and the id of its running run, if any.

        Args:
            limit: at most so many messages, the last ones.
            before: the id of a message; only those before it.

        Returns:
            ``earlier`` in it says how many messages come before those that are there.

        Raises:
            NotFound: there is no such thread or message.
        """
        with self._tables.transaction() as db:
            head = head_of(db, thread, owner)
            end = _position(db, thread, before)
            rows = db.execute(
                f"SELECT m.*, {_VERDICT} FROM messages m LEFT JOIN feedback f ON f.message = m.id"
                " WHERE m.thread = ? AND m.position < ? ORDER BY m.position DESC LIMIT ?",
                (thread, end, -1 if limit is None else limit),
            ).fetchall()
            active = db.execute(ACTIVE, (thread,)).fetchone()
        messages = [_message_json(row) for row in reversed(rows)]
        earlier = rows[-1]["position"] if rows else 0
        running = active["id"] if active else None
        return {**head_json(head), "messages": messages, "earlier": earlier, "active_run": running}

    def require_thread(self, thread: str, owner: str = "") -> None:
        """Raises ``NotFound`` unless there is such a thread and it is theirs."""
        with self._tables.transaction() as db:
            head_of(db, thread, owner)

    def require_run(self, run: str, owner: str = "") -> None:
        """Raises ``NotFound`` unless there is such a run and it is theirs."""
        query = (
            "SELECT r.id FROM runs r JOIN shown_threads t ON t.id = r.thread"
            " WHERE r.id = ? AND t.owner = ?"
        )
        with self._tables.transaction() as db:
            one(db, query, run, "run", owner)

    def change_thread(
        self,
        thread: str,
        owner: str = "",
        title: str | None = None,
        pinned: bool | None = None,
    ) -> Json:
        """Give a thread another title, pin it, or both; ``None`` leaves it. Raises ``NotFound``."""
        with self._tables.transaction() as db:
            head_of(db, thread, owner)
            query = "UPDATE threads SET title = coalesce(?, title), pinned = coalesce(?, pinned) WHERE id = ?"
            db.execute(query, (title, pinned, thread))
            return item(db, head_of(db, thread, owner)["place"])

    def questions(self, thread: str) -> list[str]:
        """What was asked in a thread, in order."""
        query = "SELECT content FROM messages WHERE thread = ? AND role = 'user' ORDER BY position"
        with self._tables.transaction() as db:
            return [row["content"] for row in db.execute(query, (thread,))]

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

    def summary(self, thread: str) -> str:
        """What was said in a thread before its last turns, shortened; see ``agents.store.summaries``."""
        with self._tables.transaction() as db:
            return shown(db, thread)

    def to_retell(self, thread: str) -> ToRetell | None:
        """What a language model has to retell of a thread by now; ``None`` while that is too little."""
        with self._tables.transaction() as db:
            return to_retell(db, thread)

    def retell(self, wanted: ToRetell, text: str) -> None:
        """Keep what a model retold, unless the thread is gone or somebody else was faster."""
        with self._tables.transaction() as db:
            retell(db, wanted, text)

    def rate(
        self,
        message: str,
        rating: int,
        comment: str = "",
        owner: str = "",
        sources: Sequence[Json] = (),
        unanswerable: bool = False,
    ) -> None:
        """Keep a person's verdict (1 or -1) on an answer; a later one replaces it.

        Args:
            sources: where the answer should have come from, as ``agents.measuring.feedback.right_sources`` gives them.
            unanswerable: the documents do not say.

        Raises:
            NotFound: there is no such answer.
        """
        with self._tables.transaction() as db:
            query = (
                "SELECT 1 FROM messages m JOIN shown_threads t ON t.id = m.thread"
                " WHERE m.id = ? AND t.owner = ? AND m.role = 'assistant'"
            )
            one(db, query, message, "message", owner)
            given = json.dumps(list(sources), ensure_ascii=False)
            values = (message, rating, comment, now(), given, unanswerable)
            db.execute("INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?, ?, ?)", values)

    def feedback(self, owner: str = "") -> list[Json]:
        """Every verdict of a person with the question and the answer it is about, the latest first.

        ``position`` is the answer's in its thread, counted from 0; ``question`` is ``None`` where it is not known.
        """
        with self._tables.transaction() as db:
            rows = db.execute(
                "SELECT f.*, a.content AS answer, a.citations, a.abstained, a.position, r.question"
                " FROM feedback f"
                " JOIN messages a ON a.id = f.message LEFT JOIN runs r ON r.message = a.id"
                " JOIN shown_threads t ON t.id = a.thread WHERE t.owner = ?"
                " ORDER BY f.created DESC, f.rowid DESC",
                (owner,),
            ).fetchall()
        return [
            {**dict(row), **_unpacked(row), "abstained": bool(row["abstained"])} for row in rows
        ]


def _unpacked(row: sqlite3.Row) -> Json:
    return {
        "citations": unpacked(row["citations"]),
        "sources": json.loads(row["sources"]),
        "unanswerable": bool(row["unanswerable"]),
    }


def _position(db: sqlite3.Connection, thread: str, before: str | None) -> int:
    """Where in its thread a message stands; without one, after the last."""
    if before is None:
        return 2**62
    query = "SELECT position FROM messages WHERE id = ? AND thread = ?"
    return int(one(db, query, before, "message", thread)["position"])


def _message_json(row: sqlite3.Row) -> Json:
    plain = ("id", "role", "content", "created", "engine", "model", "error", "run")
    flags = ("abstained", "interrupted")
    encoded = ("citations", "steps", "claims", "usage")
    return (
        {key: row[key] for key in plain}
        | {key: bool(row[key]) for key in flags}
        | {key: unpacked(row[key]) for key in encoded}
        | {"feedback": _verdict_json(row)}
    )


def _verdict_json(row: sqlite3.Row) -> Json | None:
    if row["rating"] is None:
        return None
    return {
        "rating": row["rating"],
        "comment": row["comment"],
        "sources": json.loads(row["sources"]),
        "unanswerable": bool(row["unanswerable"]),
    }
