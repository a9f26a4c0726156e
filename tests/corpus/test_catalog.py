"""The catalog keeps what was parsed exactly, and shows each reader its own snapshot."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator

import pytest

from corpus.catalog import Catalog, Change, Stored
from corpus.errors import Damaged, NotFound, OperatorError
from corpus.home import Home
from corpus.job_records import files_of
from corpus.name_keys import text_key
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
    content_id,
)
from corpus.shelf import Wanted, page_of
from corpus.upkeep import content_hashes, purge, unreachable

# The tables of the first version.
FIRST = """
CREATE TABLE contents (id TEXT PRIMARY KEY, text TEXT NOT NULL, parsed TEXT NOT NULL) WITHOUT ROWID;
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
INSERT INTO meta VALUES ('snapshot', '1');
INSERT INTO contents VALUES ('old', 'Old words.', '{}');
INSERT INTO documents VALUES
    ('d', 'default', '/a/Old 7.txt', 'x', 't', 'Old', 1, 'indexed', '', 9, '{}', 'old', 'r', 1, NULL);
INSERT INTO jobs VALUES ('j', 'done', 1.0, '{}', '{"done": 1, "total": 1, "report": null, "error": null, "files":
    [{"source": "a", "state": "indexed", "reason": ""}, {"source": "b", "state": "corrupt", "reason": "why"}]}');
"""
TEXT = "Títle\n\nSome words 😀 here."


def document(source: str = "a.txt", sha256: str = "1", collection: str = "default") -> Document:
    return Document(
        id=Document.make_id(collection, source, sha256),
        source=source,
        sha256=sha256,
        media_type="text/plain",
        title="Títle",
        collection=collection,
        pages=1,
        state=State.INDEXED_PARTIAL,
        reason="an image was not read",
        size=7,
        metadata={"author": "nobody"},
    )


def parsed() -> Parsed:
    title = Element(ElementKind.TITLE, TEXT[:5], Span(0, 5), 1, Box(0.1, 0.1, 0.5, 0.2), level=1)
    table = Element(ElementKind.TABLE, TEXT[7:], Span(7, len(TEXT)), 1, None, html="<table/>")
    pages = (Page(1, Span(0, len(TEXT)), "ocr", 595.0, 842.0),)
    return Parsed(TEXT, (title, table), pages, "text/plain", "Títle", {"k": "v"}, ("page 2",))


def chunk(of: Document, start: int = 0, end: int = 5) -> Chunk:
    spans = (Span(start, end),)
    text = TEXT[start:end]
    id = Chunk.make_id(of.id, "s", spans, text)
    return Chunk(id, of.id, spans, text, ("Títle",), (1,), "s", Span(0, len(TEXT)))


@pytest.fixture
def catalog(home: Home) -> Iterator[Catalog]:
    made = Catalog(home)
    yield made
    made.close()


def add(catalog: Catalog, doc: Document, snapshot: int, removed: tuple[str, ...] = ()) -> None:
    change = Change([Stored(doc, doc.sha256, "r")], {doc.sha256: parsed()}, [chunk(doc)], removed)
    catalog.commit(change, snapshot)


def test_what_was_stored_comes_back_equal(catalog: Catalog) -> None:
    doc = document()
    add(catalog, doc, 1)
    assert catalog.documents() == [doc]
    assert catalog.document(doc.id) == doc
    assert catalog.parsed(doc.id) == parsed()
    assert catalog.text(doc.id) == TEXT
    assert catalog.chunks_of(doc.id) == [chunk(doc)]
    assert catalog.stored() == [Stored(doc, "1", "r")]


def test_each_snapshot_sees_its_own_documents(catalog: Catalog) -> None:
    old, new = document(sha256="1"), document(sha256="2")
    add(catalog, old, 1)
    add(catalog, new, 2, removed=(old.id,))
    assert catalog.documents(at=1) == [old]
    assert catalog.documents(at=2) == [new]
    assert list(catalog.chunks([chunk(old).id], at=1)) == [chunk(old).id]
    assert catalog.chunks([chunk(old).id], at=2) == {}
    assert not catalog.is_live(old.id)
    assert catalog.document(old.id) == old  # an old citation still finds what it quotes


def test_purging_forgets_what_no_kept_snapshot_can_see(catalog: Catalog) -> None:
    old, new = document(sha256="1"), document(sha256="2")
    add(catalog, old, 1)
    add(catalog, new, 2, removed=(old.id,))
    assert unreachable(catalog.database, oldest=1) == set()
    assert unreachable(catalog.database, oldest=2) == {"1"}
    purge(catalog.database, oldest=1)
    assert catalog.document(old.id) == old
    purge(catalog.database, oldest=2)
    assert list(content_hashes(catalog.database)) == ["2"]
    with pytest.raises(NotFound, match=old.id):
        catalog.document(old.id)
    assert catalog.content("1") is None


def test_a_failed_commit_changes_nothing(catalog: Catalog) -> None:
    add(catalog, document(), 1)
    again = document(sha256="2")  # the same source, without removing the first
    with pytest.raises(sqlite3.IntegrityError):
        add(catalog, again, 2)
    assert catalog.snapshot == 1
    assert catalog.documents() == [document()]


def test_collections_are_counted(catalog: Catalog) -> None:
    add(catalog, document("a", "1", "x"), 1)
    add(catalog, document("b", "2", "x"), 2)
    add(catalog, document("c", "3", "y"), 3)
    counted = [(c.name, c.documents, c.chunks) for c in catalog.collections()]
    assert counted == [("x", 2, 2), ("y", 1, 1)]
    assert len(catalog.chunk_ids(collections=["x"])) == 2
    assert len(catalog.chunk_ids(documents=[document("c", "3", "y").id])) == 1


def test_two_first_starts_at_once_make_one_catalog(home: Home) -> None:
    problems: list[BaseException] = []

    def open_it() -> None:
        try:
            Catalog(home).close()
        except BaseException as exc:
            problems.append(exc)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_catalog_of_a_newer_version_is_refused(home: Home) -> None:
    Catalog(home).close()
    db = sqlite3.connect(home.catalog)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OperatorError, match="newer Alcove"):
        Catalog(home)


def test_a_file_that_is_no_database_is_damaged(home: Home) -> None:
    home.catalog.write_bytes(b"not a database" * 100)
    with pytest.raises(Damaged, match="damaged"):
        Catalog(home)


def test_ids_are_sixty_three_bits_and_depend_on_every_part() -> None:
    ids = {content_id("a", "b"), content_id("ab", ""), content_id("a", "c"), content_id("b", "a")}
    assert len(ids) == 4
    assert all(len(id) == 16 and 0 <= int(id, 16) < 2**63 for id in ids)
    assert chunk(document()).key == int(chunk(document()).id, 16)


def test_a_catalog_of_the_first_version_is_brought_up_to_date(home: Home) -> None:
    db = sqlite3.connect(home.catalog)
    db.executescript(FIRST + "PRAGMA user_version = 1;")
    db.close()
    catalog = Catalog(home)
    note = document()
    catalog.commit(Change([Stored(note, "c", "r")], {"c": parsed()}, [chunk(note)]), 1)
    assert catalog.chunks_of(note.id) == [chunk(note)]
    old = catalog.stored_one("d")
    assert (old.text_key, old.at) == (text_key("Old words."), None)
    page = page_of(catalog.database, 1, Wanted(words=["OLD"]))
    assert [listed.stored.document.id for listed in page.documents] == ["d"]
    (job,) = catalog.jobs()
    assert (job["progress"]["done"], "files" in job["progress"]) == (1, False)
    assert files_of(catalog.database, "j", after=1) == [
        {"source": "b", "state": "corrupt", "reason": "why"}
    ]
    catalog.close()


def rows(catalog: Catalog, at: int | None = None) -> list[tuple[str, str, list[str]]]:
    """Each live document's source, its recipe and the ids of its chunks."""
    return [
        (s.document.source, s.recipe, [c.id for c in catalog.chunks_of(s.document.id, at)])
        for s in catalog.stored(at=at)
    ]


