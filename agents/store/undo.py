"""Threads that are deleted but can still be brought back, and their end.

A hidden thread is left out of whatever a person reads, by the view ``shown_threads``; only what works on its own rows
(a run that ends, a sweep) still sees it. When its time is over it is removed as any deleted thread is. Safe to use
from several threads; knows nothing of runs that are going on, or of HTTP.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from agents.records.record_json import Json
from agents.store.audit import record
from agents.store.chat_tables import ChatTables, found, now
from agents.store.checkpoints import forget
from agents.store.listing import head_of, item

__all__ = ["ACTIVE", "Deleting"]

ACTIVE = "SELECT id FROM runs WHERE thread = ? AND state IN ('running', 'waiting')"
"""A query for the run that is going on in a thread."""


class Deleting:
    """How threads are deleted: at once, or later with the time to bring them back until then.

    Raises (any method):
        OperatorError, DiskFull, Damaged: ``chats.sqlite`` cannot be used.
    """

    def __init__(self, tables: ChatTables) -> None:
        self._tables = tables
        self._traces = True  # the log may hold what was removed just before a crash

    def erase(self, thread: str, owner: str = "") -> str | None:
        """Remove a thread with all that belongs to it, checkpoints too, for good; raises ``NotFound``.

        Returns:
            The id of a run that was going on in it: what it writes from now on is not kept, and it is to be cancelled.
        """
        with self._tables.transaction() as db:
            active = _active(db, thread)
            _erase(db, thread, owner, "thread.deleted")
        self._traces = not self._tables.forget()
        return active

    def hide(self, thread: str, owner: str, seconds: int) -> str | None:
        """Delete a thread so that it can be brought back for so long; raises ``NotFound``.

        Returns:
            The id of a run that is going on in it, which is to be cancelled.
        """
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        until = end.isoformat(timespec="milliseconds")
        with self._tables.transaction() as db:
            head_of(db, thread, owner)
            db.execute("UPDATE threads SET hidden = ? WHERE id = ?", (until, thread))
            record(db, owner, "thread.deleted", {"thread": thread, "undo_until": until})
            return _active(db, thread)

    def restore(self, thread: str, owner: str = "") -> Json:
        """Bring a thread back as ``listed`` tells of it; one that is not deleted stays as it is.

        Raises:
            NotFound: there is no such thread, or its time is over.
        """
        query = "UPDATE threads SET hidden = '' WHERE id = ? AND owner = ? AND hidden > ?"
        with self._tables.transaction() as db:
            if db.execute(query, (thread, owner, now())).rowcount:
                record(db, owner, "thread.restored", {"thread": thread})
            return item(db, head_of(db, thread, owner)["place"])

    def sweep(self) -> int:
        """Remove the threads that cannot be brought back any more; returns how many.

        What is left in the file of any that was removed, also by a process that died over it, goes too: now, or, while
        somebody else reads the file, at the next call.
        """
        query = "SELECT id, owner FROM threads WHERE hidden <> '' AND hidden <= ?"
        with self._tables.transaction() as db:
            late = db.execute(query, (now(),)).fetchall()
            for row in late:
                _erase(db, row["id"], row["owner"], "thread.erased")
        if late or self._traces:
            self._traces = not self._tables.forget()
        return len(late)

    def unfinished(self) -> list[str]:
        """The ids of the runs that go on in deleted threads, or wait there."""
        query = (
            "SELECT r.id FROM runs r JOIN threads t ON t.id = r.thread"
            " WHERE t.hidden <> '' AND r.state IN ('running', 'waiting')"
        )
        with self._tables.transaction() as db:
            return [row["id"] for row in db.execute(query)]


def _active(db: sqlite3.Connection, thread: str) -> str | None:
    row = db.execute(ACTIVE, (thread,)).fetchone()
    return row["id"] if row else None


def _erase(db: sqlite3.Connection, thread: str, owner: str, action: str) -> None:
    query = "DELETE FROM threads WHERE id = ? AND owner = ? RETURNING id"
    found(db.execute(query, (thread, owner)).fetchone(), thread, "thread")
    forget(db, thread)
    record(db, owner, action, {"thread": thread})
