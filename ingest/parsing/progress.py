"""How a parser says that it gets on: ``for page in steps(pages)``.

While a loop over ``steps`` lasts, every item is reported to whoever listens: the parser process
passes it on to its parent, which ends a file that falls silent between two items for longer than
``Limits.stall_s``. Work that is not cut into steps reports nothing, and has the total time alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ingest.parsing.limits import Limits

__all__ = ["in_time", "report_to", "steps"]

Item = TypeVar("Item")

_SHARE_OF_TIME = 0.8  # of the total; the rest is for what comes after the items

_listeners: list[Callable[[bool], None]] = []  # of this process; parsing has one thread


def report_to(listener: Callable[[bool], None]) -> None:
    """Call ``listener(True)`` at the begin of every step from now on, and ``listener(False)`` after
    the last of a loop.
    """
    _listeners[:] = [listener]


def steps(items: Iterable[Item]) -> Iterator[Item]:
    """Hand on ``items``, each of which takes a bounded time, and report each."""
    try:
        for item in items:
            _report(True)
            yield item
    finally:
        _report(False)


def in_time(items: Iterable[Item], limits: Limits, missing: list[str], what: str) -> Iterator[Item]:
    """``steps`` until most of the time for one file is spent: better a part of it than nothing.

    Args:
        missing: gets a line when items are left, which are called ``what``, as in "pages".
    """
    end = time.monotonic() + _SHARE_OF_TIME * limits.timeout_s
    for number, item in enumerate(steps(items), 1):
        if number > 1 and time.monotonic() > end:
            missing.append(f"{what} after the first {number - 1}: there was no time left for them")
            return
        yield item


def _report(goes_on: bool) -> None:
    for listener in _listeners:
        listener(goes_on)
