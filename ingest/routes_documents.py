"""HTTP routes of the records of documents: list, look, cut otherwise, delete and bring back; part of ``ingest.routes``.

What the caller may not read is filtered in the query, and answers like what does not exist. A list costs what its page
costs, not what the library does. Never loads a model.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from corpus.catalog import Catalog
from corpus.errors import Conflict, NotAllowed
from corpus.filters import check_text
from corpus.identity import Person
from corpus.ownership import owns
from corpus.records import Chunk, Document, State
from corpus.rows import Stored
from corpus.shelf import Sort, Wanted, chunk_page, counts_of, page_of, same_as
from corpus.undo import require_kept
from ingest.chunking import chunking_name, require_strategy, strategies
from ingest.coverage import coverage
from ingest.documents import ARCHIVE_TYPE
from ingest.jobs import JobQueue
from ingest.own_chunking import own_settings
from ingest.protocols import Tokenizer
from ingest.recipes import Own, chunking_of, own_of
from ingest.settings import IngestSettings
from retrieval.caller import Caller

__all__ = ["Hands", "document_routes"]

MAX_UNDO_S = 3600
MAX_WORDS = 20


@dataclass(frozen=True, slots=True)
class Hands:
    """What changes documents for the routes.

    Args:
        remove: takes a document out by id, for a person, to be brought back for so many seconds; returns the snapshot.
        restore: brings it back, for a person; returns the snapshot.
        tokenizer: counts tokens as the encoder of the index does; ``None`` while that is not loaded.
    """

    remove: Callable[[str, Person, float], int]
    restore: Callable[[str, Person], int]
    tokenizer: Callable[[], Tokenizer | None]


class RechunkRequest(BaseModel):
    """Body of ``POST /v1/documents/{id}/rechunk``."""

    model_config = ConfigDict(extra="forbid")

    strategy: str = Field(max_length=64, description="one of GET /v1/strategies")
    size: int | None = Field(
        default=None, ge=16, le=8192, description="of a chunk (tokens); null: as the settings say"
    )


def document_routes(
    catalog: Catalog, jobs: JobQueue, hands: Hands, settings: IngestSettings
) -> APIRouter:
    """The routes; see ``ingest.routes.router``."""
    api = APIRouter()
    _add_listing(api, catalog)
    _add_looking(api, catalog, hands)
    _add_changing(api, catalog, jobs, hands, settings)

    @api.get("/strategies")
    def list_strategies(person: Caller) -> dict[str, Any]:
        """The ways in which a document can be cut into chunks, and what the settings say (``size`` in tokens)."""
        return {
            "strategies": strategies(),
            "default": settings.strategy,
            "size": settings.chunk_tokens,
        }

    return api


def _add_listing(api: APIRouter, catalog: Catalog) -> None:
    @api.get("/documents")
    def list_documents(
        person: Caller,
        collection: str | None = None,
        q: Annotated[str, Query(max_length=500, description="words of name or title")] = "",
        state: Annotated[list[State] | None, Query(description="any of these")] = None,
        duplicates: Annotated[bool, Query(description="only those that are the same")] = False,
        sort: Sort = "name",
        limit: Annotated[int | None, Query(ge=1, le=1000, description="none: all")] = None,
        after: Annotated[str | None, Query(max_length=10_000)] = None,
    ) -> dict[str, Any]:
        """Documents that the caller may read, with the state each is in: all, or a page of them.

        ``next`` is the ``after`` of the page that follows. ``states`` counts those that fit but for the asked states.
        """
        for text in (q, collection or ""):
            check_text(text)
        words = tuple(q.split()[:MAX_WORDS])
        wanted = Wanted(person.reader, collection, words, state or (), duplicates)
        page = page_of(catalog.database, catalog.snapshot, wanted, sort, limit, after)
        rows = [
            {**_row(one.stored, one.chunks), "duplicates": one.duplicates} for one in page.documents
        ]
        return {
            "documents": rows,
            "total": page.total,
            "next": page.next,
            "states": dict(page.states),
        }


def _add_looking(api: APIRouter, catalog: Catalog, hands: Hands) -> None:
    @api.get("/documents/{id}")
    def show_document(id: str, person: Caller) -> dict[str, Any]:
        """One document, with what is known of each page, and what else is the same."""
        stored = catalog.stored_lately(id, person.reader)
        at = catalog.snapshot
        row = _row(stored, counts_of(catalog.database, [id], at).get(id, 0))
        same = same_as(catalog.database, id, at, person.reader)
        return {
            **row,
            **coverage(catalog, id),
            "gone": not catalog.is_live(id),
            "duplicates": [_named(document) for document in same],
        }

    @api.get("/documents/{id}/chunks")
    def document_chunks(
        id: str,
        person: Caller,
        after: Annotated[int, Query(ge=0, le=2**31, description="chunks to pass over")] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        """The chunks of a document in reading order; ``tokens`` is null while the encoder is not loaded."""
        catalog.document(id, person.reader)
        chunks, total = chunk_page(catalog.database, id, catalog.snapshot, after, limit)
        count = hands.tokenizer()
        rows = [_chunk(c, n, count) for n, c in enumerate(chunks, start=after + 1)]
        last = after + len(chunks)
        return {"chunks": rows, "total": total, "next": last if last < total else None}


def _add_changing(
    api: APIRouter, catalog: Catalog, jobs: JobQueue, hands: Hands, settings: IngestSettings
) -> None:
    @api.delete("/documents/{id}")
    def delete_document(
        id: str,
        person: Caller,
        undo_s: Annotated[
            int, Query(ge=0, le=MAX_UNDO_S, description="for so long it can be restored (seconds)")
        ] = 0,
    ) -> dict[str, int]:
        """Take a document out of the index; its file, if it came from a folder, is left alone."""
        _require_theirs(catalog, person, catalog.document(id, person.reader))
        return {"snapshot": hands.remove(id, person, undo_s)}

    @api.post("/documents/{id}/restore")
    def restore_document(id: str, person: Caller) -> dict[str, int]:
        """Bring a document back that was deleted with ``undo_s``, while that is not over."""
        _require_theirs(catalog, person, catalog.document(id, person.reader))
        if not catalog.is_live(id):
            require_kept(catalog.database, id)
        return {"snapshot": hands.restore(id, person)}

    @api.post("/documents/{id}/rechunk", status_code=202)
    def rechunk_document(id: str, body: RechunkRequest, person: Caller) -> dict[str, str]:
        """Queue the cutting of a document by another strategy; until that is done, search finds it as it was.

        The choice stays with the document through edits of its file and later ingestions; choosing what the settings
        say takes it back.
        """
        document = catalog.document(id, person.reader)
        _require_theirs(catalog, person, document)
        check_text(body.strategy)
        require_strategy(body.strategy)
        chunking_name(own_settings(settings, Own(body.strategy, body.size or 0)))
        if not catalog.is_live(id):
            raise Conflict(f"document {id!r} is deleted; restore it first")
        if document.media_type != ARCHIVE_TYPE and not catalog.text(id):
            raise Conflict(f"document {id!r} has no text that could be cut; its state says why")
        job = jobs.rechunk(id, document.source, body.strategy, body.size or 0, person.name)
        return {"job": job.id}


def _require_theirs(catalog: Catalog, person: Person, document: Document) -> None:
    if not owns(catalog.database, person, document.collection):
        raise NotAllowed(
            f"document {document.id!r} is in a collection that is not yours; ask the owner of this machine"
        )


def _row(stored: Stored, chunks: int) -> dict[str, Any]:
    document = stored.document
    chunking = chunking_of(stored.recipe) if stored.content else ""
    own = own_of(stored.recipe)
    return {
        "id": document.id,
        "source": document.source,
        "title": document.title,
        "media_type": document.media_type,
        "collection": document.collection,
        "pages": document.pages,
        "state": str(document.state),
        "reason": document.reason,
        "size": document.size,
        "chunks": chunks,
        "added": _iso(stored.at),
        "strategy": own.strategy if own and chunking else chunking.partition("-")[0],
        "chunking": chunking,
        "own_strategy": own is not None,
    }


def _named(document: Document) -> dict[str, str]:
    return {"id": document.id, "source": document.source, "collection": document.collection}


def _iso(at: float | None) -> str | None:
    return None if at is None else dt.datetime.fromtimestamp(at, dt.UTC).isoformat()


def _chunk(chunk: Chunk, n: int, count: Tokenizer | None) -> dict[str, Any]:
    return {
        "id": chunk.id,
        "n": n,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "headings": list(chunk.headings),
        "text": chunk.text,
        "tokens": count(chunk.text) if count else None,
    }
