"""What every request passes first: who may call, with which key, from which page, and how much they may send.

A page on the web can make a browser call a service on this machine. It is kept out by the ``Host``
header, which such a page cannot choose (against DNS rebinding), and by ``Origin`` (against forms and
scripts of other sites). JSON bodies are bounded; uploads bound themselves where they are stored. JSON can
escape halves of characters, which are no text and which nothing behind this could store or send back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agents.web_api.refusals import error_reply, refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from agents.people.sign_in import SignIn

__all__ = ["Guard"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_HALVES = (
    "the request holds a lone surrogate such as '\\ud800', which is no text; send whole characters"
)
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware.

    Args:
        app: what is guarded.
        allowed_hosts: names, besides this machine's, that the service may be called by.
        max_bytes: longest body of a request that is no upload.
        sign_in: finds out who calls, and says if they may not.
    """

    def __init__(
        self, app: ASGIApp, allowed_hosts: Iterable[str], max_bytes: int, sign_in: SignIn
    ) -> None:
        self._sign_in = sign_in
        self._app = app
        self._hosts = _LOOPBACK | {host.lower() for host in allowed_hosts}
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 401, 403, 413 or 429."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        forbidden = self._refusal(scope["method"], headers)
        if forbidden:
            await error_reply(403, "Forbidden", forbidden)(scope, receive, send)
        elif (unknown := self._sign_in.admit(scope)) is not None:
            await refusal(unknown)(scope, receive, send)
        elif headers.get(b"content-type", "").startswith("multipart/form-data"):
            await self._app(scope, receive, send)
        else:
            body = await _read(receive, self._max_bytes)
            if body is None:
                limit = f"the request is longer than {self._max_bytes} bytes; send less"
                await error_reply(413, "UserError", limit)(scope, receive, send)
            elif _has_half_characters(b"".join(m.get("body", b"") for m in body)):
                await error_reply(400, "UserError", _HALVES)(scope, receive, send)
            else:
                await self._app(scope, _replay(body, receive), send)

    def _refusal(self, method: str, headers: dict[bytes, str]) -> str:
        host = headers.get(b"host", "")
        if not self._is_ours(f"//{host}"):
            return f"this service is not called {host!r}; name it in service.allowed_hosts"
        origin = headers.get(b"origin")
        if method not in _READS and origin is not None and not self._is_ours(origin):
            return f"pages of {origin!r} may not use this service"
        return ""

    def _is_ours(self, url: str) -> bool:
        try:
            name = urlsplit(url).hostname
        except ValueError:
            return False
        return name is not None and name in self._hosts


async def _read(receive: Receive, limit: int) -> list[Message] | None:
    """The messages of a whole body, or ``None`` once it is longer than ``limit`` bytes."""
    messages: list[Message] = []
    size, more = 0, True
    while more:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
        if size > limit:
            return None
    return messages


def _has_half_characters(body: bytes) -> bool:
    """Whether a string in this JSON holds one surrogate without its other half."""
    if not _SURROGATE.search(body):
        return False
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):  # no JSON: whoever wants it says so
        return False
    return False


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """What was read, once more, and then whatever comes after it."""
    left = iter(messages)

    async def replay() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return replay
