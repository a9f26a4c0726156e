"""How much memory there is left: of the machine, and of the control group that this process is in.

On unified memory the kernel's ``MemAvailable`` counts what the GPU takes too, so it is what decides. A container has a
limit of its own; whichever is nearer counts. Linux only.
"""

from __future__ import annotations

import re
from pathlib import Path

from corpus.errors import OperatorError

__all__ = ["available", "total"]

_UNLIMITED = 2**60  # what version 1 of control groups says when there is no limit is about 2^63
_ROOT = Path("/")


def available(root: Path = _ROOT) -> int:
    """Bytes that can still be taken before the kernel begins to thrash or kill.

    Args:
        root: where ``proc`` and ``sys`` are; for tests.

    Raises:
        OperatorError: the kernel does not tell.
    """
    free = _meminfo(root, "MemAvailable")
    group = _group_left(root)
    return free if group is None else min(free, group)


def total(root: Path = _ROOT) -> int:
    """Bytes of memory that the machine, or the control group, has.

    Raises:
        OperatorError: the kernel does not tell.
    """
    whole = _meminfo(root, "MemTotal")
    limits = [limit for limit, _, _ in _groups(root)]
    return min([whole, *limits])


def _meminfo(root: Path, name: str) -> int:
    try:
        text = (root / "proc/meminfo").read_text()
    except OSError as exc:
        raise OperatorError("the kernel does not tell how much memory there is") from exc
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    if match is None:
        raise OperatorError(f"the kernel does not tell {name!r}")
    return int(match[1]) * 1024


def _group_left(root: Path) -> int | None:
    """The least that any group above this process has left; ``None`` where none has a limit.

    The inactive part of the page cache is given back on demand, so it counts as left.
    """
    left = [limit - used + cache for limit, used, cache in _groups(root)]
    return max(0, min(left)) if left else None


def _groups(root: Path) -> list[tuple[int, int, int]]:
    """Limit, use and reclaimable cache, in bytes, of each group of this process that has a limit."""
    found = []
    for folder, names in _folders(root):
        limit = _number(folder / names[0])
        used = _number(folder / names[1])
        if limit is not None and used is not None and limit < _UNLIMITED:
            found.append((limit, used, _cache(folder / "memory.stat", names[2])))
    return found


_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = ("memory.max", "memory.current", "inactive_file")


def _folders(root: Path) -> list[tuple[Path, tuple[str, str, str]]]:
    """The folder of this process's group and those above it, for both versions of control groups."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # a kernel without control groups has no limits of theirs
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            base, names = root / "sys/fs/cgroup/memory", _V1
        elif not controllers:
            base, names = root / "sys/fs/cgroup", _V2
        else:
            continue
        folder = base / path.lstrip("/")
        if not folder.is_dir():  # inside a container the path is the host's, and the group the root
            folder = base
        found += [(f, names) for f in (folder, *folder.parents) if f == base or base in f.parents]
    return found


def _number(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None  # "max": none


def _cache(file: Path, name: str) -> int:
    try:
        text = file.read_text()
    except OSError:
        return 0
    match = re.search(rf"^{name} (\d+)$", text, re.MULTILINE)
    return int(match[1]) if match else 0
