"""The program that measures (``python -m eval``): how it is called, what it says, and why it failed.

It is a process of its own, tended so that nothing of it outlives this one (``corpus.processes.tended``). Of the page's
runs it tells how far it is on standard error, as lines ``{"doing", "done", "total"}``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents.records.record_json import Json
from corpus.errors import OperatorError, UserError
from corpus.processes.tended import tended

__all__ = ["EVAL", "Program", "progress", "reason"]

EVAL = (sys.executable, "-P", "-m", "eval")

_COMPARE_S = 120.0
_SAID = "alcove: "  # begins the line in which a command says why it failed


class Program:
    """The program that ``command`` names; ``run …`` and ``compare …`` are put behind it."""

    def __init__(self, command: Sequence[str] = EVAL) -> None:
        self.command = tuple(command)

    @contextmanager
    def run(self, grid: Path, out: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
        """The process that computes a grid, while inside; it has ended afterwards."""
        arguments = ["run", str(grid), "--out", str(out), "--home", str(home), "--progress-json"]
        with self._started(arguments, subprocess.DEVNULL) as process:
            yield process

    def compare(self, a: str, b: str, metric: str = "") -> Json:
        """What ``compare A B`` says of two systems, each ``FOLDER`` or ``FOLDER:SYSTEM``.

        Raises:
            UserError: they cannot be compared. OperatorError: the program failed.
        """
        arguments = ["compare", a, b, "--json", *(["--metric", metric] if metric else [])]
        with self._started(arguments, subprocess.PIPE) as process:
            try:
                said, complained = process.communicate(timeout=_COMPARE_S)
            except subprocess.TimeoutExpired as exc:
                process.terminate()
                raise OperatorError(
                    "the comparison took too long; compare fewer questions"
                ) from exc
        if process.returncode:
            kind = UserError if process.returncode == UserError.exit_status else OperatorError
            raise kind(reason([line for line in complained.splitlines() if line.strip()]))
        found: Json = json.loads(said)
        return found

    @contextmanager
    def _started(self, arguments: Sequence[str], stdout: int) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            tended([*self.command, *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the service, which then stops this
        ) as process:
            yield process


def progress(line: str) -> tuple[str, int, int] | None:
    """What is being done, how much of it is done, and of how much, if the line tells that."""
    try:
        told = json.loads(line)
        return str(told["doing"]), int(told["done"]), int(told["total"] or 0)
    except (ValueError, TypeError, KeyError):
        return None


def reason(lines: Sequence[str]) -> str:
    """Why the program failed, in its own words if it said so in a sentence."""
    said = [line.removeprefix(_SAID) for line in lines if line.startswith(_SAID)]
    if said:
        return said[-1]
    last = f": {lines[-1][:300]}" if lines else ""
    return f"the benchmark ended unexpectedly{last}"
