"""How much disk a process's temporary files take, those included that have no name any more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["disk_use"]

_LEAST_FILE_BYTES = 4096  # that a file counts for: empty ones fill a disk as well


def disk_use(folder: str, process: int) -> int:
    """Bytes on disk of the files in ``folder``, and of those that ``process`` has open there
    although they were removed: a file can be written to as long as it is open.
    """
    return sum(_named(folder)) + sum(_nameless(folder, process))


def _named(folder: str) -> Iterator[int]:
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                yield _size(Path(root, name).lstat())
            except OSError:
                continue  # removed meanwhile


def _nameless(folder: str, process: int) -> Iterator[int]:
    try:
        handles = list(Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return  # the process has ended
    for handle in handles:
        try:
            target = str(handle.readlink())
            if target.startswith(folder) and target.endswith(" (deleted)"):
                yield _size(handle.stat())
        except OSError:
            continue  # closed meanwhile


def _size(info: os.stat_result) -> int:
    return max(info.st_blocks * 512, _LEAST_FILE_BYTES)
