"""HTTP routes of ingestion: collections and what is in a document here, the rest in ``ingest.routes_…``.

Assembled by ``agents.service``. What the caller may not read is filtered in the query, and answers like what does not
exist. Knows the catalog and the job queue; never loads a model.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from corpus.catalog import Catalog, CollectionInfo
from corpus.errors import NotFound
from corpus.home import Home
from corpus.identity import Person
from corpus.ownership import namespace
from corpus.records import Document, Span
from ingest.jobs import JobQueue
from ingest.routes_documents import Hands, document_routes
from ingest.routes_folders import folder_routes
from ingest.routes_jobs import job_routes
from ingest.routes_uploads import upload_routes
from ingest.settings import IngestSettings
from ingest.watched_folders import WatchedFolders
from retrieval.caller import Caller

__all__ = ["Hands", "router"]


def router(
    home: Home,
    catalog: Catalog,
    jobs: JobQueue,
    hands: Hands,
    settings: IngestSettings,
    watched: WatchedFolders,
) -> APIRouter:
    """Routes under ``/v1``.

    Args:
        hands: what takes documents out and brings them back.
        settings: how files are read; ``folders`` among them: below these, and nowhere else, a caller may have files
            of this machine ingested; of an uploaded file longer than ``max_mib`` nothing is kept.
    """
    api = APIRouter(prefix="/v1", tags=["documents"])
    api.include_router(document_routes(catalog, jobs, hands, settings))
    _add_content_routes(api, home, catalog)
    api.include_router(upload_routes(catalog, jobs, settings.max_mib * 2**20))
    api.include_router(job_routes(jobs, settings.folders))
    api.include_router(folder_routes(watched, settings.folders))

    @api.get("/collections")
    def collections(person: Caller) -> dict[str, Any]:
        """Every collection that the caller may read, with its number of documents and chunks, and who may read it.

        Nobody named: everyone. Only the owner of the machine, and of the collection, is told the names of others.
        """
        return {
            "collections": [
                _collection(info, person) for info in catalog.collections(person.reader)
            ]
        }

    return api


def _collection(info: CollectionInfo, person: Person) -> dict[str, Any]:
    theirs = person.is_owner or info.name.startswith(namespace(person.name))
    readers = info.readers if theirs or not info.readers else (person.name,)
    return {**asdict(info), "readers": readers}


def _add_content_routes(api: APIRouter, home: Home, catalog: Catalog) -> None:
    @api.get("/documents/{id}/text")
    def document_text(
        id: str,
        person: Caller,
        start: Annotated[int, Query(ge=0)] = 0,
        end: Annotated[int | None, Query(ge=0)] = None,
    ) -> dict[str, Any]:
        """The canonical text, or the part of it at [start, end)."""
        text = catalog.text(id, person.reader)
        last = len(text) if end is None else min(end, len(text))
        first = min(start, last)
        return {"text": text[first:last], "start": first, "end": last, "length": len(text)}

    @api.get("/documents/{id}/pages/{page}.png")
    def page_image(
        id: str,
        page: int,
        person: Caller,
        width: Annotated[int, Query(ge=100, le=3000)] = 1000,
        start: int | None = None,
        end: int | None = None,
    ) -> Response:
        """A picture of a page, ``width`` pixels wide, with the span [start, end) marked."""
        from ingest.parsing.render import page_image as render

        document = catalog.document(id, person.reader)
        span = Span(start, end) if start is not None and end is not None else None
        path = _original(home, document)
        png = render(path, document.media_type, page, width, catalog.parsed(id), span)
        return Response(
            png, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"}
        )

    @api.get("/documents/{id}/original")
    def original(id: str, person: Caller) -> FileResponse:
        """The source as it was ingested, as a download: a browser must never render it in our name."""
        document = catalog.document(id, person.reader)
        return FileResponse(
            _original(home, document),
            filename=document.file_name,
            media_type="application/octet-stream",
            headers={"X-Content-Type-Options": "nosniff"},
        )


def _original(home: Home, document: Document) -> Path:
    path = home.original(document.sha256)
    if not document.sha256 or not path.is_file():
        raise NotFound(f"the source of document {document.id!r} is no longer stored")
    return path
