"""A test collection in an index of its own, made by the writer that ingestion uses.

A document that fits the encoder's window together with its title is one chunk, so that figures
compare with published ones, which know no chunks. A longer one is cut by the chunker ingestion is
set to, and every piece goes under the title, as pieces of a file go under their heading. Nothing
is cut off.

The index lives in a home of its own. A second run finds it as it is; when documents, chunking or
encoder have changed it is made anew, and only texts never seen before are embedded. Knows nothing
of queries.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from corpus.catalog import Catalog, Stored
from corpus.datasets import Dataset, DatasetDocument
from corpus.home import Home
from corpus.records import Chunk, Document, Element, ElementKind, Parsed, Span, State, content_id
from corpus.settings import CorpusSettings
from ingest.writer import Batch, Writer
from retrieval.protocols import Encoder

if TYPE_CHECKING:
    from ingest.protocols import Chunker

__all__ = ["Advance", "index_dataset", "index_documents", "paragraphs"]

COLLECTION = "default"
WHOLE = "whole"
EMBEDDED_AT_ONCE = 256  # chunks between two steps of a progress bar
SPECIAL_TOKENS = 2  # that the encoder adds to every text

Advance = Callable[[int, int], object]
"""Called with the number of chunks embedded so far, and of all."""


def index_dataset(
    dataset: Dataset,
    home: Home,
    catalog: Catalog,
    encoder: Encoder,
    chunker: Chunker,
    advance: Advance = lambda done, total: None,
) -> bool:
    """Make the index of ``home`` hold exactly the documents of ``dataset``.

    A document's ``source`` is its id in the data set.

    Returns:
        Whether anything had to be done.

    Raises:
        Conflict: another process is indexing into ``home``. DiskFull, OperatorError, Damaged: the
            machine's fault; the index is what it was before.
    """
    recipe = f"{WHOLE}/{chunker.name}/{encoder.fingerprint.key}"
    wanted = [_stored(entry.id, entry.title, entry.text, recipe) for entry in dataset.documents]
    return _index(
        home, catalog, encoder, wanted, lambda: _batch(dataset, wanted, encoder, chunker), advance
    )


def index_documents(
    documents: Mapping[str, Parsed],
    home: Home,
    catalog: Catalog,
    encoder: Encoder,
    chunker: Chunker,
    advance: Advance = lambda done, total: None,
) -> bool:
    """Make the index of ``home`` hold exactly ``documents``, every one cut by ``chunker``.

    Args:
        documents: by the name that becomes the stored document's ``source``.

    Returns, raises: as ``index_dataset``.
    """
    recipe = f"{chunker.name}/{encoder.fingerprint.key}"
    wanted = [
        _stored(name, parsed.title, parsed.text, recipe) for name, parsed in documents.items()
    ]

    def batch() -> Batch:
        found = Batch(documents=wanted)
        for stored in wanted:
            parsed = documents[stored.document.source]
            if stored.content is not None:
                found.contents[stored.content] = parsed
            found.chunks.extend(chunker.chunk(stored.document.id, parsed))
        return found

    return _index(home, catalog, encoder, wanted, batch, advance)


def _index(
    home: Home,
    catalog: Catalog,
    encoder: Encoder,
    wanted: list[Stored],
    make: Callable[[], Batch],
    advance: Advance,
) -> bool:
    """Make the index hold exactly ``wanted``, with the chunks of the batch that ``make`` gives."""
    writer = Writer(home, catalog, encoder, CorpusSettings(home=home.root))
    try:
        with home.writer_lock():
            writer.recover()
            known = catalog.stored()
            if sorted(map(_identity, known)) == sorted(map(_identity, wanted)):
                return False
            batch = make()
            batch.removed.extend(stored.document.id for stored in known)
            _embed(writer, batch.chunks, advance)
            writer.commit(batch, anew=True)
            writer.clear_away()
            return True
    finally:
        writer.close()


def _stored(source: str, title: str, text: str, recipe: str) -> Stored:
    raw = f"{title}\x1f{text}".encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    document = Document(
        id=Document.make_id(COLLECTION, source, sha256),
        source=source,
        sha256=sha256,
        media_type="text/plain",
        title=title,
        collection=COLLECTION,
        pages=0,
        state=State.INDEXED,
        size=len(raw),
    )
    return Stored(document, content_id("content", sha256), recipe)


def _identity(stored: Stored) -> tuple[str, str]:
    return stored.document.id, stored.recipe


def _batch(dataset: Dataset, wanted: list[Stored], encoder: Encoder, chunker: Chunker) -> Batch:
    batch = Batch(documents=wanted)
    for entry, stored in zip(dataset.documents, wanted, strict=True):
        parsed = paragraphs(entry.text, entry.title)
        if stored.content is not None:
            batch.contents[stored.content] = parsed
        batch.chunks.extend(_chunks(entry, stored.document.id, parsed, encoder, chunker))
    return batch


def paragraphs(text: str, title: str = "") -> Parsed:
    """The text as a parser of plain text would give it: one element per paragraph."""
    elements: list[Element] = []
    start = 0
    for paragraph in text.split("\n\n"):
        end = start + len(paragraph)
        if paragraph.strip():
            elements.append(Element(ElementKind.TEXT, paragraph, Span(start, end)))
        start = end + 2
    return Parsed(text, tuple(elements), title=title)


def _chunks(
    entry: DatasetDocument, id: str, parsed: Parsed, encoder: Encoder, chunker: Chunker
) -> list[Chunk]:
    """One chunk if the window holds the document, else the chunker's; each under the title."""
    if not entry.text.strip():
        return []
    if _fits(entry, encoder):
        spans = (Span(0, len(entry.text)),)
        chunk_id = Chunk.make_id(id, WHOLE, spans, entry.text)
        chunks = [Chunk(chunk_id, id, spans, entry.text, strategy=WHOLE)]
    else:
        chunks = chunker.chunk(id, parsed)
    return [_under_title(chunk, entry.title) for chunk in chunks]


def _fits(entry: DatasetDocument, encoder: Encoder) -> bool:
    prefix = encoder.fingerprint.passage_prefix
    needed = encoder.count_tokens(prefix + entry.text) + encoder.count_tokens(entry.title) + 1
    return needed + SPECIAL_TOKENS <= encoder.fingerprint.max_tokens


def _under_title(chunk: Chunk, title: str) -> Chunk:
    """The chunk with the title as outermost heading, unless its text begins with it anyway."""
    if not title.strip() or chunk.text.lstrip().startswith(title):
        return chunk
    return dataclasses.replace(chunk, headings=(title, *chunk.headings))


def _embed(writer: Writer, chunks: list[Chunk], advance: Advance) -> None:
    """Embed in portions, longest texts first, so that progress can be shown and batches pad little."""
    ordered = sorted(chunks, key=lambda chunk: -len(chunk.text))
    for start in range(0, len(ordered), EMBEDDED_AT_ONCE):
        writer.embed_ahead(ordered[start : start + EMBEDDED_AT_ONCE])
        advance(min(start + EMBEDDED_AT_ONCE, len(ordered)), len(ordered))
