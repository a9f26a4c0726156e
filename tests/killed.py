"""What the programs share that do work in children to be killed: the pipe to them, and how a child ends.

Such a program imports everything once and then, for each request it reads as a line of JSON, forks a child, so that
a kill costs milliseconds. Only processes started here are killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

__all__ = ["Forker", "killed_after", "was_killed"]

ROOT = Path(__file__).parents[1]


class Forker:
    """A running program; ``module`` is what ``python -m`` runs."""

    module: ClassVar[str]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.stdin.close()

    def request(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """What the program replies once the child that did this has ended."""
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        return reply


@contextmanager
def killed_after(child: int, seconds: float | None) -> Iterator[None]:
    """Kill the child after so many seconds, unless the block, at whose end it has ended, is done before.

    Until it is reaped, which is for afterwards, its id is its own.
    """
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, os.kill, (child, signal.SIGKILL))
    timer.start()
    yield
    timer.cancel()
    timer.join()


def was_killed(child: int, what: str) -> bool:
    """Reap the child; whether it was killed. ``what`` it was, for the error if it failed by itself."""
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and status:
        raise SystemExit(f"the {what} failed with status {status}")
    return os.WIFSIGNALED(status)
