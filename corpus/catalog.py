"""The catalog: documents, their canonical texts and elements, chunks and jobs, in one SQLite file.

It is the source of truth. Rows that searching depends on carry the snapshot that ``added`` them and the one that
``removed`` them, so a reader that holds snapshot *n* sees exactly the documents and chunks of *n* while a writer
commits *n + 1*. One writer at a time (``Home.writer_lock``); any number of readers, in any thread.

Knows nothing of indexes or parsers.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from corpus.errors import Damaged, DiskFull, NotFound, OperatorError
from corpus.home import Home
from corpus.records import Chunk, Document, Parsed, Span, State
from corpus.rows import decode_parsed, encode_parsed

__all__ = ["Catalog", "Change", "CollectionInfo", "Stored", "sqlite_errors"]

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE contents (
    id TEXT PRIMARY KEY, text TEXT NOT NULL, parsed TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT NOT NULL, collection TEXT NOT NULL, source TEXT NOT NULL, sha256 TEXT NOT NULL, media_type TEXT NOT NULL,
    title TEXT NOT NULL, pages INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, size INTEGER NOT NULL,
    metadata TEXT NOT NULL, content TEXT, recipe TEXT NOT NULL, added INTEGER NOT NULL, removed INTEGER
);
CREATE INDEX documents_id ON documents (id);
CREATE UNIQUE INDEX documents_live ON documents (collection, source) WHERE removed IS NULL;
CREATE TABLE chunks (
    id TEXT NOT NULL, document TEXT NOT NULL, spans TEXT NOT NULL, text TEXT NOT NULL, headings TEXT NOT NULL,
    pages TEXT NOT NULL, strategy TEXT NOT NULL, added INTEGER NOT NULL, removed INTEGER
);
CREATE INDEX chunks_id ON chunks (id);
CREATE INDEX chunks_document ON chunks (document);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, created REAL NOT NULL, request TEXT NOT NULL, progress TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
LIVE = "added <= :at AND (removed IS NULL OR removed > :at)"


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as the catalog keeps it: the content it was parsed to (``None``: nothing could be read), and the
    recipe that names how it was made (parser, chunking, embedding space), so that a later run knows whether it is
    still up to date.
    """

    document: Document
    content: str | None
    recipe: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit does. ``contents`` maps a content id to what was parsed from it; ``removed`` are document ids."""

    documents: Sequence[Stored] = ()
    contents: Mapping[str, Parsed] = field(default_factory=dict)
    chunks: Sequence[Chunk] = ()
    removed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A collection with its sizes."""

    name: str
    documents: int
    chunks: int


@contextmanager
def sqlite_errors(path: object) -> Iterator[None]:
    """Map SQLite's failures to ours."""
    try:
        yield
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise DiskFull(f"no space left for {str(path)!r}; free some and try again") from exc
        raise OperatorError(
            f"{str(path)!r} cannot be used: {exc}; check its permissions and free space"
        ) from exc
    except sqlite3.DatabaseError as exc:
        raise Damaged(f"{str(path)!r} is damaged ({exc}); run `alcove doctor`") from exc


