"""Texts that a person has had written down, by title.

A note of the same title replaces the one before. Deleted and replaced texts are overwritten in the file. Knows
nothing of models or HTTP.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from agents.store.audit import record
from agents.store.chat_tables import ChatTables, found, id_of, new_id, now, once, one
from agents.store.memories import checked_text
from agents.tools.tool import Entry
from corpus.errors import Conflict

__all__ = ["LONGEST", "MOST", "StoredNotes"]

LONGEST = 100_000  # characters of a note
MOST = 1_000  # notes of one person
_TITLE = 200


class StoredNotes:
    """The notes of everybody, each person's under their name; an ``agents.tools.tool.Notes``.

    Raises (any method):
        OperatorError, DiskFull, Damaged: ``chats.sqlite`` cannot be used.
    """

    def __init__(self, tables: ChatTables) -> None:
        self._tables = tables

    def write(self, owner: str, title: str, text: str, source: str, key: str = "") -> Entry:
        """Write a note, replacing one of the same title; the same ``key`` again changes nothing.

        Raises:
            UserError: title or text are empty or too long.
            Conflict: the person has as many notes as there may be.
        """
        title, text = checked_text(title, _TITLE, "title"), checked_text(text, LONGEST, "note")
        id, time = id_of(owner, key) if key else new_id(), now()
        with self._tables.transaction() as db:
            if not once(db, owner, key):
                row = _by_title(db, owner, title)
                return _entry(row) if row else Entry(id, title, text, source, time, time)
            _require_room(db, owner, title)
            row = db.execute(
                "INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (owner, title) DO UPDATE SET"
                " text = excluded.text, source = excluded.source, updated = excluded.updated RETURNING *",
                (id, owner, title, text, source, time, time),
            ).fetchone()
        return _entry(row)

    def read(self, owner: str, title: str) -> Entry:
        """The note of this title; raises ``NotFound``."""
        with self._tables.transaction() as db:
            return _entry(found(_by_title(db, owner, title.strip()), title, "note"))

    def notes(self, owner: str) -> Sequence[Entry]:
        """All notes of a person, the last changed first."""
        with self._tables.transaction() as db:
            query = "SELECT * FROM notes WHERE owner = ? ORDER BY updated DESC, rowid DESC"
            return [_entry(row) for row in db.execute(query, (owner,))]

    def edit(self, owner: str, id: str, title: str | None, text: str | None) -> Entry:
        """Give a note another title, another text, or both; ``None`` leaves it.

        Raises:
            UserError: one is empty or too long.
            NotFound: there is no such note.
            Conflict: another note has the title.
        """
        title = None if title is None else checked_text(title, _TITLE, "title")
        text = None if text is None else checked_text(text, LONGEST, "note")
        with self._tables.transaction() as db:
            query = "SELECT 1 FROM notes WHERE owner = ? AND title = ? AND id <> ?"
            if title is not None and db.execute(query, (owner, title, id)).fetchone():
                one(db, _OWN, id, "note", owner)
                raise Conflict(f"there is a note {title!r} already; choose another title")
            row = db.execute(
                "UPDATE notes SET title = coalesce(?, title), text = coalesce(?, text), updated = ?"
                " WHERE id = ? AND owner = ? RETURNING *",
                (title, text, now(), id, owner),
            ).fetchone()
        return _entry(found(row, id, "note"))

    def note(self, owner: str, id: str) -> Entry:
        """The note with this id; raises ``NotFound``."""
        with self._tables.transaction() as db:
            return _entry(one(db, _OWN, id, "note", owner))

    def delete(self, owner: str, id: str) -> None:
        """Remove a note, and its text from the file; raises ``NotFound``."""
        with self._tables.transaction() as db:
            one(db, "DELETE FROM notes WHERE id = ? AND owner = ? RETURNING id", id, "note", owner)
            record(db, owner, "note.deleted", {"note": id})
        self._tables.forget()


_OWN = "SELECT * FROM notes WHERE id = ? AND owner = ?"


def _by_title(db: sqlite3.Connection, owner: str, title: str) -> sqlite3.Row | None:
    query = "SELECT * FROM notes WHERE owner = ? AND title = ?"
    row: sqlite3.Row | None = db.execute(query, (owner, title)).fetchone()
    return row


def _require_room(db: sqlite3.Connection, owner: str, title: str) -> None:
    (count,) = db.execute("SELECT count(*) FROM notes WHERE owner = ?", (owner,)).fetchone()
    if count >= MOST and _by_title(db, owner, title) is None:
        raise Conflict(f"{count} notes are kept, which is the most; delete some first")


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(*(row[k] for k in ("id", "title", "text", "source", "created", "updated")))
