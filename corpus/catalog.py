"""The catalog: documents, their canonical texts and elements, chunks and jobs, in one SQLite file.

It is the source of truth. Rows that searching depends on carry the snapshot that ``added`` them and the one that
``removed`` them, so a reader that holds snapshot *n* sees exactly the documents and chunks of *n* while a writer
commits *n + 1*. One writer at a time (``Home.writer_lock``); any number of readers, in any thread.

Knows nothing of indexes or parsers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.changes import STAGED, Change, apply_change, take_back
from corpus.crash import CrashPoint, crash_point
from corpus.database import Database
from corpus.errors import NotFound
from corpus.filters import AMONG, READABLE, as_json
from corpus.home import Home
from corpus.job_records import jobs_of
from corpus.name_keys import name_key, sought_in, text_key
from corpus.records import Chunk, Document, Parsed
from corpus.rows import (
    SCHEMA,
    SCHEMA_VERSION,
    UPGRADES,
    Stored,
    decode_parsed,
    read_chunk,
    read_document,
    read_stored,
    readers_of,
)

__all__ = ["Catalog", "Change", "CollectionInfo", "Stored"]

LIVE = "added <= :at AND (removed IS NULL OR removed > :at)"


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A collection with its sizes and the names of those who may read it; no names: everyone."""

    name: str
    documents: int
    chunks: int
    readers: tuple[str, ...] = ()


