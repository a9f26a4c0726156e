"""Whether the language model's server can be reached, since when, and what it answered last.

Asks for its list of models, which costs it nothing, in the background and only when somebody wants to know; whoever
asks is told what was found last. Knows nothing of HTTP routes or of engines.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from agents.models.discover import UNREADABLE, fetch_json

__all__ = ["EngineWatch", "Reached"]

_STALE_S = 4.0
_TIMEOUT_S = 2.0
_FIRST_S = 0.3  # the first time, an answer that comes as fast is waited for
_MODELS = 20  # named, of those that a server lists


@dataclass(frozen=True, slots=True)
class Reached:
    """What is known of one server. ``since`` is when it was first seen as it is now, ``asked`` when it was last asked
    (ISO 8601; ``None``: not yet), ``said`` what it answered, or why it did not; ``models`` those that it lists.
    """

    url: str
    reachable: bool | None = None
    since: str | None = None
    asked: str | None = None
    said: str = ""
    models: tuple[str, ...] = ()
    took_ms: float | None = None


class EngineWatch:
    """Watches one server at a time. Safe to use from several threads.

    Args:
        api_key: sent along; empty: none is.
        stale_s: after how long (seconds) it is asked again.
        timeout_s: how long an answer may take.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        api_key: str = "",
        stale_s: float = _STALE_S,
        timeout_s: float = _TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key, self._stale_s, self._timeout_s, self._clock = api_key, stale_s, timeout_s, clock
        self._lock = threading.Lock()
        self._known = Reached("")
        self._begun: float | None = None
        self._asking = False
        self._done = threading.Event()

    def look(self, url: str) -> Reached:
        """What was found last of the server at ``url`` (ends in ``/v1``); it is asked again if that is old."""
        with self._lock:
            if url != self._known.url:
                self._known, self._done = Reached(url), threading.Event()
                self._begun, self._asking = None, False
            is_first = self._known.asked is None
            is_old = self._begun is None or self._clock() - self._begun > self._stale_s
            if is_old and not self._asking:
                self._begun, self._asking = self._clock(), True
                arguments = (url, self._done)
                threading.Thread(target=self._ask, args=arguments, daemon=True).start()
            done = self._done
        if is_first:
            done.wait(_FIRST_S)
        with self._lock:
            return self._known if self._known.url == url else Reached(url)

    def _ask(self, url: str, done: threading.Event) -> None:
        began = self._clock()
        models: tuple[str, ...] = ()
        try:
            models = _named(fetch_json(f"{url}/models", self._timeout_s, self._key))
            reachable, said = True, _listed(models)
        except UNREADABLE as exc:
            reachable, said = False, self._why(exc)
        took = round((self._clock() - began) * 1000, 1)
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        with self._lock:
            if self._done is done:  # else another server is watched by now
                self._asking = False
                is_news = self._known.reachable is not reachable
                since = moment if is_news else self._known.since
                self._known = replace(
                    Reached(url, reachable, since, moment, said, models),
                    took_ms=took if reachable else None,
                )
        done.set()

    def _why(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"it did not answer within {self._timeout_s:g} seconds"
        if isinstance(error, ConnectionRefusedError):
            return "nothing listens there"
        if isinstance(error, OSError | http.client.HTTPException):
            return f"it cannot be reached ({error})"
        return "it answers, but not with a list of models"


def _named(reply: Any) -> tuple[str, ...]:
    return tuple(str(card["id"]) for card in reply["data"][:_MODELS])


def _listed(models: tuple[str, ...]) -> str:
    return f"it serves {', '.join(map(repr, models))}" if models else "it serves no model"
