"""The page's way to documents: their part of the HTTP API, with jobs, strategies and watched folders.

Errors are those of ``ui.api.client``. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, TypedDict, cast

from ui.api.client import Service
from ui.api.wire import CollectionJson, DocumentJson, JobJson, TextJson

__all__ = [
    "ChunkJson",
    "ChunksJson",
    "DocumentService",
    "DocumentsJson",
    "FolderJson",
    "FoldersJson",
    "StrategiesJson",
    "StrategyJson",
]

UPLOAD_S = 300.0  # until the service must have taken, or refused, what it was sent


class _DocumentsJson(TypedDict):
    documents: list[DocumentJson]


class DocumentsJson(_DocumentsJson, total=False):
    """A page of documents: how many there are in all, how many in each state, and where the next page begins."""

    total: int
    next: str | None
    states: dict[str, int]


class ChunkJson(TypedDict):
    """A chunk as it was cut: characters ``[start, end)`` of the text, under these headings."""

    id: str
    n: int
    start: int
    end: int
    page: int | None
    headings: list[str]
    text: str
    tokens: int | None


class ChunksJson(TypedDict):
    """Some of a document's chunks, in the order of the text; ``next`` is where the rest begins."""

    chunks: list[ChunkJson]
    total: int
    next: int | None


class StrategyJson(TypedDict):
    """A way of cutting text; ``sizes``: whether it can be told how large a chunk shall be."""

    name: str
    about: str
    sizes: bool


class StrategiesJson(TypedDict):
    """Every strategy, and what is used unless one is chosen."""

    strategies: list[StrategyJson]
    default: str
    size: int


class FolderJson(TypedDict):
    """A watched folder: ``watching``, ``reading`` or ``failed``, and its documents by state."""

    id: str
    path: str
    collection: str
    state: str
    checked: str | None
    error: str | None
    states: dict[str, int]


class FoldersJson(TypedDict):
    """The watched folders, and the folders below which one may be watched."""

    folders: list[FolderJson]
    allowed: list[str]


class DocumentService:
    """The routes of documents, collections, jobs, strategies and folders."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def documents(self, **asked: str | int | Sequence[str]) -> DocumentsJson:
        """Documents: of a ``collection``, with words (``q``), in a ``state``, sorted; ``limit`` from ``after`` on."""
        params = {name: value for name, value in asked.items() if value not in ("", ())}
        return cast(DocumentsJson, self._ask("GET", "/v1/documents", params=params))

    def document(self, document: str) -> DocumentJson:
        """One document with what is known of its pages."""
        return cast(DocumentJson, self._ask("GET", f"/v1/documents/{document}"))

    def text(self, document: str, start: int = 0, end: int | None = None) -> TextJson:
        """Characters ``[start, end)`` of a document's canonical text."""
        span = {"start": start} if end is None else {"start": start, "end": end}
        return cast(TextJson, self._ask("GET", f"/v1/documents/{document}/text", params=span))

    def chunks(self, document: str, after: int, limit: int) -> ChunksJson:
        """At most ``limit`` chunks of a document, from number ``after`` on."""
        span = {"after": after, "limit": limit}
        return cast(ChunksJson, self._ask("GET", f"/v1/documents/{document}/chunks", params=span))

    def page_image(self, document: str, page: int, start: int, end: int, width: int) -> bytes:
        """A PNG, ``width`` pixels wide, of a page with ``[start, end)`` marked on it.

        Raises ``NotFound`` when the document's format has no pages to show.
        """
        params = {"width": width, "start": start, "end": end}
        path = f"/v1/documents/{document}/pages/{page}.png"
        return self._service.call("GET", path, params=params).content

    def original(self, document: str) -> bytes:
        """The file as it was ingested."""
        return self._service.call("GET", f"/v1/documents/{document}/original").content

    def upload(self, files: Sequence[tuple[str, BinaryIO]], collection: str) -> str:
        """Hand over files as (name, content), which is read piece by piece; the id of the job that ingests them."""
        parts = [("files", named) for named in files]
        body = self._ask(
            "POST",
            "/v1/documents",
            files=parts,
            data={"collection": collection},
            timeout=UPLOAD_S,
        )
        return str(body["job"])

    def rechunk(self, document: str, strategy: str, size: int | None) -> str:
        """Cut a document anew, into chunks of ``size`` tokens; the id of the job that does it."""
        wanted = {"strategy": strategy, "size": size}
        return str(self._ask("POST", f"/v1/documents/{document}/rechunk", json=wanted)["job"])

    def delete_document(self, document: str, undo_s: int = 0) -> None:
        """Take a document out of search; for ``undo_s`` seconds it can be restored."""
        params = {"undo_s": undo_s} if undo_s else {}
        self._service.call("DELETE", f"/v1/documents/{document}", params=params)

    def restore(self, document: str) -> None:
        """Bring a deleted document back. Raises ``NotFound`` when it is too late for that."""
        self._service.call("POST", f"/v1/documents/{document}/restore")

    def collections(self) -> list[CollectionJson]:
        """Every collection."""
        return cast(list[CollectionJson], self._ask("GET", "/v1/collections")["collections"])

    def strategies(self) -> StrategiesJson:
        """The ways of cutting text."""
        return cast(StrategiesJson, self._ask("GET", "/v1/strategies"))

    def jobs(self) -> list[JobJson]:
        """Every ingestion job the service remembers, without most of its files."""
        return cast(list[JobJson], self._ask("GET", "/v1/jobs")["jobs"])

    def job(self, job: str, after: int, limit: int) -> JobJson:
        """One job, with at most ``limit`` of the files that ended after the first ``after``."""
        span = {"after": after, "limit": limit}
        return cast(JobJson, self._ask("GET", f"/v1/jobs/{job}", params=span))

    def cancel_job(self, job: str) -> None:
        """Stop a job after the file it is at."""
        self._service.call("POST", f"/v1/jobs/{job}/cancel")

    def folders(self) -> FoldersJson:
        """The watched folders; the owner's."""
        return cast(FoldersJson, self._ask("GET", "/v1/folders"))

    def watch(self, path: str, collection: str) -> None:
        """Watch a folder: its documents are kept as they are there."""
        wanted = {"path": path, "collection": collection}
        self._service.call("POST", "/v1/folders", json=wanted)

    def unwatch(self, folder: str) -> None:
        """Watch a folder no more; its documents stay."""
        self._service.call("DELETE", f"/v1/folders/{folder}")

    def _ask(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        return self._service.ask_json(method, path, **kwargs)
