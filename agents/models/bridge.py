"""Runs an asynchronous iterator in a thread of its own and hands its items to a plain iterator.

Asynchronous code can be cancelled at any point, also while it waits for a socket; plain code
cannot. So the connection to a language model lives in an event loop here, and closing the plain
iterator, or setting its ``stop``, closes the connection at once. The loop runs outside any tracing.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

from agents.models.untraced import untraced

__all__ = ["iterate"]

T = TypeVar("T")
_POLL_S = 0.05  # how soon a ``stop`` is noticed while nothing arrives


class _End:
    """Follows the last item; carries what ended the source, if it was an error."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Pump(Generic[T]):
    """The event loop, its one task and its thread."""

    def __init__(self, source: Callable[[], AsyncIterator[T]]) -> None:
        self.items: queue.Queue[T | _End] = queue.Queue()
        self._loop = asyncio.new_event_loop()
        with untraced():  # the task copies the context it is made in
            self._task = self._loop.create_task(self._pump(source))
        self._thread = threading.Thread(target=self._run, name="alcove-stream", daemon=True)
        self._thread.start()

    async def _pump(self, source: Callable[[], AsyncIterator[T]]) -> None:
        async for item in source():
            self.items.put(item)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._task)
        except (Exception, asyncio.CancelledError) as exc:
            self.items.put(_End(exc))  # raised again where the items are consumed
        else:
            self.items.put(_End(None))
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def close(self) -> None:
        """Cancels what still runs and waits for its connections to be closed."""
        with suppress(RuntimeError):  # the loop may have come to its end in this very moment
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(timeout=5.0)


def iterate(
    source: Callable[[], AsyncIterator[T]], stop: threading.Event | None = None
) -> Iterator[T]:
    """The items of ``source()`` as they come; ends early, without an error, when ``stop`` is set.

    Raises:
        Exception: whatever ``source`` raises, in its place among the items.
    """
    pump = _Pump(source)
    try:
        while stop is None or not stop.is_set():
            try:
                item = pump.items.get(timeout=None if stop is None else _POLL_S)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        pump.close()
