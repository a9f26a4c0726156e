"""Documents that were removed and can still be brought back: their rows are kept past the snapshots that saw them.

A removal with an undo leaves a row in ``undos`` that says which removal it was and until when it can be undone; until
then nothing clears the document's rows, text or original away. Works on the tables of ``corpus.rows``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from corpus.database import Database
from corpus.errors import Conflict
from corpus.records import Chunk, Document
from corpus.rows import Stored, read_chunk, read_document, read_stored

__all__ = ["PENDING", "Kept", "drop_undos", "kept", "pending", "pending_chunks", "require_kept"]

PENDING = """EXISTS (SELECT 1 FROM undos u WHERE u.document = {0} AND u.removed = {1} AND u.until > :now)"""
"""Whether the row of a document, or of a chunk of one, waits to be brought back; takes its two columns."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A removed document as it was, with its chunks in reading order."""

    stored: Stored
    chunks: tuple[Chunk, ...]


def kept(catalog: Database, id: str) -> list[Kept]:
    """A removed document, and what was removed with it from below its source: the members, if it is an archive.

    Raises:
        Conflict: it cannot be brought back (any more), or another document has its place.
    """
    removed = require_kept(catalog, id)
    found = catalog.rows(
        f"""SELECT d.* FROM documents d JOIN documents a ON a.id = :id AND a.removed = :removed
            WHERE d.removed = :removed AND d.collection = a.collection AND {PENDING.format("d.id", "d.removed")}
            AND (d.id = a.id OR substr(d.source, 1, length(a.source) + 1) = a.source || '/')
            GROUP BY d.id ORDER BY d.source""",
        {"id": id, "removed": removed, "now": time.time()},
    )
    _require_free(catalog, [read_document(one) for one in found])
    return [Kept(read_stored(one), _chunks(catalog, one["id"], removed)) for one in found]


def require_kept(catalog: Database, id: str) -> int:
    """The snapshot that removed a document which can still be brought back.

    Raises:
        Conflict: it cannot.
    """
    row = catalog.row(
        "SELECT removed FROM undos WHERE document = :id AND until > :now",
        {"id": id, "now": time.time()},
    )
    if row is None:
        raise Conflict(
            f"document {id!r} cannot be brought back any more; add its file again instead"
        )
    return int(row["removed"])


def _require_free(catalog: Database, documents: list[Document]) -> None:
    for document in documents:
        values = {"collection": document.collection, "source": document.source}
        sql = "SELECT 1 FROM documents WHERE collection = :collection AND source = :source AND removed IS NULL"
        if catalog.row(sql, values) is not None:
            raise Conflict(
                f"{document.source!r} has been added again since; delete that one first to bring this one back"
            )


def _chunks(catalog: Database, document: str, removed: int) -> tuple[Chunk, ...]:
    rows = catalog.rows(
        "SELECT * FROM chunks WHERE document = :document AND removed = :removed",
        {"document": document, "removed": removed},
    )
    return tuple(sorted(map(read_chunk, rows), key=lambda c: (c.start, c.end)))


def pending_chunks(catalog: Database) -> Iterator[Chunk]:
    """The chunks of all documents that can still be brought back."""
    rows = catalog.rows(
        f"SELECT * FROM chunks WHERE removed IS NOT NULL AND {PENDING.format('document', 'removed')}",
        {"now": time.time()},
    )
    return map(read_chunk, rows)


def pending(catalog: Database) -> list[Document]:
    """All documents that can still be brought back, by source."""
    rows = catalog.rows(
        f"""SELECT * FROM documents WHERE removed IS NOT NULL AND {PENDING.format("id", "removed")}
            GROUP BY id ORDER BY source""",
        {"now": time.time()},
    )
    return [read_document(row) for row in rows]


def drop_undos(catalog: Database, owner: str) -> None:
    """From now on, bring nothing back of the collections of a person."""
    with catalog.transaction() as db:
        db.execute(
            """DELETE FROM undos WHERE document IN (SELECT d.id FROM documents d
               JOIN collections c ON c.name = d.collection AND c.owner = ?)""",
            (owner,),
        )
