"""A stand-in for ``python -m eval``, run as a program: what it does is said by the word before its arguments.

``quick`` ends with results at once; ``slow`` says that it has begun, starts a child in a session of its own,
and waits; ``broken`` refuses in a sentence; ``crash`` ends with a traceback; ``empty`` ends well with nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.reports import compare_json, write_report

ROOT = Path(__file__).parents[2]
"""What must be on the path of the process that runs it."""


def scripted(how: str) -> list[str]:
    """The program with such a word, as a service is told to start it."""
    return [sys.executable, "-P", "-m", "tests.agents.scripted_eval", how]


def main() -> None:
    how, command, *arguments = sys.argv[1:]
    if command == "compare":
        compare(how, arguments)
        return
    grid, out = Path(arguments[0]), Path(arguments[arguments.index("--out") + 1])
    assert grid.is_file()
    assert "--progress-json" in arguments
    tell(0, 3)
    if how == "slow":
        wait(grid.with_name("pids"))
    if how == "broken":
        fail("no gold quote stands in the documents; name the folder they are about", 2)
    if how == "crash":
        raise ZeroDivisionError("division by zero")
    if how == "quick":
        tell(3, 3)
        write_report(out)


def tell(done: int, total: int) -> None:
    print(json.dumps({"doing": "searching", "done": done, "total": total}), file=sys.stderr)


def wait(told: Path) -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    told.with_suffix(".tmp").write_text(f"{os.getpid()} {child.pid}")
    told.with_suffix(".tmp").rename(told)
    time.sleep(600)


def compare(how: str, arguments: list[str]) -> None:
    if how == "broken":
        fail("the two have no question in common", 2)
    print(json.dumps(compare_json(Path(arguments[0]).name, Path(arguments[1]).name)))


def fail(why: str, status: int) -> None:
    print(f"alcove: {why}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
