"""How records are written: the catalog's tables and their rows, and parsed documents as JSON.

The JSON also carries parsed documents from a parser's process to ours. Element texts are not repeated in it: they are
slices of the canonical text. Knows only the records.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from corpus.name_keys import name_key, sought_in, text_key
from corpus.records import (
    Box,
    Chunk,
    Document,
    Element,
    ElementKind,
    Page,
    Parsed,
    Span,
    State,
)

__all__ = [
    "SCHEMA",
    "SCHEMA_VERSION",
    "UPGRADES",
    "Stored",
    "chunk_values",
    "decode_parsed",
    "encode_parsed",
    "read_chunk",
    "read_document",
    "read_stored",
    "readers_of",
    "stored_values",
]

SCHEMA_VERSION = 4
SCHEMA = """
CREATE TABLE contents (
    id TEXT PRIMARY KEY, text TEXT NOT NULL, parsed TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT NOT NULL, collection TEXT NOT NULL, source TEXT NOT NULL, sha256 TEXT NOT NULL, media_type TEXT NOT NULL,
    title TEXT NOT NULL, pages INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, size INTEGER NOT NULL,
    metadata TEXT NOT NULL, content TEXT, recipe TEXT NOT NULL, added INTEGER NOT NULL, removed INTEGER,
    text_key TEXT NOT NULL DEFAULT '', at REAL, name TEXT NOT NULL DEFAULT '', sought TEXT NOT NULL DEFAULT ''
);
CREATE INDEX documents_id ON documents (id);
CREATE INDEX documents_source ON documents (collection, source);
CREATE INDEX documents_bytes ON documents (sha256);
CREATE INDEX documents_text ON documents (text_key);
CREATE INDEX documents_name ON documents (name, source, id);
CREATE INDEX documents_state ON documents (state, collection, added, removed);
CREATE UNIQUE INDEX documents_live ON documents (collection, source) WHERE removed IS NULL;
CREATE TABLE chunks (
    id TEXT NOT NULL, document TEXT NOT NULL, spans TEXT NOT NULL, text TEXT NOT NULL, headings TEXT NOT NULL,
    pages TEXT NOT NULL, strategy TEXT NOT NULL, added INTEGER NOT NULL, removed INTEGER, window TEXT
);
CREATE INDEX chunks_id ON chunks (id);
CREATE INDEX chunks_document ON chunks (document, added, removed);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, created REAL NOT NULL, request TEXT NOT NULL, progress TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE job_files (
    job TEXT NOT NULL, n INTEGER NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (job, n)
) WITHOUT ROWID;
CREATE TABLE undos (
    document TEXT PRIMARY KEY, removed INTEGER NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE folders (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, collection TEXT NOT NULL, strategy TEXT, created REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collections (
    name TEXT PRIMARY KEY, readers TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '', calibration TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
"""
# What brings a catalog of version n to n + 1.
UPGRADES = {
    1: """
ALTER TABLE chunks ADD COLUMN window TEXT;
CREATE TABLE collections (name TEXT PRIMARY KEY, readers TEXT NOT NULL) WITHOUT ROWID;
""",
    2: """
ALTER TABLE collections ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE collections ADD COLUMN calibration TEXT NOT NULL DEFAULT '';
""",
    3: """
ALTER TABLE documents ADD COLUMN text_key TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN at REAL;
ALTER TABLE documents ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN sought TEXT NOT NULL DEFAULT '';
UPDATE documents SET name = name_key(source), sought = sought_in(title, source), text_key =
    COALESCE((SELECT text_key(text) FROM contents WHERE contents.id = documents.content), '');
CREATE INDEX documents_source ON documents (collection, source);
CREATE INDEX documents_bytes ON documents (sha256);
CREATE INDEX documents_text ON documents (text_key);
CREATE INDEX documents_name ON documents (name, source, id);
CREATE INDEX documents_state ON documents (state, collection, added, removed);
DROP INDEX chunks_document;
CREATE INDEX chunks_document ON chunks (document, added, removed);
CREATE TABLE job_files (
    job TEXT NOT NULL, n INTEGER NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (job, n)
) WITHOUT ROWID;
INSERT INTO job_files SELECT jobs.id, f.key + 1, json_extract(f.value, '$.source'), json_extract(f.value, '$.state'),
    json_extract(f.value, '$.reason') FROM jobs, json_each(jobs.progress, '$.files') f;
UPDATE jobs SET progress = json_remove(progress, '$.files');
CREATE TABLE undos (
    document TEXT PRIMARY KEY, removed INTEGER NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE folders (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, collection TEXT NOT NULL, strategy TEXT, created REAL NOT NULL
) WITHOUT ROWID;
""",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as the catalog keeps it: the content it was parsed to (``None``: nothing could be read), and the
    recipe that names how it was made (parser, chunking, embedding space), so that a later run knows whether it is
    still up to date.

    ``text_key`` names its canonical text (empty: it has none, or the change that brings it has the text); ``at`` is
    when these bytes were first read, in seconds since 1970 (``None``: before that was kept).
    """

    document: Document
    content: str | None
    recipe: str
    text_key: str = field(default="", compare=False)
    at: float | None = field(default=None, compare=False)


def encode_parsed(parsed: Parsed) -> str:
    """Everything of ``parsed`` but its text, as one JSON object."""
    return json.dumps(
        {
            "elements": [_element_row(e) for e in parsed.elements],
            "pages": [
                [p.number, p.span.start, p.span.end, p.origin, p.width, p.height]
                for p in parsed.pages
            ],
            "media_type": parsed.media_type,
            "title": parsed.title,
            "metadata": dict(parsed.metadata),
            "missing": list(parsed.missing),
        },
        ensure_ascii=False,
    )


def decode_parsed(text: str, encoded: str) -> Parsed:
    """The inverse of ``encode_parsed``, given the canonical text.

    Raises:
        ValueError, KeyError, TypeError: ``encoded`` is not what ``encode_parsed`` writes.
    """
    raw = json.loads(encoded)
    return Parsed(
        text=text,
        elements=tuple(_element(row, text) for row in raw["elements"]),
        pages=tuple(
            Page(n, Span(start, end), origin, w, h) for n, start, end, origin, w, h in raw["pages"]
        ),
        media_type=raw["media_type"],
        title=raw["title"],
        metadata=raw["metadata"],
        missing=tuple(raw["missing"]),
    )


def read_document(row: sqlite3.Row) -> Document:
    """A row of ``documents``."""
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
        metadata={} if row["metadata"] == "{}" else json.loads(row["metadata"]),
    )


def readers_of(encoded: str, owner: str) -> tuple[str, ...]:
    """Who may read a collection: nobody named means everyone, and whoever owns it always may."""
    names = json.loads(encoded)
    return tuple(sorted({*names, owner} - {""})) if names else ()


def read_stored(row: sqlite3.Row) -> Stored:
    """A row of ``documents``, with how it was made."""
    return Stored(read_document(row), row["content"], row["recipe"], row["text_key"], row["at"])


def stored_values(stored: Stored, snapshot: int, text: str | None) -> tuple[object, ...]:
    """A document as a row, added by ``snapshot``; ``text`` is its canonical text, if that is at hand."""
    d = stored.document
    named = (d.id, d.collection, d.source, d.sha256, d.media_type, d.title)
    known = (d.pages, str(d.state), d.reason, d.size, json.dumps(dict(d.metadata)))
    key = stored.text_key if text is None else text_key(text)
    listed = (key, stored.at, name_key(d.source), sought_in(d.title, d.source))
    return (*named, *known, stored.content, stored.recipe, snapshot, *listed)


def read_chunk(row: sqlite3.Row) -> Chunk:
    """A row of ``chunks``."""
    return Chunk(
        id=row["id"],
        document=row["document"],
        spans=tuple(Span(*pair) for pair in json.loads(row["spans"])),
        text=row["text"],
        headings=_items(row["headings"]),
        pages=_items(row["pages"]),
        strategy=row["strategy"],
        window=Span(*json.loads(row["window"])) if row["window"] else None,
    )


def _items(encoded: str) -> tuple[Any, ...]:
    """A JSON list; most are empty, and a search decodes many."""
    return () if encoded == "[]" else tuple(json.loads(encoded))


def chunk_values(c: Chunk, snapshot: int) -> tuple[object, ...]:
    """A chunk as a row, added by ``snapshot``."""
    spans = json.dumps([(s.start, s.end) for s in c.spans])
    where = (json.dumps(c.headings), json.dumps(c.pages))
    window = json.dumps((c.window.start, c.window.end)) if c.window else None
    return (c.id, c.document, spans, c.text, *where, c.strategy, snapshot, window)


def _element_row(e: Element) -> list[Any]:
    box = None if e.box is None else [e.box.x0, e.box.y0, e.box.x1, e.box.y1]
    return [str(e.kind), e.span.start, e.span.end, e.page, box, e.level, e.html]


def _element(row: list[Any], text: str) -> Element:
    kind, start, end, page, box, level, html = row
    return Element(
        ElementKind(kind),
        text[start:end],
        Span(start, end),
        page,
        None if box is None else Box(*box),
        level,
        html,
    )
