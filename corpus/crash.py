"""Named moments of a commit, or of an approved tool call, at which a test can kill this process: nothing is lost.

Only a test arms a point; unarmed, passing one costs a look into an empty dictionary.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum

__all__ = ["CallPoint", "CrashPoint", "arm", "crash_point"]


class CrashPoint(StrEnum):
    """Every moment between two durable steps, in the order in which a commit passes them."""

    ORIGINAL_KEPT = "original kept"
    VECTORS_STORED = "vectors stored"
    STAGED = "staged"
    DENSE_WRITTEN = "dense index written"
    LEXICAL_WRITTEN = "lexical index written"
    MANIFEST_WRITTEN = "manifest written"
    RENAMED = "snapshot renamed"
    SPACE_EMBEDDED = "new space embedded"
    ROWS_STAGED = "catalog rows staged"
    CATALOG_COMMITTED = "catalog committed"
    CURRENT_REPLACED = "CURRENT replaced"
    SNAPSHOT_DISCARDED = "old snapshot discarded"
    SNAPSHOTS_CLEARED = "old snapshots cleared"
    ORIGINALS_CLEARED = "unreferenced originals cleared"
    PURGED = "catalog purged"
    SET_ASIDE = "damage set aside"
    VECTORS_PRUNED = "unreferenced vectors pruned"
    CATALOG_VACUUMED = "catalog vacuumed"
    SPACE_FORGOTTEN = "other space forgotten"


class CallPoint(StrEnum):
    """Every moment between two durable steps of a tool call that needs a person's approval, in order."""

    WAITING = "run is waiting"
    DECIDED = "decision kept"
    BEGUN = "execution begun"
    DONE = "effect done"
    FINISHED = "result kept"


_ARMED: dict[CrashPoint | CallPoint, int] = {}


def arm(point: CrashPoint | CallPoint, visit: int = 1) -> None:
    """From now on, die by SIGKILL when ``point`` is passed for the ``visit``-th time."""
    _ARMED[point] = visit


def crash_point(point: CrashPoint | CallPoint) -> None:
    """Pass a point; dies here if a test armed it."""
    if point in _ARMED:
        _ARMED[point] -= 1
        if not _ARMED[point]:
            os.kill(os.getpid(), signal.SIGKILL)
