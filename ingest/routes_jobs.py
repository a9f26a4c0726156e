"""HTTP routes of ingestion and reindexing jobs; part of ``ingest.routes``.

A job belongs to whoever made it; to everybody else but the owner of the machine it is as good as not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ingest.allowed import allowed_path
from ingest.chunking import require_strategy
from ingest.jobs import JobQueue
from ingest.pipeline import DEFAULT_COLLECTION, check_collection
from retrieval.caller import Caller, require_owner

__all__ = ["job_routes"]


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


def job_routes(jobs: JobQueue, folders: Sequence[Path]) -> APIRouter:
    """The routes; see ``ingest.routes.router`` for ``folders``."""
    api = APIRouter()

    @api.post("/jobs", status_code=202)
    def make_equal(body: JobRequest, person: Caller) -> dict[str, str]:
        """Queue an ingestion after which the collection equals the files at and below the paths; the owner's."""
        require_owner(person, "folders of this machine")
        check_collection(body.collection)
        if body.strategy is not None:
            require_strategy(body.strategy)
        paths = [allowed_path(path, folders) for path in body.paths]
        return {"job": jobs.submit(body.collection, paths=paths, strategy=body.strategy).id}

    @api.post("/reindex", status_code=202)
    def reindex(body: ReindexRequest, person: Caller) -> dict[str, str]:
        """Queue a move of the index to another embedding space, or back; it answers all the while. The owner's."""
        require_owner(person, "reindexing")
        return {"job": jobs.reindex(body.model, body.precision, back=body.back).id}

    @api.get("/jobs")
    def list_jobs(person: Caller) -> dict[str, Any]:
        """The caller's jobs, the newest first, at most 100; to the owner of the machine, everybody's.

        Each with the number of files by state and only the last of its files: one job tells of all.
        """
        return {"jobs": jobs.listed(person.reader)}

    @api.get("/jobs/{id}")
    def show_job(
        id: str,
        person: Caller,
        after: Annotated[int, Query(ge=0, le=2**31, description="files to pass over")] = 0,
        limit: Annotated[int | None, Query(ge=1, le=1000, description="none: all")] = None,
    ) -> dict[str, Any]:
        """How far a job is, and the state each file ended in, in the order in which they did: all, or a page."""
        return jobs.shown(jobs.job(id, person.reader), after, limit)

    @api.post("/jobs/{id}/cancel")
    def cancel_job(id: str, person: Caller) -> dict[str, Any]:
        """Stop a job; what it has acknowledged stays."""
        return jobs.shown(jobs.cancel(id, person.reader))

    return api
