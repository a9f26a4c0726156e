"""HTTP routes of conversations: threads, runs with their events, and feedback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from agents.build import App
from agents.measuring.feedback import MOST_SOURCES, right_sources
from agents.records.record_json import Json
from agents.running.asked import MODES, Asked
from agents.web_api.sse import PING, event, stream
from corpus.errors import NotFound, UserError
from retrieval.caller import Caller
from retrieval.routes import Filters, Pages
from retrieval.search import check_query

__all__ = ["router"]

_TITLE = 200
_QUERY = 500
_END_S = 2.0  # for which deleting a thread waits for its run to end


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewThread(_Body):
    """Body of ``POST /v1/threads``."""

    title: str = Field(default="", max_length=_TITLE)


class Change(_Body):
    """Body of ``PATCH /v1/threads/{id}``; what is left out, or null, stays."""

    title: str | None = Field(default=None, min_length=1, max_length=_TITLE, pattern=r"\S")
    pinned: StrictBool | None = Field(default=None, description="whether it stands before others")


class Head(BaseModel):
    """A thread without its messages."""

    id: str
    title: str
    created: str
    updated: str = Field(description="when it was last asked something")
    pinned: bool
    messages: int = Field(description="how many it holds")
    snippet: str = Field(description="where a message has words that were searched for, else empty")


class ThreadsReply(BaseModel):
    """What ``GET /v1/threads`` returns."""

    threads: list[Head]
    total: int = Field(description="how many there are in all pages")
    next: str | None = Field(description="'after' of the next page; null: there is none")


class NewRun(_Body):
    """Body of ``POST /v1/runs``."""

    thread: str
    question: str = Field(json_schema_extra={"minLength": 1, "pattern": r"\S"})
    mode: str = Field(default="answer", json_schema_extra={"enum": list(MODES)})
    collection: str | None = None
    filters: Filters = Field(
        default_factory=dict, description="metadata a document must have to be searched"
    )
    pages: Pages | None = Field(
        default=None, description="first and last page that is searched; null: all"
    )


class Source(_Body):
    """A stretch [start, end) of a document's canonical text that holds what an answer needs."""

    document: str = Field(description="id of a document")
    start: int = Field(ge=0, lt=2**53)
    end: int = Field(ge=1, lt=2**53)


class Verdict(_Body):
    """Body of ``POST /v1/feedback``."""

    message: str
    rating: Literal[1, -1]
    comment: str = Field(default="", max_length=4000)
    sources: list[Source] = Field(
        default=[], max_length=MOST_SOURCES, description="where the answer should have come from"
    )
    unanswerable: bool = Field(default=False, description="the documents do not say")


def router(app: App) -> APIRouter:
    """Routes under ``/v1``."""
    api = APIRouter(prefix="/v1")
    _add_threads(api, app)
    _add_runs(api, app)

    @api.post("/feedback", status_code=201, tags=["threads"])
    def rate(body: Verdict, person: Caller) -> Json:
        """Keep a verdict on an answer, with the right source or that there is none; a later one replaces it."""
        if body.sources and body.unanswerable:
            raise UserError(
                "a question has a source or no answer; give 'sources' or 'unanswerable'"
            )
        given = [(source.document, source.start, source.end) for source in body.sources]
        sources = right_sources(app.catalog, given, person)
        about = (body.message, body.rating, body.comment, person.name)
        app.chats.rate(*about, sources, body.unanswerable)
        return {"message": body.message, "rating": body.rating}

    return api


def _add_threads(api: APIRouter, app: App) -> None:
    @api.get("/threads", tags=["threads"], responses={200: {"model": ThreadsReply}})
    def list_threads(
        person: Caller,
        q: Annotated[str, Query(max_length=_QUERY)] = "",
        limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
        after: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Json:
        """Threads of whoever asks, pinned ones first, then the last used; those that hold all the words of ``q``."""
        return app.chats.threads(person.name, q, limit, after)

    @api.post("/threads", status_code=201, tags=["threads"], responses={201: {"model": Head}})
    def create_thread(person: Caller, body: NewThread | None = None) -> Json:
        """A new thread; without a title it takes one from its first question."""
        return app.chats.create_thread(body.title.strip() if body else "", person.name)

    @api.get("/threads/{id}", tags=["threads"])
    def show_thread(
        id: str,
        person: Caller,
        limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
        before: str | None = None,
    ) -> Json:
        """A thread with its messages (the last ``limit``, those before message ``before``) and its running run."""
        return app.chats.thread(id, person.name, limit, before)

    @api.patch("/threads/{id}", tags=["threads"], responses={200: {"model": Head}})
    def change_thread(id: str, body: Change, person: Caller) -> Json:
        """Give a thread another title, pin it, or let it go; gives it as it is now."""
        return app.chats.change_thread(id, person.name, body.title, body.pinned)

    @api.delete("/threads/{id}", status_code=204, tags=["threads"])
    def delete_thread(
        id: str, person: Caller, undo_s: Annotated[int, Query(ge=0, le=3600)] = 0
    ) -> Response:
        """Remove a thread and all that belongs to it; what runs in it is cancelled.

        With ``undo_s`` it can be restored for so many seconds; it is hidden until then, and removed afterwards.
        """
        if undo_s:
            running = app.chats.deleting.hide(id, person.name, undo_s)
        else:
            running = app.chats.thread(id, person.name, 1)["active_run"]
        if running:
            app.runs.cancel(running, _END_S)
        begun = None if undo_s else app.chats.deleting.erase(id, person.name)
        if begun:  # meanwhile, or not ended by then: it finds its thread gone
            with suppress(NotFound):
                app.runs.cancel(begun)
        return Response(status_code=204)

    @api.post("/threads/{id}/restore", tags=["threads"], responses={200: {"model": Head}})
    def restore_thread(id: str, person: Caller) -> Json:
        """Bring a thread back that was deleted with ``undo_s``, while its time is not over."""
        return app.chats.deleting.restore(id, person.name)


def _add_runs(api: APIRouter, app: App) -> None:
    @api.post("/runs", status_code=202, tags=["runs"])
    def start_run(body: NewRun, person: Caller) -> Json:
        """Ask a question in a thread; the answer is written whether or not anybody watches."""
        app.chats.require_thread(body.thread, person.name)
        check_query(body.question, app.settings.answer.question_characters)
        about = (body.thread, body.question, body.mode, body.collection, person)
        return app.runs.start(Asked(*about, filters=body.filters, pages=body.pages))

    @api.get("/runs/{id}", tags=["runs"])
    def show_run(id: str, person: Caller) -> Json:
        """How far a run is."""
        app.chats.require_run(id, person.name)
        return app.runs.status(id)

    @api.get("/runs/{id}/events", tags=["runs"])
    async def run_events(
        id: str, person: Caller, after: Annotated[int, Query(ge=0, le=2**62)] = 0
    ) -> StreamingResponse:
        """The events numbered above ``after``, as they come, to the last one."""
        app.chats.require_run(id, person.name)
        app.runs.status(id)  # an unknown run is a 404, not a stream that breaks
        return stream(_events(app, id, after))

    @api.post("/runs/{id}/cancel", tags=["runs"])
    def cancel_run(id: str, person: Caller) -> Json:
        """Stop a run; what it has written stays."""
        app.chats.require_run(id, person.name)
        app.runs.cancel(id)
        return app.runs.status(id)


async def _events(app: App, run: str, after: int) -> AsyncIterator[str]:
    async for item in app.runs.follow(run, after):
        yield PING if item is None else event(item, item["kind"], item["n"])
