"""When a running ingestion commits: early at first, so that there is soon something to find, then in larger steps.

A commit costs a few flushes of the disk, however large the index is. Knows nothing of what is committed.
"""

from __future__ import annotations

import time

__all__ = ["Pace"]

GROWTH = 4  # how many times as many documents a late commit may hold as the first


class Pace:
    """Decides when the documents that wait are to be made durable.

    Args:
        documents: in the first commit (count); twice as many in each later one, up to ``GROWTH`` times as many.
        seconds: after which those that wait are committed however few they are.
    """

    def __init__(self, documents: int, seconds: float) -> None:
        self._documents = documents
        self._most = GROWTH * documents
        self._seconds = seconds
        self._last = time.monotonic()

    def is_due(self, waiting: int) -> bool:
        """Whether ``waiting`` documents should be committed now."""
        late = time.monotonic() - self._last >= self._seconds
        return waiting >= self._documents or (late and waiting > 0)

    def committed(self) -> None:
        """A commit was made."""
        self._documents = min(2 * self._documents, self._most)
        self._last = time.monotonic()