def anew(old: Document) -> Change:
    """The same document with one chunk that is cut otherwise."""
    made = [Stored(old, "c", "new")]
    return Change(made, {}, [chunk(old, 7, 11)], [old.id])


def test_staged_rows_are_unseen_until_they_are_committed(catalog: Catalog) -> None:
    a, b = document("a.txt"), document("b.txt")
    stored = [Stored(a, "c", "old"), Stored(b, "c", "old")]
    catalog.commit(Change(stored, {"c": parsed()}, [chunk(a), chunk(b)]), 1)
    before = rows(catalog)
    for one in (a, b):
        catalog.stage(anew(one), 2)
        assert rows(catalog) == before
    assert [recipe for _, recipe, _ in rows(catalog, at=2)] == ["new", "new"]
    catalog.commit_staged(2)
    assert rows(catalog) == rows(catalog, at=2) != before
    assert rows(catalog, at=1) == before


@pytest.mark.parametrize("explicitly", [True, False])
def test_what_was_staged_and_not_committed_is_taken_back(
    catalog: Catalog, explicitly: bool
) -> None:
    a, b = document("a.txt"), document("b.txt")
    catalog.commit(Change([Stored(a, "c", "old")], {"c": parsed()}, [chunk(a)]), 1)
    before = rows(catalog)
    catalog.stage(anew(a), 2)
    if explicitly:
        catalog.take_back()
        assert rows(catalog, at=2) == before
    catalog.commit(Change([Stored(b, "c", "old")], {}, [chunk(b)]), 2)
    assert rows(catalog)[0] == before[0]
    assert [source for source, _, _ in rows(catalog)] == ["a.txt", "b.txt"]


def test_documents_come_back_as_they_were(catalog: Catalog) -> None:
    a, b = document("a.txt"), document("b.txt")
    stored = [Stored(a, "c", "old"), Stored(b, "c", "old")]
    catalog.commit(Change(stored, {"c": parsed()}, [chunk(a), chunk(b)]), 1)
    before = rows(catalog)
    catalog.commit(anew(a), 2)
    catalog.commit(Change(removed=[b.id]), 3)
    catalog.commit(Change(revived=[a.id, b.id], revived_from=1), 4)
    assert rows(catalog) == before
    assert [source for source, _, _ in rows(catalog, at=3)] == ["a.txt"]
    assert catalog.documents() == [a, b]
