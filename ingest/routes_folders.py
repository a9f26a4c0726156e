"""HTTP routes of watched folders; part of ``ingest.routes``. All of them are for the owner of the machine alone.

A folder may be watched only where files of this machine may be ingested at all: below ``ingest.folders``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import NotFound
from corpus.filters import check_text
from ingest.allowed import allowed_path
from ingest.chunking import require_strategy
from ingest.pipeline import DEFAULT_COLLECTION, check_collection
from ingest.watched_folders import WatchedFolders
from retrieval.caller import Caller, require_owner

__all__ = ["folder_routes"]


class FolderRequest(BaseModel):
    """Body of ``POST /v1/folders``."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=4096, description="an absolute path")
    collection: str = DEFAULT_COLLECTION
    strategy: str | None = Field(default=None, description="null: that of the settings")


def folder_routes(watched: WatchedFolders, folders: Sequence[Path]) -> APIRouter:
    """The routes; see ``ingest.routes.router`` for ``folders``."""
    api = APIRouter()

    @api.get("/folders")
    def list_folders(person: Caller) -> dict[str, Any]:
        """The folders that are watched, how each is doing, and below which folders one may be watched."""
        require_owner(person, "folders of this machine")
        allowed = [str(folder.expanduser()) for folder in folders]
        return {"folders": watched.to_json(), "allowed": allowed}

    @api.post("/folders", status_code=201)
    def watch_folder(body: FolderRequest, person: Caller) -> dict[str, Any]:
        """Keep a collection equal to a folder from now on, also after a restart; its files are read by jobs."""
        require_owner(person, "folders of this machine")
        for text in (body.path, body.collection, body.strategy or ""):
            check_text(text)
        check_collection(body.collection)
        if body.strategy is not None:
            require_strategy(body.strategy)
        path = allowed_path(body.path, folders)
        if not Path(path).is_dir():
            raise NotFound(f"{path!r} is no folder; nothing was changed")
        return watched.add(path, body.collection, body.strategy)

    @api.delete("/folders/{id}")
    def forget_folder(id: str, person: Caller) -> dict[str, Any]:
        """Stop watching a folder; its documents stay as they are."""
        require_owner(person, "folders of this machine")
        watched.remove(id)
        return {"removed": id}

    return api