class Catalog:
    """Typed access to ``catalog.sqlite``.

    Raises (any method):
        DiskFull, OperatorError, Damaged: the file cannot be written, opened or trusted.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.catalog
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        with sqlite_errors(self._path):
            self._migrate(self._db)

    def close(self) -> None:
        """Close the connections of every thread."""
        while self._all:
            self._all.pop().close()

    # -- reading -----------------------------------------------------------------------------------------------

    @property
    def snapshot(self) -> int:
        """The last snapshot this catalog committed; 0 before the first."""
        row = self._one("SELECT value FROM meta WHERE name = 'snapshot'", {})
        return int(row["value"]) if row else 0

    def documents(self, collection: str | None = None, at: int | None = None) -> list[Document]:
        """Documents in any state, by source; ``at`` a snapshot, or now."""
        rows = self._rows(
            f"""SELECT * FROM documents WHERE {LIVE}
                AND (:collection IS NULL OR collection = :collection) ORDER BY source""",
            {"at": self._at(at), "collection": collection},
        )
        return [_document(row) for row in rows]

    def document(self, id: str) -> Document:
        """The document with this id, even if it was removed lately.

        Raises:
            NotFound: there is none.
        """
        return _document(self._document_row(id))

    def is_live(self, id: str) -> bool:
        """Whether the document is in its collection now (false: it was removed or replaced)."""
        row = self._one(
            f"SELECT 1 FROM documents WHERE id = :id AND {LIVE}", {"id": id, "at": self._at(None)}
        )
        return row is not None

    def stored(self, collection: str | None = None) -> list[Stored]:
        """Live documents, of one collection or all, each with how it was made; by source."""
        rows = self._rows(
            f"""SELECT * FROM documents WHERE {LIVE}
                AND (:collection IS NULL OR collection = :collection) ORDER BY source""",
            {"at": self._at(None), "collection": collection},
        )
        return [Stored(_document(row), row["content"], row["recipe"]) for row in rows]

    def text(self, document_id: str) -> str:
        """The canonical text of a document; empty if it has none.

        Raises:
            NotFound: there is no such document.
        """
        row = self._one(
            "SELECT text FROM contents WHERE id = :id",
            {"id": self._document_row(document_id)["content"]},
        )
        return str(row["text"]) if row else ""

    def parsed(self, document_id: str) -> Parsed:
        """Text, elements and pages of a document, as parsed.

        Raises:
            NotFound: there is no such document, or nothing could be read from it.
        """
        content = self._document_row(document_id)["content"]
        parsed = self.content(content) if content else None
        if parsed is None:
            raise NotFound(
                f"document {document_id!r} has no text; `alcove documents show` says why"
            )
        return parsed

    def content(self, id: str) -> Parsed | None:
        """What was parsed earlier from the same bytes, if anything was."""
        row = self._one("SELECT text, parsed FROM contents WHERE id = :id", {"id": id})
        return decode_parsed(row["text"], row["parsed"]) if row else None

    def chunks(self, ids: Sequence[str], at: int | None = None) -> dict[str, Chunk]:
        """The chunks with these ids that are live at a snapshot (or now), by id."""
        rows = self._rows(
            f"SELECT * FROM chunks WHERE id IN (SELECT value FROM json_each(:ids)) AND {LIVE}",
            {"ids": json.dumps(list(ids)), "at": self._at(at)},
        )
        return {row["id"]: _chunk(row) for row in rows}

    def documents_by_id(self, ids: Iterable[str], at: int | None = None) -> dict[str, Document]:
        """The documents with these ids that are live at a snapshot (or now), by id."""
        rows = self._rows(
            f"SELECT * FROM documents WHERE id IN (SELECT value FROM json_each(:ids)) AND {LIVE}",
            {"ids": json.dumps(sorted(set(ids))), "at": self._at(at)},
        )
        return {row["id"]: _document(row) for row in rows}

    def chunks_of(self, document_id: str) -> list[Chunk]:
        """Live chunks of one document in reading order."""
        rows = self._rows(
            f"SELECT * FROM chunks WHERE document = :document AND {LIVE}",
            {"document": document_id, "at": self._at(None)},
        )
        return sorted((_chunk(row) for row in rows), key=lambda c: (c.start, c.end))

    def chunk_ids(
        self,
        at: int | None = None,
        collection: str | None = None,
        documents: Sequence[str] | None = None,
    ) -> list[str]:
        """Ids of the live chunks, optionally of one collection and of some documents, sorted."""
        rows = self._rows(
            f"""SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document
                WHERE {_live("c")} AND {_live("d")}
                AND (:collection IS NULL OR d.collection = :collection)
                AND (:documents IS NULL OR d.id IN (SELECT value FROM json_each(:documents)))
                ORDER BY c.id""",
            {
                "at": self._at(at),
                "collection": collection,
                "documents": None if documents is None else json.dumps(list(documents)),
            },
        )
        return [row["id"] for row in rows]

    def collections(self) -> list[CollectionInfo]:
        """Every collection that has a document in any state, by name."""
        rows = self._rows(
            f"""SELECT d.collection AS name, COUNT(DISTINCT d.id) AS documents, COUNT(c.id) AS chunks
                FROM documents d LEFT JOIN chunks c ON c.document = d.id AND {_live("c")}
                WHERE {_live("d")} GROUP BY d.collection ORDER BY d.collection""",
            {"at": self._at(None)},
        )
        return [CollectionInfo(row["name"], row["documents"], row["chunks"]) for row in rows]

    def chunk_counts(self) -> dict[str, int]:
        """Number of live chunks by document id (documents without any are absent)."""
        rows = self._rows(
            f"SELECT document, COUNT(*) AS n FROM chunks WHERE {LIVE} GROUP BY document",
            {"at": self._at(None)},
        )
        return {row["document"]: row["n"] for row in rows}

    # -- writing -----------------------------------------------------------------------------------------------

    def commit(self, change: Change, snapshot: int) -> None:
        """Apply ``change`` as of ``snapshot`` in one durable transaction. The caller holds the writer lock."""
        with self._transaction() as db:
            gone = [{"id": id, "at": snapshot} for id in change.removed]
            db.executemany(
                "UPDATE documents SET removed = :at WHERE id = :id AND removed IS NULL", gone
            )
            db.executemany(
                "UPDATE chunks SET removed = :at WHERE document = :id AND removed IS NULL", gone
            )
            db.executemany(
                "INSERT OR REPLACE INTO contents VALUES (?, ?, ?)",
                [
                    (id, parsed.text, encode_parsed(parsed))
                    for id, parsed in change.contents.items()
                ],
            )
            db.executemany(
                "INSERT INTO documents VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULL)",
                [
                    _document_values(s.document, s.content, s.recipe, snapshot)
                    for s in change.documents
                ],
            )
            db.executemany(
                "INSERT INTO chunks VALUES (?,?,?,?,?,?,?,?,NULL)",
                [_chunk_values(c, snapshot) for c in change.chunks],
            )
            db.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (str(snapshot),))

    def purge(self, oldest: int) -> set[str]:
        """Delete rows that no snapshot from ``oldest`` on can see; returns the content hashes still needed."""
        with self._transaction() as db:
            db.execute("DELETE FROM documents WHERE removed <= ?", (oldest,))
            db.execute("DELETE FROM chunks WHERE removed <= ?", (oldest,))
            db.execute(
                "DELETE FROM contents WHERE id NOT IN (SELECT content FROM documents WHERE content IS NOT NULL)"
            )
            return {row["sha256"] for row in db.execute("SELECT DISTINCT sha256 FROM documents")}

    # -- jobs --------------------------------------------------------------------------------------------------

    def save_job(
        self,
        id: str,
        state: str,
        created: float,
        request: Mapping[str, Any],
        progress: Mapping[str, Any],
    ) -> None:
        """Insert or replace a job's record; ``created`` in seconds since 1970."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?)",
                (id, state, created, json.dumps(request), json.dumps(progress)),
            )

    def jobs(self, id: str | None = None) -> list[dict[str, Any]]:
        """Records of all jobs, newest first, or of the one named; each with id, state, created, request, progress."""
        rows = self._rows(
            "SELECT * FROM jobs WHERE :id IS NULL OR id = :id ORDER BY created DESC, id", {"id": id}
        )
        return [
            {
                **dict(row),
                "request": json.loads(row["request"]),
                "progress": json.loads(row["progress"]),
            }
            for row in rows
        ]

    # -- plumbing ----------------------------------------------------------------------------------------------

    @property
    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(
                self._path, timeout=30, isolation_level=None, check_same_thread=False
            )
            db.row_factory = sqlite3.Row
            db.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=30000;"
            )
            self._local.db = db
            self._all.append(db)
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise OperatorError(
                f"{str(self._path)!r} was written by a newer Alcove (schema {version},"
                f" this one knows {SCHEMA_VERSION}); upgrade, or choose another --home"
            )
        if version == 0:
            db.execute(
                "BEGIN IMMEDIATE"
            )  # two first starts at once: the second finds the tables made
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute("COMMIT")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with sqlite_errors(self._path):
            db = self._db
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _rows(self, sql: str, values: Mapping[str, Any]) -> list[sqlite3.Row]:
        with sqlite_errors(self._path):
            return self._db.execute(sql, values).fetchall()

    def _one(self, sql: str, values: Mapping[str, Any]) -> sqlite3.Row | None:
        rows = self._rows(sql, values)
        return rows[0] if rows else None

    def _at(self, at: int | None) -> int:
        return self.snapshot if at is None else at

    def _document_row(self, id: str) -> sqlite3.Row:
        row = self._one("SELECT * FROM documents WHERE id = :id ORDER BY added DESC", {"id": id})
        if row is None:
            raise NotFound(f"there is no document {id!r}; `alcove documents` lists what there is")
        return row


