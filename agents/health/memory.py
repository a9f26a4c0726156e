"""How much memory this process takes, and how much there is left for it, as the kernel tells. Knows nothing else.

Linux only; where the kernel does not tell, there is nothing to tell (``None``).
"""

from __future__ import annotations

import os
from pathlib import Path

from corpus.errors import OperatorError
from serving.available import available

__all__ = ["available_bytes", "process_bytes"]

_ROOT = Path("/")


def process_bytes(process: int | None = None, proc: Path = _ROOT / "proc") -> int | None:
    """Bytes of a process (``None``: this one) that are in memory: its resident set, what it shares included."""
    folder = proc / (str(process) if process else "self")
    try:
        pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def available_bytes(root: Path = _ROOT) -> int | None:
    """Bytes that can still be used without swapping: of the machine, or of the container if that has less."""
    try:
        return available(root)
    except OperatorError:
        return None
