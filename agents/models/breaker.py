"""Leaves a language model server alone for a while once it could not be reached several times in a row.

Without it every question to a server that is down waits for the same deadlines again. After the
cool-down one attempt is let through: if it reaches the server everything is as before, else the
cool-down starts anew. One breaker belongs to one server URL; answers and the agent share it.

Knows nothing of HTTP: whoever connects says how it went.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from corpus.errors import ModelUnavailable

__all__ = ["Breaker"]


class Breaker:
    """Safe to use from several threads.

    Args:
        url: the server, as it is named to a person.
        failures: attempts in a row that fail to reach it before it is left alone.
        cool_down_s: seconds for which it then is.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        url: str,
        failures: int,
        cool_down_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._most, self._cool_down, self._clock = url, failures, cool_down_s, clock
        self._lock = threading.Lock()
        self._failed = 0
        self._until: float | None = None  # while set, the server is left alone until then
        self._probing = False

    def check(self) -> None:
        """Raises ``ModelUnavailable`` while the server is left alone; claims nothing."""
        with self._lock:
            if self._until is not None and (self._probing or self._clock() < self._until):
                raise self._refusal()

    def enter(self) -> None:
        """Before an attempt, which ``reached``, ``failed`` or ``left`` must follow.

        Raises:
            ModelUnavailable: the server is left alone, or another attempt is finding out.
        """
        with self._lock:
            if self._until is None:
                return
            if self._probing or self._clock() < self._until:
                raise self._refusal()
            self._probing = True

    def reached(self) -> None:
        """The server answered, whatever it said."""
        with self._lock:
            self._failed, self._until, self._probing = 0, None, False

    def failed(self) -> None:
        """The server could not be reached, or said nothing until the deadline."""
        with self._lock:
            self._failed += 1
            if self._probing or self._failed >= self._most:
                self._until = self._clock() + self._cool_down
            self._probing = False

    def left(self) -> None:
        """The attempt was given up before anybody could tell."""
        with self._lock:
            self._probing = False

    def _refusal(self) -> ModelUnavailable:
        wait = max(1, math.ceil((self._until or 0.0) - self._clock()))
        return ModelUnavailable(
            f"the language model server at {self._url!r} could not be reached {self._failed} times"
            f" in a row and is left alone for {wait} more seconds; start it, or set llm.url to"
            " where it is"
        )
