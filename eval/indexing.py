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
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from corpus.catalog import Catalog, Stored
from corpus.datasets import Dataset
from corpus.home import Home
from corpus.records import Chunk, Document, Element, ElementKind, Parsed, Span, State, content_id
from corpus.settings import CorpusSettings
from ingest.writer import Batch, Writer
from retrieval.protocols import Encoder
from retrieval.settings import DenseSettings

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
    """Make the index of ``home`` hold exactly the documents of ``dataset``, short ones whole.

    A document's ``source`` is its id in the data set.

    Returns, raises: as ``index_documents``.
    """
    documents = {entry.id: paragraphs(entry.text, entry.title) for entry in dataset.documents}
    return index_documents(documents, home, catalog, encoder, chunker, advance, whole=True)


def index_documents(
    documents: Mapping[str, Parsed],
    home: Home,
    catalog: Catalog,
    encoder: Encoder,
    chunker: Chunker,
    advance: Advance = lambda done, total: None,
    whole: bool = False,
    dense: DenseSettings | None = None,
) -> bool:
    """Make the index of ``home`` hold exactly ``documents``, cut by ``chunker``.

    Args:
        documents: by the name that becomes the stored document's ``source``.
        whole: a document that fits the encoder's window is one chunk, and every chunk goes under the title.
        dense: layout of the dense index; ``None``: the default.

    Returns:
        Whether anything had to be done.

    Raises:
        Conflict: another process is indexing into ``home``. DiskFull, OperatorError, Damaged: the
            machine's fault; the index is what it was before.
    """
    layout = (dense or DenseSettings()).model_dump_json()
    cut = f"{WHOLE}/{chunker.name}" if whole else chunker.name
    recipe = f"{cut}/{encoder.fingerprint.key}/{layout}"
    wanted = [_stored(name, parsed, recipe) for name, parsed in documents.items()]

    def batch() -> Batch:
        found = Batch(documents=wanted)
        for stored in wanted:
            parsed, id = documents[stored.document.source], stored.document.id
            if stored.content is not None:
                found.contents[stored.content] = parsed
            found.chunks.extend(
                _whole_chunks(id, parsed, encoder, chunker) if whole else chunker.chunk(id, parsed)
            )
        return found

    writer = Writer(home, catalog, encoder, CorpusSettings(home=home.root), dense)
    try:
        return _index(writer, home, catalog, wanted, batch, advance)
    finally:
        writer.close()


def _index(
    writer: Writer,
    home: Home,
    catalog: Catalog,
    wanted: list[Stored],
    make: Callable[[], Batch],
    advance: Advance,
) -> bool:
    """Make the index hold exactly ``wanted``, with the chunks of the batch that ``make`` gives."""
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


def _stored(source: str, parsed: Parsed, recipe: str) -> Stored:
    elements = [[e.kind, e.span.start, e.span.end, e.level] for e in parsed.elements]
    raw = json.dumps([parsed.title, parsed.media_type, parsed.text, elements]).encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    document = Document(
        id=Document.make_id(COLLECTION, source, sha256),
        source=source,
        sha256=sha256,
        media_type=parsed.media_type,
        title=parsed.title,
        collection=COLLECTION,
        pages=len(parsed.pages),
        state=State.INDEXED,
        size=len(parsed.text.encode()),
    )
    return Stored(document, content_id("content", sha256), recipe)


def _identity(stored: Stored) -> tuple[str, str]:
    return stored.document.id, stored.recipe


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


def _whole_chunks(id: str, parsed: Parsed, encoder: Encoder, chunker: Chunker) -> list[Chunk]:
    """One chunk if the window holds the document, else the chunker's; each under the title."""
    if not parsed.text.strip():
        return []
    if _fits(parsed, encoder):
        spans = (Span(0, len(parsed.text)),)
        chunk_id = Chunk.make_id(id, WHOLE, spans, parsed.text)
        chunks = [Chunk(chunk_id, id, spans, parsed.text, strategy=WHOLE)]
    else:
        chunks = chunker.chunk(id, parsed)
    return [_under_title(chunk, parsed.title) for chunk in chunks]


def _fits(parsed: Parsed, encoder: Encoder) -> bool:
    prefix = encoder.fingerprint.passage_prefix
    needed = encoder.count_tokens(prefix + parsed.text) + encoder.count_tokens(parsed.title) + 1
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
