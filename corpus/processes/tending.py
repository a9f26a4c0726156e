"""Waiting for a process that may not outlive another one, and killing all that it started.

For programs that do nothing else: they block SIGTERM and SIGCHLD (``EVENTS``), adopt orphans
(``corpus.processes.kernel``), fork, wait, kill what is left, and end as their child ended. Linux only.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

__all__ = ["EVENTS", "close_streams", "end_as", "kill_descendants", "wait_for"]

EVENTS = {signal.SIGTERM, signal.SIGCHLD}
"""To be blocked before the fork: they are waited for, not handled."""

_PARENT_CHECK_S = 1.0


def close_streams() -> None:
    """Leave the pipes to the child, so that its end is seen at the other end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def wait_for(child: int, parent: int) -> int:
    """The wait status of a child, once it has ended, or was made to: by SIGTERM, or because this process's
    parent is no longer ``parent``.
    """
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            return status
        if ended:
            continue  # an orphan: there may be more
        event = signal.sigtimedwait(EVENTS, _PARENT_CHECK_S)
        ordered = event is not None and event.si_signo == signal.SIGTERM
        if ordered or os.getppid() != parent:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1]


def kill_descendants() -> None:
    """Kill generation after generation: the children of a killed process become this one's."""
    while True:
        try:
            os.waitpid(-1, os.WNOHANG)
            for child in _children():
                os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    me = os.getpid()
    found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for process in found if _parent(process) == me]


def _parent(process: int) -> int | None:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None  # it has ended meanwhile
    return int(stat.rpartition(")")[2].split()[1])


def end_as(status: int) -> None:
    """End this process as the wait status says that its child ended."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, EVENTS)
        os.kill(os.getpid(), -code)
    os._exit(max(code, 0))
