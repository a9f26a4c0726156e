"""Keeps the service quick when more is asked of it than it can do: bounded queues in front of costly work.

A fixed number of requests is at work, a fixed number waits its turn, and one more is refused at once, with the time
after which to ask again. A request that has waited past its deadline is refused before anything is done for it. All
this happens on the event loop, before a thread or the body's parsing is spent.

A burst may fill the queue. When it overflows, more is asked than can be done, and a queue would only make every answer
late: until the rush is over, none waits, as there is always somebody to take a place that becomes free. (As "controlled
delay" does with a clock: Maurer, Fail at Scale, ACM Queue 13(8), 2015, https://doi.org/10.1145/2838344.2839461.) It is
over once fewer were refused in a second than were served: then the queue has room for those again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from agents.web_api.refusals import refusal
from corpus.errors import AlcoveError, DeadlinePassed, NotReady, Overloaded, UserError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["RUSH_S", "TIMEOUT_HEADER", "Admission", "Gate"]

TIMEOUT_HEADER = "X-Request-Timeout"
RUSH_S = 1.0  # how often, in a rush, it is looked at whether it goes on
_LONGEST_RETRY_S = 60
_SMOOTHING = 0.1  # weight of the newest request in the mean time of one


class Gate:
    """The queue in front of one kind of work. Used from one event loop.

    Args:
        at_work: requests worked on at the same time.
        waiting: requests that may wait for that.
        clock: seconds that only go forward.
    """

    def __init__(
        self, at_work: int, waiting: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self.waiting = 0
        """Requests waiting now."""
        self.at_work = 0
        """Requests worked on now."""
        self.refusals: Counter[str] = Counter()
        """How many were refused, by reason."""
        self._most, self._room = at_work, waiting
        self._slots = asyncio.Semaphore(at_work)
        self._rush_until = 0.0  # when to look whether it goes on; 0: there is none
        self._refused = self._served = 0  # since it was last looked at
        self._mean_s = 0.0

    @asynccontextmanager
    async def turn(self, patience_s: float) -> AsyncIterator[None]:
        """One request's turn, waited for ``patience_s`` at most.

        Raises:
            Overloaded: the queue is full.
            DeadlinePassed: the turn did not come in time.
        """
        await self._wait(patience_s)
        began = self._clock()
        self.at_work += 1
        try:
            yield
        finally:
            self.at_work -= 1
            self._served += 1
            self._slots.release()
            self._mean_s += _SMOOTHING * (self._clock() - began - self._mean_s)

    async def _wait(self, patience_s: float) -> None:
        if self._slots.locked() and (self._is_rush() or self.waiting >= self._room):
            if not self._rush_until:
                self._look_again_at(self._clock() + RUSH_S)
            self._refused += 1
            self.refusals["full"] += 1
            raise Overloaded(
                f"{self._most} requests are at work and {self.waiting} wait; ask again in a moment",
                self.retry_after_s,
            )
        self.waiting += 1
        try:
            async with asyncio.timeout(patience_s):
                await self._slots.acquire()
        except TimeoutError:
            self.refusals["deadline"] += 1
            raise DeadlinePassed(
                f"the request waited for its turn for {patience_s:g} s; ask again in a moment",
                self.retry_after_s,
            ) from None
        finally:
            self.waiting -= 1

    def _is_rush(self) -> bool:
        now = self._clock()
        if self._rush_until and now >= self._rush_until:
            is_recent = now < self._rush_until + RUSH_S
            goes_on = is_recent and self._refused > self._served
            self._look_again_at(now + RUSH_S if goes_on else 0.0)
        return self._rush_until > 0

    def _look_again_at(self, rush_until: float) -> None:
        self._rush_until = rush_until
        self._refused = self._served = 0

    @property
    def retry_after_s(self) -> int:
        """Seconds in which what waits now will have had its turn."""
        drained = (self.waiting + self._most) * self._mean_s / self._most
        return min(max(1, math.ceil(drained)), _LONGEST_RETRY_S)


class Admission:
    """ASGI middleware: requests to the paths of ``gates`` pass through their gate.

    Args:
        app: what is guarded.
        gates: by path.
        deadline_s: how long a request may wait; its header ``X-Request-Timeout`` may shorten that.
        unready: why nothing can be done yet, or nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        gates: Mapping[str, Gate],
        deadline_s: float,
        unready: Callable[[], str],
    ) -> None:
        self._app, self._gates = app, gates
        self._deadline_s, self._unready = deadline_s, unready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on in its turn, or answer it with 400, 429 or 503."""
        gate = self._gates.get(scope["path"]) if scope["type"] == "http" else None
        if gate is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        async with AsyncExitStack() as turn:
            try:
                self._require_ready(gate)
                patience_s = self._patience(dict(scope["headers"]))
                await turn.enter_async_context(gate.turn(patience_s))
            except AlcoveError as exc:
                await refusal(exc)(scope, receive, send)
            else:
                await self._work(scope, receive, send)

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:  # the service stops, and this takes longer than it may
            stopping = NotReady("the service is stopping; ask again when it is back")
            await refusal(stopping)(scope, receive, send)

    def _require_ready(self, gate: Gate) -> None:
        reason = self._unready()
        if reason:
            gate.refusals["unready"] += 1
            raise NotReady(f"{reason}; ask again in a moment", gate.retry_after_s)

    def _patience(self, headers: Mapping[bytes, bytes]) -> float:
        wanted = headers.get(TIMEOUT_HEADER.lower().encode())
        if wanted is None:
            return self._deadline_s
        try:
            seconds = float(wanted)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            said = wanted.decode("latin-1")
            raise UserError(f"{TIMEOUT_HEADER!r} is {said!r}; give a number of seconds above 0")
        return min(seconds, self._deadline_s)
