"""The queues in front of costly work, without a service around them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from agents.web_api.admission import RUSH_S, TIMEOUT_HEADER, Admission, Gate
from corpus.errors import DeadlinePassed, Overloaded


class Clock:
    """Stands still until it is told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Clients:
    """Requests at one gate, each of which works until it is told to leave."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.entered: list[str] = []
        self._inside: dict[str, AsyncExitStack] = {}

    async def come(self, name: str, patience_s: float = 60.0) -> None:
        stack = AsyncExitStack()
        await stack.enter_async_context(self.gate.turn(patience_s))
        self.entered.append(name)
        self._inside[name] = stack

    async def leave(self, name: str) -> None:
        await self._inside.pop(name).aclose()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def waiting(clients: Clients, *names: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(clients.come(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


def test_turns_come_in_order_and_one_too_many_is_refused_at_once() -> None:
    async def story() -> None:
        clients = Clients(Gate(at_work=1, waiting=2))
        await clients.come("a")
        tasks = await waiting(clients, "b", "c")
        assert (clients.gate.at_work, clients.gate.waiting) == (1, 2)
        with pytest.raises(Overloaded, match="1 requests are at work and 2 wait") as refused:
            await clients.come("d")
        assert refused.value.retry_after_s >= 1
        assert clients.gate.refusals == {"full": 1}
        await clients.leave("a")
        await clients.leave("b")
        await asyncio.gather(*tasks)
        assert clients.entered == ["a", "b", "c"]

    asyncio.run(story())


def test_who_waited_past_the_deadline_is_refused_and_takes_no_turn() -> None:
    async def story() -> None:
        clients = Clients(Gate(at_work=1, waiting=2))
        await clients.come("a")
        with pytest.raises(DeadlinePassed, match=r"for 0\.01 s"):
            await clients.come("b", 0.01)
        assert clients.gate.waiting == 0
        await clients.leave("a")
        await clients.come("c", 0.01)
        assert clients.entered == ["a", "c"]

    asyncio.run(story())


def test_who_goes_away_while_waiting_takes_no_turn() -> None:
    async def story() -> None:
        clients = Clients(Gate(at_work=1, waiting=2))
        await clients.come("a")
        gone, stays = await waiting(clients, "gone", "stays")
        gone.cancel()
        await clients.leave("a")
        await stays
        assert (clients.entered, clients.gate.waiting) == (["a", "stays"], 0)

    asyncio.run(story())


async def cheap(gate: Gate) -> bool:
    """A request that is served at once, or refused."""
    try:
        async with gate.turn(1.0):
            return True
    except Overloaded:
        return False


def test_in_a_rush_none_waits() -> None:
    async def story() -> None:
        clock = Clock()
        clients = Clients(Gate(at_work=1, waiting=1, clock=clock))
        assert all([await cheap(clients.gate) for _ in range(50)])  # long ago, so to speak
        await clients.come("a")
        (task,) = await waiting(clients, "b")
        assert [await cheap(clients.gate) for _ in range(5)] == [False] * 5
        await clients.leave("a")
        await task
        assert clients.gate.waiting == 0
        assert not await cheap(clients.gate)  # though there is room again: the rush goes on
        clock.now += 1.2 * RUSH_S
        assert not await cheap(clients.gate)  # more were refused meanwhile than served
        await clients.leave("b")
        assert [await cheap(clients.gate) for _ in range(9)] == [True] * 9

    asyncio.run(story())


def test_after_a_rush_the_queue_is_there_again() -> None:
    async def story() -> None:
        clock = Clock()
        clients = Clients(Gate(at_work=1, waiting=1, clock=clock))
        await clients.come("a")
        (task,) = await waiting(clients, "b")
        assert not await cheap(clients.gate)
        for name in ("a", "b"):
            await clients.leave(name)
        await task
        for _ in range(3):
            await cheap(clients.gate)
        await clients.come("c")
        clock.now += 1.2 * RUSH_S
        (task,) = await waiting(clients, "d")  # fewer were refused than served
        assert clients.gate.waiting == 1
        assert not await cheap(clients.gate)
        await clients.leave("c")
        await task
        await clients.leave("d")
        clock.now += 2.4 * RUSH_S
        await clients.come("e")
        (task,) = await waiting(clients, "f")  # the last rush is long gone
        assert clients.gate.waiting == 1
        await clients.leave("e")
        await task

    asyncio.run(story())


def test_the_time_to_ask_again_follows_what_waits() -> None:
    async def story() -> None:
        clock = Clock()
        gate = Gate(at_work=1, waiting=100, clock=clock)
        assert gate.retry_after_s == 1
        clients = Clients(gate)
        await clients.come("slow")
        clock.now += 0.5
        await clients.leave("slow")
        await clients.come("a")
        tasks = await waiting(clients, *map(str, range(100)))
        assert gate.retry_after_s == 6  # a tenth of 0.5 s counts so far: 101 times 0.05 s
        for task in tasks:
            task.cancel()

    asyncio.run(story())


def admit(
    test: Callable[[httpx.AsyncClient, Gate, list[str]], Awaitable[None]], reason: str = ""
) -> None:
    """Run a test against an application that notes the paths it is asked for."""
    gate, asked = Gate(at_work=1, waiting=0), list[str]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        guarded = Admission(app, {"/dear": gate}, 10.0, lambda: reason)
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            await test(client, gate, asked)

    asyncio.run(run())


def test_only_costly_paths_pass_the_gate() -> None:
    async def story(client: httpx.AsyncClient, gate: Gate, asked: list[str]) -> None:
        async with gate.turn(1.0):
            refused = await client.post("/dear")
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["error"]["type"] == "Overloaded"
            assert (await client.post("/cheap")).status_code == 204
            assert (await client.get("/dear")).status_code == 204
        assert (await client.post("/dear")).status_code == 204
        assert asked == ["/cheap", "/dear", "/dear"]

    admit(story)


def test_a_client_may_shorten_its_wait() -> None:
    async def story(client: httpx.AsyncClient, gate: Gate, asked: list[str]) -> None:
        gate._room = 1
        async with gate.turn(1.0):
            late = await client.post("/dear", headers={TIMEOUT_HEADER: "0.01"})
        assert (late.status_code, late.json()["error"]["type"]) == (503, "DeadlinePassed")
        assert "retry-after" in late.headers
        for wrong in ("soon", "-1", "0", "nan", "inf", ""):
            reply = await client.post("/dear", headers={TIMEOUT_HEADER: wrong})
            assert (reply.status_code, reply.json()["error"]["type"]) == (400, "UserError")
        assert asked == []

    admit(story)


def test_nothing_is_tried_before_the_service_is_ready() -> None:
    async def story(client: httpx.AsyncClient, gate: Gate, asked: list[str]) -> None:
        reply = await client.post("/dear")
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert reply.json()["error"]["message"].startswith("the encoder is being loaded; ")
        assert (asked, gate.refusals) == ([], {"unready": 1})

    admit(story, "the encoder is being loaded")
