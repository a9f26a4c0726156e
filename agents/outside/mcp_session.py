"""A connection to a server of tools: a program over its pipes, or a place over HTTP, kept open until it is closed.

It runs on a thread and event loop of its own, since the library's client belongs to one loop; calls come
from any thread. Starting, calling and closing have deadlines, and a program is ended when it is closed. No
proxy reaches it, and of our environment only what every program needs (``HOME``, ``PATH`` and the like).
Knows nothing of pins, labels or tools of ours.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

from agents.addresses import is_this_machine, place_of
from agents.outside_settings import ServerSettings, WebSettings
from corpus.errors import AlcoveError, NotAllowed, OperatorError

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult
    from mcp_types import Tool as Offered

__all__ = ["Session"]

_MOST_TOOLS = 64
_STOP_S = 10.0
_MARGIN_S = 2.0


class Session:
    """A connection that is kept open on a thread of its own, since the library's is of one event loop."""

    def __init__(self, name: str, settings: ServerSettings, web: WebSettings) -> None:
        self.offered: dict[str, Offered] = {}
        self._name, self._settings, self._web = name, settings, web
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._client: Client | None = None
        self._ready: Future[None] = Future()
        self._broken = False
        self._thread = threading.Thread(target=self._run, name=f"mcp-{name}", daemon=True)
        self._thread.start()
        try:
            self._ready.result(settings.start_s + _MARGIN_S)
        except TimeoutError as exc:
            self.close()
            raise self._late(settings.start_s) from exc

    @property
    def ended(self) -> bool:
        """Whether it must be opened anew."""
        return self._broken or not self._thread.is_alive()

    def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """The result of one call.

        Raises:
            OperatorError: the server failed, died, or did not answer in time.
        """
        from mcp import MCPError

        future = asyncio.run_coroutine_threadsafe(self._ask(tool, arguments), self._loop)
        try:
            return future.result(self._settings.call_s + _MARGIN_S)
        except TimeoutError as exc:
            future.cancel()
            raise self._late(self._settings.call_s) from exc
        except MCPError as exc:
            code = exc.code  # its message is the server's, and would not be fenced
            self._broken = not self._is_there()
            raise OperatorError(
                f"the MCP server {self._name!r} did not do what {tool!r} asks (code {code}); ask otherwise"
            ) from exc
        except AlcoveError:
            raise
        except Exception as exc:
            self._broken = True
            raise self._failed(exc) from exc

    def close(self) -> None:
        """End the connection and wait for it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_STOP_S)

    def _is_there(self) -> bool:
        async def ask() -> None:
            if self._client is not None:
                async with asyncio.timeout(_MARGIN_S):
                    await self._client.list_tools(cache_mode="bypass")

        try:
            asyncio.run_coroutine_threadsafe(ask(), self._loop).result(2 * _MARGIN_S)
        except Exception:
            return False
        return True

    async def _ask(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        if self._client is None:
            raise OperatorError(f"the MCP server {self._name!r} is not running; ask again")
        async with asyncio.timeout(self._settings.call_s):
            return await self._client.call_tool(tool, arguments)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._keep())
        except Exception as exc:
            if not self._ready.done():
                self._ready.set_exception(
                    exc if isinstance(exc, AlcoveError) else self._failed(exc)
                )
        finally:
            self._broken = True
            self._loop.close()

    async def _keep(self) -> None:
        from mcp import Client

        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._settings.start_s):
                transport = await self._transport(stack)
                client = await stack.enter_async_context(
                    Client(transport, read_timeout_seconds=self._settings.call_s, cache=None)
                )
                self.offered = await _list(client)
            self._client = client
            self._ready.set_result(None)
            await self._stop.wait()

    async def _transport(self, stack: AsyncExitStack) -> Any:
        """How to speak to it: the pipes of a program that it starts, or HTTP to a place that may be asked."""
        from mcp import StdioServerParameters, stdio_client

        if self._settings.command:
            program, *arguments = self._settings.command
            silent = stack.enter_context(_nowhere())
            environment = dict(self._settings.env)
            parameters = StdioServerParameters(command=program, args=arguments, env=environment)
            return stdio_client(parameters, errlog=silent)
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        url = _allowed(self._name, self._settings.url, self._web)
        timeout = httpx2.Timeout(self._settings.call_s)
        http = httpx2.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False)
        return streamable_http_client(url, http_client=await stack.enter_async_context(http))

    def _late(self, seconds: float) -> OperatorError:
        return OperatorError(
            f"the MCP server {self._name!r} did not answer within {seconds:g} seconds; look whether it"
            " is stuck, or raise its deadlines in the settings"
        )

    def _failed(self, exc: BaseException) -> OperatorError:
        if isinstance(exc, TimeoutError):
            return self._late(self._settings.start_s)
        return OperatorError(
            f"the MCP server {self._name!r} cannot be used ({type(exc).__name__}); check its command or url"
        )


def _nowhere() -> TextIO:
    """Where a program's complaints go: they are not ours to log."""
    return Path(os.devnull).open("w", encoding="utf-8")


def _allowed(name: str, url: str, web: WebSettings) -> str:
    host = urlsplit(url).hostname or ""
    if is_this_machine(host):
        return url
    if not web.enabled or place_of(url, web.allow).scheme != "https":
        raise NotAllowed(
            f"the MCP server {name!r} is not on this machine; set web.enabled, name its host in"
            " web.allow, and use https"
        )
    return url


async def _list(client: Client) -> dict[str, Offered]:
    found: dict[str, Offered] = {}
    cursor: str | None = None
    while len(found) < _MOST_TOOLS:
        page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        found |= {tool.name: tool for tool in page.tools}
        cursor = page.next_cursor
        if cursor is None:
            break
    return dict(list(found.items())[:_MOST_TOOLS])