def _live(table: str) -> str:
    return LIVE.replace("added", f"{table}.added").replace("removed", f"{table}.removed")


def _document(row: sqlite3.Row) -> Document:
    return Document(
        id=row["id"],
        source=row["source"],
        sha256=row["sha256"],
        media_type=row["media_type"],
        title=row["title"],
        collection=row["collection"],
        pages=row["pages"],
        state=State(row["state"]),
        reason=row["reason"],
        size=row["size"],
        metadata=json.loads(row["metadata"]),
    )


def _document_values(
    d: Document, content: str | None, recipe: str, snapshot: int
) -> tuple[object, ...]:
    return (
        *(
            d.id,
            d.collection,
            d.source,
            d.sha256,
            d.media_type,
            d.title,
            d.pages,
            str(d.state),
            d.reason,
            d.size,
        ),
        *(json.dumps(dict(d.metadata)), content, recipe, snapshot),
    )


def _chunk(row: sqlite3.Row) -> Chunk:
    return Chunk(
        id=row["id"],
        document=row["document"],
        spans=tuple(Span(*pair) for pair in json.loads(row["spans"])),
        text=row["text"],
        headings=tuple(json.loads(row["headings"])),
        pages=tuple(json.loads(row["pages"])),
        strategy=row["strategy"],
    )


def _chunk_values(c: Chunk, snapshot: int) -> tuple[object, ...]:
    spans = json.dumps([(s.start, s.end) for s in c.spans])
    return (
        c.id,
        c.document,
        spans,
        c.text,
        json.dumps(c.headings),
        json.dumps(c.pages),
        c.strategy,
        snapshot,
    )
