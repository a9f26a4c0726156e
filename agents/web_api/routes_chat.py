"""``POST /v1/chat/completions`` and ``GET /v1/models`` in OpenAI's shape, with checked citations.

The last message is the question, the ones before it are the conversation. System messages are
passed over: what an answer may be made of is not up to the caller. A client that goes away stops
the work, at the language model too.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

import corpus.errors
from agents.build import App
from agents.records.answers import Message, Usage
from agents.records.record_json import Json, citation_json
from agents.records.steps import Answered, Failed, Token, step_from_json
from agents.running.live import LiveRun
from agents.running.runs import follow
from agents.web_api.sse import PING, event, stream
from corpus.errors import AlcoveError, NotFound, UserError
from corpus.identity import Person
from retrieval.caller import Caller
from retrieval.search import check_query

__all__ = ["router"]

MODEL = "alcove"
_TURNS: dict[str, Literal["user", "assistant"]] = {"user": "user", "assistant": "assistant"}
_LOOK_S = 0.25  # how often a caller who waits for a whole answer is looked after


class Part(BaseModel):
    """A piece of a message's content."""

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]

    @property
    def words(self) -> str:
        """The content as one text."""
        if isinstance(self.content, str):
            return self.content
        if any(part.type != "text" for part in self.content):
            raise UserError("messages may hold text only; leave out images and files")
        return "\n".join(part.text for part in self.content)


class Completion(BaseModel):
    """Body of ``POST /v1/chat/completions``; what clients send besides is passed over."""

    messages: list[ChatMessage] = Field(min_length=1)
    model: str = MODEL
    stream: bool = False
    collection: str | None = None


def router(app: App) -> APIRouter:
    """Routes under ``/v1``."""
    api = APIRouter(prefix="/v1", tags=["chat"])

    @api.get("/models")
    def models() -> Json:
        """The one model there is: answers from the documents."""
        card = {"id": MODEL, "object": "model", "created": 0, "owned_by": "alcove"}
        return {"object": "list", "data": [card]}

    @api.post("/chat/completions")
    async def complete(body: Completion, request: Request, person: Caller) -> Response:
        """One grounded answer, whole or streamed."""
        run = _start(app, body, person)
        envelope = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": MODEL,
        }
        if body.stream:
            return stream(_chunks(run, envelope))
        return await _whole(run, envelope, request)

    return api


def _start(app: App, body: Completion, person: Person) -> LiveRun:
    if body.model != MODEL:
        raise NotFound(f"there is no model {body.model!r}; use {MODEL!r}")
    *before, last = body.messages
    question = last.words
    if last.role != "user" or not question.strip():
        raise UserError("the last message must be a question from the role 'user'; add one")
    check_query(question, app.settings.answer.question_characters)
    history = [Message(_TURNS[m.role], m.words) for m in before if m.role in _TURNS]
    return app.runs.detached(
        lambda stop: app.answerer(person).steps(question, history, body.collection, stop)
    )


async def _whole(run: LiveRun, envelope: Json, request: Request) -> Response:
    """The answer as one object, once it is there; a caller who left stops it."""
    ended = asyncio.create_task(_last(run))
    try:
        while not (await asyncio.wait({ended}, timeout=_LOOK_S))[0]:
            if await request.is_disconnected():
                return Response(status_code=499)
        return _completion(envelope, ended.result())
    finally:
        run.cancel()
        ended.cancel()


async def _last(run: LiveRun) -> Json:
    last: Json = {}
    async for item in follow(run):
        last = item or last
    return last


def _completion(envelope: Json, last: Json) -> Response:
    step = step_from_json(last)
    if not isinstance(step, Answered):
        failed = step if isinstance(step, Failed) else Failed("ModelBroke", "it was cancelled")
        status = _status(failed.error)
        error = {"type": failed.error, "message": failed.message, "partial": failed.partial}
        return JSONResponse({"error": error}, status_code=status)
    message = {"role": "assistant", "content": step.answer.text, **_extras(step)}
    choice = {"index": 0, "message": message, "finish_reason": _reason(step)}
    whole = {**envelope, "object": "chat.completion", "choices": [choice]}
    return JSONResponse({**whole, "usage": _usage(step.answer.usage)})


async def _chunks(run: LiveRun, envelope: Json) -> AsyncIterator[str]:
    """The answer in OpenAI's chunks; closing the iterator, as a client that left does, stops it."""
    try:
        yield _chunk(envelope, {"role": "assistant", "content": ""})
        async for item in follow(run):
            if item is None:
                yield PING
                continue
            step = step_from_json(item)
            if isinstance(step, Token):
                yield _chunk(envelope, {"content": step.text})
            elif isinstance(step, Answered):
                counted = {**envelope, "usage": _usage(step.answer.usage)}
                yield _chunk(counted, _extras(step), _reason(step))
            elif isinstance(step, Failed):
                error = {"type": step.error, "message": step.message}
                yield _chunk({**envelope, "error": error}, {}, "error")
        yield event("[DONE]")
    finally:
        run.cancel()


def _chunk(envelope: Json, delta: Json, reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return event({**envelope, "object": "chat.completion.chunk", "choices": [choice]})


def _extras(step: Answered) -> dict[str, Any]:
    answer = step.answer
    return {
        "citations": [citation_json(c) for c in answer.citations],
        "claims": [claim.to_json() for claim in answer.claims],
        "abstained": answer.abstained,
        "engine": answer.engine,
        "model": answer.model,
        "timings_ms": dict(answer.timings_ms),
    }


def _usage(usage: Usage) -> Json:
    """The tokens of the language model's prompt and reply; all 0 where it had none or did not say."""
    return {**usage.to_json(), "total_tokens": usage.prompt_tokens + usage.completion_tokens}


def _reason(step: Answered) -> str:
    return "length" if step.answer.interrupted else "stop"


def _status(error: str) -> int:
    """The HTTP status of an error by its class's name."""
    kind = getattr(corpus.errors, error, AlcoveError)
    return int(kind.http_status)
