"""The one shape in which every error leaves the service, and its description for OpenAPI."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from corpus.errors import AlcoveError, Overloaded

__all__ = ["ErrorReply", "error_reply", "refusal", "refusals"]

_REASONS = {
    400: "Something in the request is wrong; asking differently helps.",
    401: "An API key is needed, and none or a wrong one was given.",
    403: "The owner of this machine has not allowed it, or another site's page asks.",
    404: "What was named does not exist.",
    405: "The path does not know this method.",
    409: "It cannot be done in the present state.",
    413: "The request is too long.",
    422: "A file cannot be read.",
    429: "More is asked at once than can be done; `Retry-After` says when to ask again.",
    502: "The language model failed.",
    503: "The service is not ready, or the request waited past its deadline.",
    504: "The language model let a deadline pass.",
}
_AUTHENTICATE = {"description": "`Bearer`.", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "Whole seconds.", "schema": {"type": "integer", "minimum": 1}}


class ErrorDetail(BaseModel):
    """What is wrong: the name of the error's class, and one sentence that says what to do."""

    type: str
    message: str
    partial: str | None = Field(default=None, description="What had been written of an answer.")


class ErrorReply(BaseModel):
    """Body of every reply with a status of 400 or more."""

    error: ErrorDetail


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may fail with these statuses."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        described[status] = {"model": ErrorReply, "description": _REASONS[status]}
        if status == 401:
            described[status]["headers"] = {"WWW-Authenticate": _AUTHENTICATE}
        if status in (429, 503):
            described[status]["headers"] = {"Retry-After": _RETRY_AFTER}
    return described


def error_reply(status: int, kind: str, message: str, retry_after_s: int = 0) -> JSONResponse:
    """An error as the caller gets it; ``retry_after_s``: after how long to ask again, if that helps."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {"error": {"type": kind, "message": message}}
    return JSONResponse(body, status_code=status, headers=headers)


def refusal(error: AlcoveError) -> JSONResponse:
    """The reply to a request that ended with one of our errors."""
    retry_after_s = error.retry_after_s if isinstance(error, Overloaded) else 0
    return error_reply(error.http_status, type(error).__name__, str(error), retry_after_s)
