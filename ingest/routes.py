"""HTTP routes of documents and collections, and of jobs (``ingest.routes_jobs``). Assembled by ``agents.service``.

What the caller may not read is filtered in the query, and answers like what does not exist. Knows the catalog and the
job queue; never loads a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response, UploadFile
from fastapi.responses import FileResponse

from corpus.catalog import Catalog, CollectionInfo
from corpus.errors import NotAllowed, NotFound, UserError
from corpus.home import Home
from corpus.identity import Person
from corpus.ownership import claim, namespace, own_collection, owns
from corpus.records import Document, Span
from ingest.coverage import coverage
from ingest.jobs import JobQueue
from ingest.pipeline import DEFAULT_COLLECTION, check_collection
from ingest.routes_jobs import job_routes
from retrieval.caller import Caller

__all__ = ["router"]

CHUNK_BYTES = 1 << 20
MAX_NAME_CHARACTERS = 200


def router(
    home: Home,
    catalog: Catalog,
    jobs: JobQueue,
    remove: Callable[[str, Person], int],
    max_upload_bytes: int,
    folders: Sequence[Path] = (),
) -> APIRouter:
    """Routes under ``/v1``.

    Args:
        remove: takes a document out by id, for a person, and returns the snapshot without it.
        max_upload_bytes: bytes kept of one uploaded file; a longer one ends as ``too_large``.
        folders: below these, and nowhere else, a caller may have files of this machine ingested.
    """
    api = APIRouter(prefix="/v1", tags=["documents"])
    _add_record_routes(api, catalog, remove)
    _add_content_routes(api, home, catalog)
    _add_upload_routes(api, catalog, jobs, max_upload_bytes)
    api.include_router(job_routes(jobs, folders))

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


def _add_record_routes(
    api: APIRouter, catalog: Catalog, remove: Callable[[str, Person], int]
) -> None:
    @api.get("/documents")
    def list_documents(person: Caller, collection: str | None = None) -> dict[str, Any]:
        """Every document that the caller may read, with the state it is in."""
        counts = catalog.chunk_counts()
        documents = catalog.documents(collection, reader=person.reader)
        return {"documents": [_row(d, counts.get(d.id, 0)) for d in documents]}

    @api.get("/documents/{id}")
    def show_document(id: str, person: Caller) -> dict[str, Any]:
        """One document, with what is known of each page."""
        document = catalog.document(id, person.reader)
        row = _row(document, len(catalog.chunks_of(id)))
        return {**row, **coverage(catalog, id), "gone": not catalog.is_live(id)}

    @api.delete("/documents/{id}")
    def delete_document(id: str, person: Caller) -> dict[str, int]:
        """Take a document out of the index; its file, if it came from a folder, is left alone."""
        document = catalog.document(id, person.reader)
        if not owns(catalog.database, person, document.collection):
            raise NotAllowed(
                f"document {id!r} is in a collection that is not yours; ask the owner of this machine"
            )
        return {"snapshot": remove(id, person)}


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


def _add_upload_routes(
    api: APIRouter, catalog: Catalog, jobs: JobQueue, max_upload_bytes: int
) -> None:
    @api.post("/documents", status_code=202)
    def upload(
        files: list[UploadFile],
        person: Caller,
        collection: Annotated[str, Form()] = DEFAULT_COLLECTION,
    ) -> dict[str, str]:
        """Queue uploaded files for ingestion; the job tells how each of them ends.

        Whoever is not the owner of the machine uploads into collections of their own, which nobody else reads.
        """
        collection = own_collection(person, collection)
        if not person.is_owner:
            check_collection(collection)
            claim(catalog.database, person, collection)
        id, folder = jobs.reserve()
        uploads = []
        for number, file in enumerate(files):
            name = _safe_name(file.filename)
            path = folder / f"{number:04d}{Path(name).suffix}"
            _keep(file, path, max_upload_bytes)
            uploads.append((name, str(path)))
        return {"job": jobs.submit(collection, id=id, uploads=uploads, person=person.name).id}


def _row(document: Document, chunks: int) -> dict[str, Any]:
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
    }


def _original(home: Home, document: Document) -> Path:
    path = home.original(document.sha256)
    if not document.sha256 or not path.is_file():
        raise NotFound(f"the source of document {document.id!r} is no longer stored")
    return path


def _safe_name(name: str | None) -> str:
    """The last part of an uploaded name, without control and direction marks."""
    base = Path((name or "").replace("\\", "/")).name
    visible = "".join(c for c in base if c.isprintable()).strip()
    if not visible or len(visible) > MAX_NAME_CHARACTERS:
        raise UserError(
            f"{(name or '')[:60]!r} cannot name an upload; rename the file and try again"
        )
    return visible


def _keep(file: UploadFile, path: Path, max_bytes: int) -> None:
    """Write at most one byte more than is allowed: enough for the pipeline to see that it is too large."""
    left = max_bytes + 1
    with path.open("wb") as out:
        while left > 0 and (piece := file.file.read(min(CHUNK_BYTES, left))):
            out.write(piece)
            left -= len(piece)
