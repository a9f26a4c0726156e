"""Server-sent events: how a stream of JSON objects is written on an HTTP response.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

from agents.text.inert import whole

__all__ = ["PING", "event", "stream"]

PING = ": still here\n\n"
"""A comment, which clients pass over; writing it shows whether the client is still there."""


def event(data: Any, name: str = "", number: int | None = None) -> str:
    """One event. ``data`` becomes one line of JSON; ``number`` is its id, ``name`` its kind."""
    head = (f"id: {number}\n" if number is not None else "") + (f"event: {name}\n" if name else "")
    body = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"{head}data: {whole(body)}\n\n"


def stream(events: AsyncIterator[str]) -> StreamingResponse:
    """A response that sends each event as it comes, kept from being buffered or stored."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)
