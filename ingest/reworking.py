"""Changes of documents that are in the catalog already, without reading a file: cut otherwise, or brought back.

Each gives the batch of one commit, so that a search sees a document as it was or as it is, never without it; what goes
wrong before the commit changes nothing. The caller holds the writer lock. Knows nothing of indexes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from corpus.catalog import Catalog, Stored
from corpus.errors import Conflict, FileProblem, NotFound, OperatorError
from corpus.records import Chunk, State
from corpus.undo import kept
from ingest.documents import ARCHIVE_TYPE
from ingest.own_chunking import Chunkers
from ingest.reading import bug
from ingest.recipes import Own, own_of, remade, with_own
from ingest.report import FileResult
from ingest.run import Run, is_below
from ingest.writer import Batch

__all__ = ["rechunk", "removal", "restored"]


def removal(catalog: Catalog, ids: Sequence[str], undo_s: float) -> Batch:
    """Take documents out, an archive with its members; for ``undo_s`` seconds they can be brought back.

    Raises:
        NotFound: one of them is not there.
    """
    for id in ids:
        _require_live(catalog, id)
    gone = [stored.document.id for id in ids for stored in _with_members(catalog, id)]
    until = time.time() + undo_s if undo_s else 0.0
    return Batch(removed=list(dict.fromkeys(gone)), undo_until=until)


def restored(catalog: Catalog, chunkers: Chunkers, id: str, space: str) -> Batch:
    """Bring a removed document back as it was; it is cut anew only if the index has moved to another space since.

    Raises:
        Conflict: it cannot be brought back any more, or another document has its place.
    """
    batch = Batch()
    for old in kept(catalog.database, id):
        stored, chunks = old.stored, list(old.chunks)
        if stored.content and not _is_of(stored.recipe, space):
            stored, chunks = _cut(catalog, chunkers, stored, own_of(stored.recipe))
        batch.documents.append(stored)
        batch.chunks += chunks
    return batch


def rechunk(catalog: Catalog, chunkers: Chunkers, id: str, own: Own | None, run: Run) -> None:
    """Cut a document otherwise, from its stored text; an archive's members each. Fills the batch of ``run``.

    Raises:
        NotFound: it is not there. Conflict: there is no text to cut. FileProblem: it cannot be cut so.
    """
    _require_live(catalog, id)
    found = [stored for stored in _with_members(catalog, id) if stored.content]
    if not found:
        raise Conflict(f"document {id!r} has no text that could be cut; its state says why")
    run.total = len(found)
    for stored in found:
        _recut(catalog, chunkers, stored, own, run)


def _recut(catalog: Catalog, chunkers: Chunkers, stored: Stored, own: Own | None, run: Run) -> None:
    document = stored.document
    count = run.chunks_of(catalog, document.id)
    if with_own(remade(stored.recipe, chunkers.making(own)), own) == stored.recipe:
        run.report.chunks_kept += count
        run.done(FileResult(document.source, State.UNCHANGED))
        return
    now, chunks = _cut(catalog, chunkers, stored, own)
    run.batch.removed.append(document.id)
    run.batch.documents.append(now)
    run.batch.chunks += chunks
    run.report.chunks_removed += count
    run.report.chunks_added += len(chunks)
    run.waiting.append(FileResult(document.source, document.state, document.reason))


def _cut(
    catalog: Catalog, chunkers: Chunkers, stored: Stored, own: Own | None
) -> tuple[Stored, list[Chunk]]:
    """The document as it is cut now, and its chunks; a bug met on the way is told as such."""
    parsed = catalog.content(stored.content or "")
    if parsed is None:
        raise FileProblem(
            State.INTERNAL_ERROR, f"the text of {stored.document.source!r} is no longer stored"
        )
    try:
        chunks = chunkers.of(own).chunk(stored.document.id, parsed)
    except OperatorError:
        raise
    except Exception as exc:
        raise bug("Chunking", stored.document.source, exc) from exc
    recipe = with_own(remade(stored.recipe, chunkers.making(own)), own)
    return replace(stored, recipe=recipe), chunks


def _is_of(recipe: str, space: str) -> bool:
    return recipe.partition(" + ")[0].rpartition("/")[2] == space


def _require_live(catalog: Catalog, id: str) -> None:
    if not catalog.is_live(id):
        raise NotFound(f"there is no document {id!r}; `alcove documents` lists what there is")


def _with_members(catalog: Catalog, id: str) -> Iterator[Stored]:
    """A live document and, if it is an archive, its members."""
    document = catalog.document(id)
    if document.media_type != ARCHIVE_TYPE:
        yield catalog.stored_one(id)
        return
    for stored in catalog.stored(document.collection):
        source = stored.document.source
        if stored.document.id == id or is_below(source, document.source):
            yield stored
