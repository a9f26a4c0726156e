"""Puts a service under load: requests at a fixed rate, whether or not earlier ones were answered.

Speaks just enough HTTP/1.1 to cost little beside the service on the same machine.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

FRESH_S = 2.0


@dataclass(frozen=True)
class Reply:
    """``seconds`` from the first byte sent to the last one read."""

    status: int
    seconds: float
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Load:
    """Posts JSON bodies to one path of a service."""

    def __init__(self, url: str, path: str = "/v1/search") -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._path = path
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []

    def one_by_one(self, body: Callable[[int], Any], count: int) -> list[Reply]:
        """What one client gets that waits for each reply."""

        async def ask() -> list[Reply]:
            return [await self._post(body(n)) for n in range(count)]

        return asyncio.run(self._closing(ask))

    def at_rate(self, body: Callable[[int], Any], per_second: float, seconds: float) -> list[Reply]:
        """What requests get that come ``per_second``, for so many seconds."""

        async def ask() -> list[Reply]:
            began, tasks = time.perf_counter(), []
            for number in range(math.ceil(per_second * seconds)):
                await asyncio.sleep(began + number / per_second - time.perf_counter())
                tasks.append(asyncio.create_task(self._post(body(number))))
            return list(await asyncio.gather(*tasks))

        return asyncio.run(self._closing(ask))

    async def _closing(self, ask: Callable[[], Any]) -> list[Reply]:
        try:
            replies: list[Reply] = await ask()
        finally:
            while self._idle:
                self._idle.pop()[1].close()
        return replies

    async def _post(self, body: Any) -> Reply:
        sent = json.dumps(body).encode()
        reader, writer = await self._connection()
        began = time.perf_counter()
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        )
        writer.write(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        received = await reader.readexactly(int(headers["content-length"]))
        seconds = time.perf_counter() - began
        self._idle.append((reader, writer, time.monotonic()))
        return Reply(int(lines[0].split()[1]), seconds, headers, received)

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The one used last, or a new one: the server closes those that were idle for some seconds."""
        if self._idle and time.monotonic() - self._idle[-1][2] < FRESH_S:
            return self._idle.pop()[:2]
        return await asyncio.open_connection(self._host, self._port)


def percentile(replies: Sequence[Reply], percent: float) -> float:
    """Seconds that ``percent`` of the replies took at most."""
    ordered = sorted(reply.seconds for reply in replies)
    return ordered[math.ceil(percent / 100 * len(ordered)) - 1]
