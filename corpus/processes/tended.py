"""Runs a program and sees to its end: ``python -P -m corpus.processes.tended PARENT NICE PROGRAM ARGUMENT…``.

Once this process has ended, nothing is left that the program started, however it was ended: by itself, by
SIGTERM, or because the process with the id ``PARENT`` is gone. The program has this one's streams, and gives
way to others on the processor by ``NICE`` (0: not at all). Ends as the program ended. Linux only.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from corpus.processes.kernel import adopt_orphans, die_with_parent
from corpus.processes.tending import EVENTS, close_streams, end_as, kill_descendants, wait_for

__all__ = ["POLITE", "main", "tended"]

POLITE = 10  # niceness: answers go before measurements


def tended(command: Sequence[str], niceness: int = POLITE) -> list[str]:
    """The command line that runs ``command`` so, for a child of this process."""
    program = [sys.executable, "-P", "-m", "corpus.processes.tended"]
    return [*program, str(os.getpid()), str(niceness), *command]


def main() -> None:
    """Run the program that the command line names."""
    parent, niceness, *command = sys.argv[1:]
    adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, EVENTS)
    this = os.getpid()
    child = os.fork()
    if child == 0:
        _become(command, this, int(niceness))
    close_streams()
    status = wait_for(child, int(parent))
    kill_descendants()
    end_as(status)


def _become(command: list[str], parent: int, niceness: int) -> None:
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)  # it ended before it could take this process along
    os.nice(niceness)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, EVENTS)
    try:
        os.execvp(command[0], command)
    except OSError as exc:
        print(f"alcove: {command[0]!r} cannot be run ({exc.strerror})", file=sys.stderr)
        os._exit(3)


if __name__ == "__main__":
    main()
