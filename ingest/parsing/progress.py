"""How a parser says that it gets on: ``for page in steps(pages)``.

While a loop over ``steps`` lasts, every item is reported to whoever listens: the parser process
passes it on to its parent, which ends a file that falls silent between two items for longer than
``Limits.stall_s``. Work that is not cut into steps reports nothing, and has the total time alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["report_to", "steps"]

Item = TypeVar("Item")

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


def _report(goes_on: bool) -> None:
    for listener in _listeners:
        listener(goes_on)
