"""``alcove test``: the linters, the type checker, the layer rules and the tests, one after the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from corpus.errors import UserError
from ui.commands.console import say

__all__ = ["run_checks"]

ROOT = Path(__file__).parents[2]
# The house's tools, as installed beside this Python.
CHECKS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("lint-imports",),
)
# A file's tests stay together, since they may share what is slow to start.
_SEVERAL_AT_ONCE = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile")


def run_checks(full: bool, arguments: Sequence[str]) -> int:
    """Run everything, even after a failure; 0 if all passed, else 1.

    Args:
        full: the tests marked ``full`` too, all one after the other, since some of them measure.
        arguments: passed on to pytest; with any, the other tools are left out.

    Raises:
        UserError: this is not a checkout, so there are no tests.
    """
    if not (ROOT / "tests").is_dir():
        raise UserError(
            f"there are no tests at {str(ROOT)!r}; run this from a clone of the repository"
        )
    how = ("-m", "") if full else () if arguments else _SEVERAL_AT_ONCE
    pytest = ("pytest", *how, *arguments)
    failed = [check[0] for check in (*(() if arguments else CHECKS), pytest) if not _passes(check)]
    if failed:
        say(f"failed: {', '.join(failed)}")
    return int(bool(failed))


def _passes(check: Sequence[str]) -> bool:
    say("$ " + " ".join(check))
    program = Path(sys.executable).with_name(check[0])
    return subprocess.run([program, *check[1:]], cwd=ROOT, check=False).returncode == 0
