"""Removes deleted threads when they cannot be brought back any more, and cancels what still runs in them.

Looks when it starts, which takes up what a killed service left, and then about every second. Knows nothing of HTTP.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from agents.running.runs import Runs
from agents.store.undo import Deleting
from corpus.errors import AlcoveError, NotFound

__all__ = ["Sweeping"]

_LOG = logging.getLogger(__name__)
_LOOK_S = 1.0


class Sweeping:
    """The sweep of one service.

    Args:
        deleting: knows what is due.
        runs: those that go on in deleted threads are cancelled.
    """

    def __init__(self, deleting: Deleting, runs: Runs) -> None:
        self._deleting, self._runs = deleting, runs
        self._closing = threading.Event()
        self._complained = False
        self._sweeper = threading.Thread(target=self._watch, name="sweeper", daemon=True)

    def start(self) -> None:
        """Sweep once, and begin to look at the clock."""
        self.look()
        self._sweeper.start()

    def close(self) -> None:
        """Stop looking at the clock."""
        self._closing.set()
        if self._sweeper.is_alive():
            self._sweeper.join()

    def look(self) -> int:
        """Cancel and remove what is due now; returns how many threads were removed."""
        for run in self._deleting.unfinished():
            with suppress(NotFound):  # it has just gone with its thread
                self._runs.cancel(run)
        return self._deleting.sweep()

    def _watch(self) -> None:
        while not self._closing.wait(_LOOK_S):
            try:
                self.look()
                self._complained = False
            except AlcoveError as exc:  # a full disk, say: it is tried again
                if not self._complained:
                    self._complained = True
                    _LOG.error("deleted threads cannot be removed yet: %s", exc)
