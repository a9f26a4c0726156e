"""How much memory this process takes, and how much there is left for it, as the kernel tells. Knows nothing else.

Linux only; where the kernel does not tell, there is nothing to tell (``None``).
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["available_bytes", "process_bytes"]

_PROC, _CGROUP = Path("/proc"), Path("/sys/fs/cgroup")


def process_bytes(process: int | None = None, proc: Path = _PROC) -> int | None:
    """Bytes of a process (``None``: this one) that are in memory: its resident set, what it shares included."""
    folder = proc / (str(process) if process else "self")
    try:
        pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def available_bytes(proc: Path = _PROC, cgroup: Path = _CGROUP) -> int | None:
    """Bytes that can still be used without swapping: of the machine, or of the container if that has less."""
    left = [n for n in (_machine_left(proc), _container_left(cgroup)) if n is not None]
    return min(left, default=None)


def _machine_left(proc: Path) -> int | None:
    """``MemAvailable`` (proc_meminfo(5)), which counts caches that can be dropped."""
    try:
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(found.split()[1]) * 1024
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _container_left(cgroup: Path) -> int | None:
    """What the limit of a control group leaves (version 2; "max" is no limit), its file cache not counted."""
    try:
        limit = int((cgroup / "memory.max").read_text(encoding="ascii"))
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        stat = dict(
            line.split()
            for line in (cgroup / "memory.stat").read_text(encoding="ascii").splitlines()
        )
        return max(limit - used + int(stat.get("inactive_file", "0")), 0)
    except (OSError, ValueError):
        return None
