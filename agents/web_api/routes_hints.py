"""HTTP routes of what helps to ask: questions to go on with, and what can be filtered by."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from agents.build import App
from retrieval.caller import Caller

__all__ = ["router"]


class SuggestionsReply(BaseModel):
    """What ``GET /v1/runs/{id}/suggestions`` returns."""

    suggestions: list[str] = Field(description="at most three, the nearest to what was found first")


class FiltersReply(BaseModel):
    """What ``GET /v1/filters`` returns."""

    filters: dict[str, list[str]] = Field(
        description="by key, at most 50 values, the most frequent first"
    )


def router(app: App) -> APIRouter:
    """Routes under ``/v1``."""
    api = APIRouter(prefix="/v1")
    hints = app.hints

    @api.get("/runs/{id}/suggestions", tags=["runs"])
    def suggest(id: str, person: Caller) -> SuggestionsReply:
        """Questions to ask next, from headings and titles of what the run found; the documents answer each of them."""
        app.chats.require_run(id, person.name)
        return SuggestionsReply(suggestions=hints.after(id))

    @api.get("/filters", tags=["retrieval"])
    def list_filters(
        person: Caller, collection: Annotated[str | None, Query(max_length=200)] = None
    ) -> FiltersReply:
        """What the documents of a collection, or all that the caller may read, can be filtered by."""
        return FiltersReply(filters=hints.filters(collection, person))

    return api
