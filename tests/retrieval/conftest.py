"""A shelf: a home with a few texts in it, and a search over them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from corpus.catalog import Catalog, Stored
from corpus.home import Home
from corpus.records import Chunk, Document, Parsed, Span, State
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from ingest.writer import Batch, Writer
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.command_line import alcove, papers, tiny_model
from tests.fakes import HashEncoder

__all__ = ["Shelf", "add_texts", "alcove", "papers", "rewrite_manifest", "shelf", "tiny_model"]


def add_texts(
    writer: Writer,
    texts: Sequence[str],
    collection: str = "default",
    metadata: Mapping[str, str] | None = None,
    removed: Sequence[str] = (),
) -> list[Document]:
    """Commit one document of one chunk per text, less some documents; a document's source is its text."""
    batch = Batch(removed=list(removed))
    for text in texts:
        id = Document.make_id(collection, text, text)
        about = (0, State.INDEXED, "", 0, metadata or {})
        document = Document(id, text, text, "text/plain", "", collection, *about)
        spans = (Span(0, len(text)),)
        chunk = Chunk(Chunk.make_id(id, "whole", spans, text), id, spans, text, strategy="whole")
        batch.documents.append(Stored(document, text, "whole"))
        batch.contents[text] = Parsed(text, ())
        batch.chunks.append(chunk)
    writer.commit(batch)
    return [stored.document for stored in batch.documents]


def add_book(writer: Writer, pages: Sequence[str], collection: str = "default") -> Document:
    """Commit one document with a chunk for each of its pages; its source is its text."""
    text = "\n\n".join(pages)
    id = Document.make_id(collection, text, text)
    about = (len(pages), State.INDEXED)
    document = Document(id, text, text, "text/plain", "", collection, *about)
    batch = Batch(documents=[Stored(document, text, "pages")], contents={text: Parsed(text, ())})
    start = 0
    for number, page in enumerate(pages, 1):
        spans = (Span(start, start + len(page)),)
        chunk_id = Chunk.make_id(id, "pages", spans, page)
        batch.chunks.append(Chunk(chunk_id, id, spans, page, pages=(number,), strategy="pages"))
        start += len(page) + 2
    writer.commit(batch)
    return document


class Shelf:
    """A home with a writer and a searcher over it."""

    def __init__(self, home: Home, settings: RetrievalSettings | None = None) -> None:
        self.home = home
        self.catalog = Catalog(home)
        self.encoder = HashEncoder()
        self.settings = CorpusSettings(home=home.root)
        self.writer = Writer(home, self.catalog, self.encoder, self.settings)
        self.searcher = Searcher(home, self.catalog, self.encoder, settings or RetrievalSettings())

    def add(self, *texts: str, collection: str = "default", **metadata: str) -> list[Document]:
        return add_texts(self.writer, texts, collection, metadata)

    def add_book(self, *pages: str, collection: str = "default") -> Document:
        return add_book(self.writer, pages, collection)

    def remove(self, *documents: Document) -> None:
        self.writer.commit(Batch(removed=[d.id for d in documents]))

    def found(self, query: str, k: int = 10, **options: object) -> list[str]:
        hits = self.searcher.search(query, k, **options).hits
        return [hit.document.source for hit in hits]

    def close(self) -> None:
        self.writer.close()
        self.catalog.close()


@pytest.fixture
def shelf(home: Home) -> Iterator[Shelf]:
    made = Shelf(home)
    yield made
    made.close()


def rewrite_manifest(home: Home, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the live snapshot's manifest as another version would have written it, its checksum right."""
    number = SnapshotStore(home).current()
    path = SnapshotStore(home).folder(number) / "manifest.json"
    manifest = json.loads(path.read_bytes())
    del manifest["sha256"]
    change(manifest)
    digest = hashlib.sha256(_encoded(manifest)).hexdigest()
    path.write_bytes(_encoded({**manifest, "sha256": digest}))
    home.current.write_text(f"v{number:06d} {digest}\n")


def _encoded(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, indent=1, sort_keys=True).encode()
