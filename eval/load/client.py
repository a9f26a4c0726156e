"""Requests to an OpenAI-compatible server, each with the moments at which its pieces came.

Two ways to ask. With a fixed number of users each asks anew once its answer has ended. At a rate, requests are due
at random moments (a Poisson process) whether or not earlier ones were answered, and their times count from when they
were *due*: a server that stalls cannot hide what would have been asked meanwhile (Tene, "How NOT to measure
latency"; Schroeder et al., NSDI 2006, on open and closed systems).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from agents.text.event_stream import EventStream
from eval.load.prompts import Prompt

__all__ = ["Sample", "Server", "at_rate", "fixed_users"]


@dataclass(frozen=True, slots=True)
class Server:
    """Who is asked: ``url`` ends in ``/v1``; ``answer_tokens`` is the length of each answer."""

    url: str
    model: str
    api_key: str = ""
    answer_tokens: int = 200
    patience_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One request; moments in seconds of one clock.

    ``due`` is when it should have been sent, ``pieces`` when each piece of text came. ``prompt_tokens`` and ``tokens``
    are what the server counted, else 0 and the number of pieces. ``error`` says why it failed; then only ``due``,
    ``sent`` and ``ended`` hold.
    """

    due: float
    sent: float
    ended: float
    pieces: tuple[float, ...] = field(default=(), repr=False)
    prompt_tokens: int = 0
    tokens: int = 0
    error: str = ""


def fixed_users(
    server: Server, asked: Iterator[Prompt], users: int, requests: int, longest_s: float
) -> list[Sample]:
    """Samples of ``users`` who ask one after the other, ``requests`` in all or for ``longest_s``."""

    async def run() -> list[Sample]:
        found: list[Sample] = []
        left = itertools.count()
        end = time.perf_counter() + longest_s

        async def one_user() -> None:
            async with _client(server) as client:
                while next(left) < requests and (due := time.perf_counter()) < end:
                    found.append(await _ask(client, server, next(asked), due))

        await asyncio.gather(*(one_user() for _ in range(users)))
        return found

    return asyncio.run(run())


def at_rate(
    server: Server, asked: Iterator[Prompt], per_s: float, requests: int, seed: int
) -> list[Sample]:
    """Samples of ``requests`` that are due ``per_s`` a second on average, at random moments."""

    async def one(prompt: Prompt, due: float) -> Sample:
        async with _client(server) as client:
            return await _ask(client, server, prompt, due)

    async def run() -> list[Sample]:
        draw = random.Random(seed)
        due, tasks = time.perf_counter(), []
        for _ in range(requests):
            due += draw.expovariate(per_s)
            prompt = next(asked)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(prompt, due)))
        return list(await asyncio.gather(*tasks))

    return asyncio.run(run())


def _client(server: Server) -> httpx.AsyncClient:
    """A client of one user: a pool that many share takes longer for each the more there are."""
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    timeout = httpx.Timeout(server.patience_s)
    # Certificates take 25 ms to read, for each client; a server on this machine has none.
    verify = _certificates() if server.url.startswith("https") else False
    return httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False, verify=verify)


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _ask(client: httpx.AsyncClient, server: Server, prompt: Prompt, due: float) -> Sample:
    body = {
        "model": server.model,
        "messages": prompt,
        "max_tokens": server.answer_tokens,
        "temperature": 0,
        "ignore_eos": True,  # of vLLM, SGLang and TensorRT-LLM: every answer as long as was asked for
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    sent = time.perf_counter()
    pieces: list[float] = []
    usage: dict[str, Any] = {}
    try:
        async with client.stream("POST", f"{server.url}/chat/completions", json=body) as response:
            if response.status_code != 200:
                text = (await response.aread()).decode("utf-8", "replace")
                return _failed(due, sent, f"status {response.status_code}: {text[:200]}")
            async for event in _events(response):
                usage = event.get("usage") or usage
                if any(_text(choice) for choice in event.get("choices", ())):
                    pieces.append(time.perf_counter())
    except (httpx.HTTPError, ValueError) as exc:
        return _failed(due, sent, f"{type(exc).__name__}: {exc}")
    if not pieces:
        return _failed(due, sent, "it sent no text")
    return Sample(
        due, sent, time.perf_counter(), tuple(pieces),
        int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or len(pieces)),
    )  # fmt: skip


def _failed(due: float, sent: float, error: str) -> Sample:
    return Sample(due, sent, time.perf_counter(), error=error)


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    events = EventStream()
    async for piece in response.aiter_bytes():
        for data in events.feed(piece):
            if data != "[DONE]":
                yield json.loads(data)


def _text(choice: dict[str, Any]) -> str:
    delta = choice.get("delta") or {}
    return delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning") or ""
