"""The process between the pool and a parser: once it has ended, nothing is left that the parser
started.

Started by ``ingest.parsing.process``: ``python -m ingest.parsing.supervisor ORDERS-AS-JSON``. It
forks; the child becomes the parser (``ingest.parsing.child``), in a session and, where the kernel
allows it, in an empty network of its own. The supervisor waits until the parser ends, SIGTERM
comes, or the pool's process is gone. Then it kills every descendant, those included that cut
themselves off from their session and parent, removes the temporary folder, and ends as the parser
ended. It imports none of what parsers need, and stays small.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from ingest.parsing.kernel import adopt_orphans, die_with_parent, leave_network

__all__ = ["main"]

_PARENT_CHECK_S = 1.0
_EVENTS = {signal.SIGTERM, signal.SIGCHLD}


def main() -> None:
    """Fork a parser and see to its end; ``parent``, ``scratch`` and the rest are in the orders."""
    orders: dict[str, Any] = json.loads(sys.argv[1])
    adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, _EVENTS)  # waited for, not handled
    supervisor = os.getpid()
    parser = os.fork()
    if parser == 0:
        _become_parser(orders, supervisor)
        return
    _close_streams()
    status = _wait(parser, int(orders["parent"]))
    _kill_descendants()
    shutil.rmtree(orders["scratch"], ignore_errors=True)
    _end_as(status)


def _become_parser(orders: dict[str, Any], supervisor: int) -> None:
    os.setsid()
    leave_network()
    die_with_parent()
    if os.getppid() != supervisor:
        return  # it ended before it could take this process along
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _EVENTS)
    from ingest.parsing.child import serve

    serve(orders)


def _close_streams() -> None:
    """Leave the pipes to the parser, so that its end is seen at the other end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _wait(parser: int, parent: int) -> int:
    """The wait status of the parser, once it has ended or was made to."""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == parser:
            return status
        if ended:
            continue  # an orphan: there may be more
        event = signal.sigtimedwait(_EVENTS, _PARENT_CHECK_S)
        ordered = event is not None and event.si_signo == signal.SIGTERM
        if ordered or os.getppid() != parent:
            os.kill(parser, signal.SIGKILL)
            return os.waitpid(parser, 0)[1]


def _kill_descendants() -> None:
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


def _end_as(status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _EVENTS)
        os.kill(os.getpid(), -code)
    os._exit(max(code, 0))


if __name__ == "__main__":
    main()
