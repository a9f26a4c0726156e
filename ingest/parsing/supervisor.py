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
from typing import Any

from corpus.processes.kernel import adopt_orphans, die_with_parent, leave_network
from corpus.processes.tending import EVENTS, close_streams, end_as, kill_descendants, wait_for

__all__ = ["main"]


def main() -> None:
    """Fork a parser and see to its end; ``parent``, ``scratch`` and the rest are in the orders."""
    orders: dict[str, Any] = json.loads(sys.argv[1])
    adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, EVENTS)  # waited for, not handled
    supervisor = os.getpid()
    parser = os.fork()
    if parser == 0:
        _become_parser(orders, supervisor)
        return
    close_streams()
    status = wait_for(parser, int(orders["parent"]))
    kill_descendants()
    shutil.rmtree(orders["scratch"], ignore_errors=True)
    end_as(status)


def _become_parser(orders: dict[str, Any], supervisor: int) -> None:
    os.setsid()
    leave_network()
    die_with_parent()
    if os.getppid() != supervisor:
        return  # it ended before it could take this process along
    signal.pthread_sigmask(signal.SIG_UNBLOCK, EVENTS)
    from ingest.parsing.child import serve

    serve(orders)


if __name__ == "__main__":
    main()