class Catalog:
    """Typed access to ``catalog.sqlite``.

    Where there is a ``reader``, it is the name of who asks: what they may not read is as good as not there. ``None``
    is the owner of the machine, who reads everything.

    Raises (any method):
        DiskFull, OperatorError, Damaged: the file cannot be written, opened or trusted.
    """

    def __init__(self, home: Home) -> None:
        functions = (name_key, sought_in, text_key)
        self._db = Database(home.catalog, SCHEMA, SCHEMA_VERSION, UPGRADES, functions=functions)

    @property
    def database(self) -> Database:
        """The file itself, for ``corpus.upkeep``."""
        return self._db

    def close(self) -> None:
        """Close the connections of every thread."""
        self._db.close()

    @property
    def snapshot(self) -> int:
        """The last snapshot this catalog committed; 0 before the first."""
        row = self._db.row("SELECT value FROM meta WHERE name = 'snapshot'")
        return int(row["value"]) if row else 0

    def documents(
        self, collection: str | None = None, at: int | None = None, reader: str | None = None
    ) -> list[Document]:
        """Documents in any state, by source; ``at`` a snapshot, or now."""
        rows = self._db.rows(
            f"""SELECT * FROM documents WHERE {LIVE} AND {READABLE}
                AND (:collection IS NULL OR collection = :collection) ORDER BY source""",
            {"at": self._at(at), "collection": collection, "reader": reader},
        )
        return [read_document(row) for row in rows]

    def document(self, id: str, reader: str | None = None) -> Document:
        """The document with this id, even if it was removed lately.

        Raises:
            NotFound: there is none.
        """
        return read_document(self._document_row(id, reader))

    def stored_lately(self, id: str, reader: str | None = None) -> Stored:
        """As ``document``, with how it was made."""
        return read_stored(self._document_row(id, reader))

    def is_live(self, id: str) -> bool:
        """Whether the document is in its collection now (false: it was removed or replaced)."""
        row = self._db.row(
            f"SELECT 1 FROM documents WHERE id = :id AND {LIVE}", {"id": id, "at": self._at(None)}
        )
        return row is not None

    def stored(self, collection: str | None = None, at: int | None = None) -> list[Stored]:
        """Live documents, of one collection or all, each with how it was made; by source; ``at`` a snapshot, or now."""
        rows = self._db.rows(
            f"""SELECT * FROM documents WHERE {LIVE}
                AND (:collection IS NULL OR collection = :collection) ORDER BY source""",
            {"at": self._at(at), "collection": collection},
        )
        return [read_stored(row) for row in rows]

    def stored_one(self, id: str) -> Stored:
        """A live document with how it was made.

        Raises:
            NotFound: there is none.
        """
        sql = f"SELECT * FROM documents WHERE id = :id AND {LIVE}"
        row = self._db.row(sql, {"id": id, "at": self._at(None)})
        if row is None:
            raise NotFound(f"there is no document {id!r}; `alcove documents` lists what there is")
        return read_stored(row)

    def text(self, document_id: str, reader: str | None = None) -> str:
        """The canonical text of a document; empty if it has none.

        Raises:
            NotFound: there is no such document.
        """
        row = self._db.row(
            "SELECT text FROM contents WHERE id = :id",
            {"id": self._document_row(document_id, reader)["content"]},
        )
        return str(row["text"]) if row else ""

    def parsed(self, document_id: str, reader: str | None = None) -> Parsed:
        """Text, elements and pages of a document, as parsed.

        Raises:
            NotFound: there is no such document, or nothing could be read from it.
        """
        content = self._document_row(document_id, reader)["content"]
        parsed = self.content(content) if content else None
        if parsed is None:
            raise NotFound(
                f"document {document_id!r} has no text; `alcove documents show` says why"
            )
        return parsed

    def content(self, id: str) -> Parsed | None:
        """What was parsed earlier from the same bytes, if anything was."""
        row = self._db.row("SELECT text, parsed FROM contents WHERE id = :id", {"id": id})
        return decode_parsed(row["text"], row["parsed"]) if row else None

    def chunks(self, ids: Sequence[str], at: int | None = None) -> dict[str, Chunk]:
        """The chunks with these ids that are live at a snapshot (or now), by id."""
        rows = self._db.rows(
            f"SELECT * FROM chunks WHERE id IN (SELECT value FROM json_each(:ids)) AND {LIVE}",
            {"ids": json.dumps(list(ids)), "at": self._at(at)},
        )
        return {row["id"]: read_chunk(row) for row in rows}

    def documents_by_id(self, ids: Iterable[str], at: int | None = None) -> dict[str, Document]:
        """The documents with these ids that are live at a snapshot (or now), by id."""
        rows = self._db.rows(
            f"SELECT * FROM documents WHERE id IN (SELECT value FROM json_each(:ids)) AND {LIVE}",
            {"ids": json.dumps(sorted(set(ids))), "at": self._at(at)},
        )
        return {row["id"]: read_document(row) for row in rows}

    def chunks_of(self, document_id: str, at: int | None = None) -> list[Chunk]:
        """Chunks of one document that are live at a snapshot (or now), in reading order."""
        rows = self._db.rows(
            f"SELECT * FROM chunks WHERE document = :document AND {LIVE}",
            {"document": document_id, "at": self._at(at)},
        )
        return sorted((read_chunk(row) for row in rows), key=lambda c: (c.start, c.end))

    def chunk_ids(
        self,
        at: int | None = None,
        collections: Sequence[str] | None = None,
        documents: Sequence[str] | None = None,
        pages: tuple[int, int] | None = None,
    ) -> list[str]:
        """Ids of the live chunks, optionally of some collections, documents and pages (first, last), sorted."""
        rows = self._db.rows(
            f"""SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document
                WHERE {_live("c")} AND {_live("d")}
                AND {AMONG}
                AND (:documents IS NULL OR d.id IN (SELECT value FROM json_each(:documents)))
                AND (:first IS NULL OR EXISTS
                     (SELECT 1 FROM json_each(c.pages) p WHERE p.value BETWEEN :first AND :last))
                ORDER BY c.id""",
            {
                "at": self._at(at),
                "collections": as_json(collections),
                "documents": as_json(documents),
                "first": pages[0] if pages else None,
                "last": pages[1] if pages else None,
            },
        )
        return [row["id"] for row in rows]

    def collections(self, reader: str | None = None) -> list[CollectionInfo]:
        """Every collection that has a document in any state, or readers, by name."""
        rows = self._db.rows(
            f"""SELECT d.collection AS name, COUNT(*) AS documents,
                    SUM((SELECT COUNT(*) FROM chunks c WHERE c.document = d.id AND {_live("c")})) AS chunks
                FROM documents d WHERE {_live("d")} GROUP BY d.collection""",
            {"at": self._at(None)},
        )
        sizes = {row["name"]: (row["documents"], row["chunks"]) for row in rows}
        return [
            CollectionInfo(name, *sizes.get(name, (0, 0)), readers)
            for name, readers in self.readers().items()
            if reader is None or not readers or reader in readers
        ]

    def readers(self) -> dict[str, tuple[str, ...]]:
        """Who may read each collection, by its name, in order; nobody named: everyone."""
        rows = self._db.rows(
            f"""SELECT name, readers, owner FROM collections
                UNION ALL SELECT DISTINCT collection, '[]', '' FROM documents
                WHERE {LIVE} AND collection NOT IN (SELECT name FROM collections) ORDER BY 1""",
            {"at": self._at(None)},
        )
        return {row["name"]: readers_of(row["readers"], row["owner"]) for row in rows}

    def set_readers(self, collection: str, readers: Iterable[str]) -> None:
        """Let only ``readers`` read a collection, which may still be empty; nobody named: everyone."""
        names = json.dumps(sorted(set(readers)))
        with self._db.transaction() as db:
            db.execute(
                "INSERT INTO collections (name, readers) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET readers = excluded.readers",
                (collection, names),
            )

    def chunk_counts(self, at: int | None = None) -> dict[str, int]:
        """Number of live chunks by document id (documents without any are absent); ``at`` a snapshot, or now."""
        rows = self._db.rows(
            f"SELECT document, COUNT(*) AS n FROM chunks WHERE {LIVE} GROUP BY document",
            {"at": self._at(at)},
        )
        return {row["document"]: row["n"] for row in rows}

    def commit(self, change: Change, snapshot: int) -> None:
        """Apply ``change`` as of ``snapshot`` in one durable transaction. The caller holds the writer lock."""
        with self._db.transaction() as db:
            take_back(db, self.snapshot)
            apply_change(db, change, snapshot)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (str(snapshot),))
        crash_point(CrashPoint.CATALOG_COMMITTED)

    def stage(self, change: Change, snapshot: int) -> None:
        """Write the rows of a part of the next commit; nobody sees them before ``commit_staged(snapshot)``.

        The caller holds the writer lock, and has called ``take_back`` before the first part.
        """
        with self._db.transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (STAGED, str(snapshot)))
            apply_change(db, change, snapshot)
        crash_point(CrashPoint.ROWS_STAGED)

    def take_back(self) -> None:
        """Forget what was staged and not committed."""
        with self._db.transaction() as db:
            take_back(db, self.snapshot)

    def commit_staged(self, snapshot: int) -> None:
        """Make all that was staged for ``snapshot`` count, durably and at once, however much it is."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM meta WHERE name = ?", (STAGED,))
            db.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (str(snapshot),))
        crash_point(CrashPoint.CATALOG_COMMITTED)

    def jobs(self, id: str | None = None) -> list[dict[str, Any]]:
        """Records of all jobs, newest first, or of the one named; see ``corpus.job_records``."""
        return jobs_of(self._db, id)

    def _at(self, at: int | None) -> int:
        return self.snapshot if at is None else at

    def _document_row(self, id: str, reader: str | None) -> sqlite3.Row:
        row = self._db.row(
            f"SELECT * FROM documents WHERE id = :id AND {READABLE} ORDER BY added DESC",
            {"id": id, "reader": reader},
        )
        if row is None:
            raise NotFound(f"there is no document {id!r}; `alcove documents` lists what there is")
        return row


def _live(table: str) -> str:
    return LIVE.replace("added", f"{table}.added").replace("removed", f"{table}.removed")
