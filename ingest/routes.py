"""HTTP routes of documents, collections and ingestion jobs. Assembled into the service by ``agents.service``.

Knows the catalog and the job queue; never loads a model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from corpus.catalog import Catalog
from corpus.errors import NotAllowed, NotFound, UserError
from corpus.home import Home
from corpus.records import Document, Span
from ingest.chunking import require_strategy
from ingest.coverage import coverage
from ingest.discover import UPLOAD
from ingest.jobs import JobQueue
from ingest.pipeline import DEFAULT_COLLECTION, check_collection

__all__ = ["router"]

CHUNK_BYTES = 1 << 20
MAX_NAME_CHARACTERS = 200


def router(
    home: Home,
    catalog: Catalog,
    jobs: JobQueue,
    remove: Callable[[str], int],
    max_upload_bytes: int,
    folders: Sequence[Path] = (),
) -> APIRouter:
    """Routes under ``/v1``.

    Args:
        remove: takes a document out by id and returns the snapshot without it.
        max_upload_bytes: bytes kept of one uploaded file; a longer one ends as ``too_large``.
        folders: below these, and nowhere else, a caller may have files of this machine ingested.
    """
    api = APIRouter(prefix="/v1", tags=["documents"])
    _add_record_routes(api, catalog, remove)
    _add_content_routes(api, home, catalog)
    _add_upload_routes(api, jobs, max_upload_bytes)
    _add_job_routes(api, jobs, folders)

    @api.get("/collections")
    def collections() -> dict[str, Any]:
        """Every collection with its number of documents and chunks, and who may read it (nobody named: everyone)."""
        return {"collections": [asdict(info) for info in catalog.collections()]}

    return api


def _add_record_routes(api: APIRouter, catalog: Catalog, remove: Callable[[str], int]) -> None:
    @api.get("/documents")
    def list_documents(collection: str | None = None) -> dict[str, Any]:
        """Every document with the state it is in."""
        counts = catalog.chunk_counts()
        documents = catalog.documents(collection)
        return {"documents": [_row(d, counts.get(d.id, 0)) for d in documents]}

    @api.get("/documents/{id}")
    def show_document(id: str) -> dict[str, Any]:
        """One document, with what is known of each page."""
        document = catalog.document(id)
        row = _row(document, len(catalog.chunks_of(id)))
        return {**row, **coverage(catalog, id), "gone": not catalog.is_live(id)}

    @api.delete("/documents/{id}")
    def delete_document(id: str) -> dict[str, int]:
        """Take a document out of the index; its file, if it came from a folder, is left alone."""
        return {"snapshot": remove(id)}


def _add_content_routes(api: APIRouter, home: Home, catalog: Catalog) -> None:
    @api.get("/documents/{id}/text")
    def document_text(
        id: str,
        start: Annotated[int, Query(ge=0)] = 0,
        end: Annotated[int | None, Query(ge=0)] = None,
    ) -> dict[str, Any]:
        """The canonical text, or the part of it at [start, end)."""
        text = catalog.text(id)
        last = len(text) if end is None else min(end, len(text))
        first = min(start, last)
        return {"text": text[first:last], "start": first, "end": last, "length": len(text)}

    @api.get("/documents/{id}/pages/{page}.png")
    def page_image(
        id: str,
        page: int,
        width: Annotated[int, Query(ge=100, le=3000)] = 1000,
        start: int | None = None,
        end: int | None = None,
    ) -> Response:
        """A picture of a page, ``width`` pixels wide, with the span [start, end) marked."""
        from ingest.parsing.render import page_image as render

        document = catalog.document(id)
        span = Span(start, end) if start is not None and end is not None else None
        path = _original(home, document)
        png = render(path, document.media_type, page, width, catalog.parsed(id), span)
        return Response(
            png, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"}
        )

    @api.get("/documents/{id}/original")
    def original(id: str) -> FileResponse:
        """The source as it was ingested, as a download: a browser must never render it in our name."""
        document = catalog.document(id)
        name = Path(document.source.removeprefix(UPLOAD)).name
        return FileResponse(
            _original(home, document),
            filename=name,
            media_type="application/octet-stream",
            headers={"X-Content-Type-Options": "nosniff"},
        )


def _add_upload_routes(api: APIRouter, jobs: JobQueue, max_upload_bytes: int) -> None:
    @api.post("/documents", status_code=202)
    def upload(
        files: list[UploadFile], collection: Annotated[str, Form()] = DEFAULT_COLLECTION
    ) -> dict[str, str]:
        """Queue uploaded files for ingestion; the job tells how each of them ends."""
        id, folder = jobs.reserve()
        uploads = []
        for number, file in enumerate(files):
            name = _safe_name(file.filename)
            path = folder / f"{number:04d}{Path(name).suffix}"
            _keep(file, path, max_upload_bytes)
            uploads.append((name, str(path)))
        return {"job": jobs.submit(collection, id=id, uploads=uploads).id}


class JobRequest(BaseModel):
    """Body of ``POST /v1/jobs``."""

    model_config = ConfigDict(extra="forbid")

    paths: list[str] = Field(min_length=1, max_length=100, description="absolute paths")
    collection: str = DEFAULT_COLLECTION
    strategy: str | None = None


class ReindexRequest(BaseModel):
    """Body of ``POST /v1/reindex``; without a model, the one that the settings would take today."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(default=None, pattern=r"^[\w.-]+$", description="name, no folder")
    precision: str | None = None
    back: bool = Field(default=False, description="return to the index from before instead")


def _add_job_routes(api: APIRouter, jobs: JobQueue, folders: Sequence[Path]) -> None:
    @api.post("/jobs", status_code=202)
    def make_equal(body: JobRequest) -> dict[str, str]:
        """Queue an ingestion after which the collection equals the files at and below the paths."""
        check_collection(body.collection)
        if body.strategy is not None:
            require_strategy(body.strategy)
        paths = [_allowed(path, folders) for path in body.paths]
        return {"job": jobs.submit(body.collection, paths=paths, strategy=body.strategy).id}

    @api.post("/reindex", status_code=202)
    def reindex(body: ReindexRequest) -> dict[str, str]:
        """Queue a move of the index to another embedding space, or back; it answers all the while."""
        return {"job": jobs.reindex(body.model, body.precision, back=body.back).id}

    @api.get("/jobs")
    def list_jobs() -> dict[str, Any]:
        """Every job, newest first."""
        return {"jobs": [job.to_json() for job in jobs.jobs()]}

    @api.get("/jobs/{id}")
    def show_job(id: str) -> dict[str, Any]:
        """How far a job is, and the state each file ended in."""
        return jobs.job(id).to_json()

    @api.post("/jobs/{id}/cancel")
    def cancel_job(id: str) -> dict[str, Any]:
        """Stop a job; what it has acknowledged stays."""
        return jobs.cancel(id).to_json()


def _allowed(path: str, folders: Sequence[Path]) -> str:
    """``path`` made plain, if the owner of this machine allows it, wherever its links may lead."""
    plain = os.path.abspath(path)  # noqa: PTH100 - the links in it are its name
    real = Path() if "\0" in path else Path(os.path.realpath(plain))
    open_ = [Path(os.path.realpath(folder.expanduser())) for folder in folders]
    if not Path(path).is_absolute() or not any(real.is_relative_to(folder) for folder in open_):
        raise NotAllowed(
            f"the service may not read {path!r}; name its folder in `folders` under [ingest] in "
            "alcove.toml, start the service again, and give an absolute path"
        )
    if not real.exists():
        raise NotFound(f"there is no file or folder {path!r}; nothing was changed")
    return plain


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
