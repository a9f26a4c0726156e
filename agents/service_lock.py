"""One home has one service: the lock that sees to it."""

from __future__ import annotations

import fcntl
from typing import IO

from corpus.errors import Conflict
from corpus.home import Home, disk_errors

__all__ = ["service_lock"]


def service_lock(home: Home) -> IO[str]:
    """A handle that holds the lock until it is closed, or the process has ended in any way.

    Raises:
        Conflict: another process holds it.
    """
    path = home.root / "service.lock"
    with disk_errors(path):
        handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        handle.close()
        raise Conflict(f"{str(home.root)!r} already has a service; use it, or stop it") from exc
    return handle
