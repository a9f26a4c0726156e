"""``alcove test``: the linters, the type checker, the layer rules and the tests, one after the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from corpus.errors import UserError
from ui.console import say

__all__ = ["run_checks"]

ROOT = Path(__file__).parent.parent
# The house's tools, each run as a module so that it is this environment's.
CHECKS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check"),
    ("ruff", "format", "--check", "--quiet"),
    ("mypy",),
    ("importlinter.cli",),
)


def run_checks(full: bool, arguments: Sequence[str]) -> int:
    """Run everything, even after a failure; 0 if all passed, else 1.

    Args:
        full: the tests marked ``full`` too.
        arguments: passed on to pytest; with any, the other tools are left out.

    Raises:
        UserError: this is not a checkout, so there are no tests.
    """
    if not (ROOT / "tests").is_dir():
        raise UserError(
            f"there are no tests at {str(ROOT)!r}; run this from a clone of the repository"
        )
    failed = []
    for check in () if arguments else CHECKS:
        say("$ " + " ".join(check))
        if subprocess.run([sys.executable, "-m", *check], cwd=ROOT, check=False).returncode:
            failed.append(check[0])
    pytest = ["pytest", *(["-m", ""] if full else []), *arguments]
    say("$ " + " ".join(pytest))
    if subprocess.run([sys.executable, "-m", *pytest], cwd=ROOT, check=False).returncode:
        failed.append("pytest")
    if failed:
        say(f"failed: {', '.join(failed)}")
    return int(bool(failed))
