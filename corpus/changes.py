"""What one commit does to the catalog's rows, and how rows wait unseen for a commit that is still to come.

A row says which snapshot added and which removed it, so rows of a later snapshot than the committed one are invisible.
A change of every document is staged so, in small transactions, before the commit that makes it count; what was staged
and never committed is taken back by the next commit. Works on the tables of ``corpus.rows``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corpus.records import Chunk, Parsed
from corpus.rows import Stored, chunk_values, encode_parsed, stored_values

__all__ = ["STAGED", "Change", "apply_change", "take_back"]

STAGED = "staged"  # in ``meta`` while there are staged rows: the snapshot they wait for


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit does.

    Args:
        documents: new ones, and new versions of those removed.
        contents: by content id, what was parsed.
        chunks: of ``documents``.
        removed: ids of documents.
        revived: ids of documents that come back, with their chunks, as they were in ``revived_from``; those of them
            that are live are removed.
        revived_from: a snapshot whose rows are still there.
        undo_until: until when the ``removed`` can be brought back (seconds since 1970); 0: they cannot.
    """

    documents: Sequence[Stored] = ()
    contents: Mapping[str, Parsed] = field(default_factory=dict)
    chunks: Sequence[Chunk] = ()
    removed: Sequence[str] = ()
    revived: Sequence[str] = ()
    revived_from: int = 0
    undo_until: float = 0.0


def apply_change(db: sqlite3.Connection, change: Change, snapshot: int) -> None:
    """Write the rows of ``change`` as of ``snapshot``."""
    gone = [{"id": id, "at": snapshot} for id in {*change.removed, *change.revived}]
    for table, column in (("documents", "id"), ("chunks", "document")):
        db.executemany(
            f"UPDATE {table} SET removed = :at WHERE {column} = :id AND removed IS NULL", gone
        )
    db.executemany(
        "INSERT OR REPLACE INTO contents VALUES (?, ?, ?)",
        [(id, parsed.text, encode_parsed(parsed)) for id, parsed in change.contents.items()],
    )
    db.executemany(
        "INSERT INTO documents VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,?,?,?,?)",
        [stored_values(stored, snapshot, _text(stored, change)) for stored in change.documents],
    )
    _keep_undos(db, change, snapshot)
    db.executemany(
        "INSERT INTO chunks VALUES (?,?,?,?,?,?,?,?,NULL,?)",
        [chunk_values(chunk, snapshot) for chunk in change.chunks],
    )
    _revive(db, change, snapshot)


def _text(stored: Stored, change: Change) -> str | None:
    parsed = change.contents.get(stored.content) if stored.content else None
    return parsed.text if parsed else None


def _keep_undos(db: sqlite3.Connection, change: Change, snapshot: int) -> None:
    """What is live again has nothing to undo; what goes may be kept for a while."""
    db.executemany("DELETE FROM undos WHERE document = ?", [(id,) for id in change.revived])
    added = [(stored.document.id,) for stored in change.documents]
    db.executemany("DELETE FROM undos WHERE document = ?", added)
    if change.undo_until:
        db.executemany(
            "INSERT OR REPLACE INTO undos VALUES (?, ?, ?)",
            [(id, snapshot, change.undo_until) for id in change.removed],
        )


def _revive(db: sqlite3.Connection, change: Change, snapshot: int) -> None:
    if not change.revived:
        return
    at = {"ids": json.dumps(list(change.revived)), "old": change.revived_from, "new": snapshot}
    was_live = "added <= :old AND (removed IS NULL OR removed > :old)"
    for table, column in (("documents", "id"), ("chunks", "document")):
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        values = [{"added": ":new", "removed": "NULL"}.get(name, name) for name in names]
        db.execute(
            f"""INSERT INTO {table} ({", ".join(names)}) SELECT {", ".join(values)} FROM {table}
                WHERE {column} IN (SELECT value FROM json_each(:ids)) AND {was_live}""",
            at,
        )


def take_back(db: sqlite3.Connection, snapshot: int) -> None:
    """Undo what was staged for a snapshot after the committed one, ``snapshot``."""
    if db.execute("SELECT 1 FROM meta WHERE name = ?", (STAGED,)).fetchone() is None:
        return
    for table in ("documents", "chunks"):
        db.execute(f"DELETE FROM {table} WHERE added > ?", (snapshot,))
        db.execute(f"UPDATE {table} SET removed = NULL WHERE removed > ?", (snapshot,))
    db.execute("DELETE FROM meta WHERE name = ?", (STAGED,))
