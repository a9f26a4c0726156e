"""Refuses archives that unpack to far more than they weigh, before any parser opens them.

The directory of a zip file is written by whoever made it, so its sizes are a first check only;
members are then unpacked to nowhere, up to the limit, and counted.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from corpus.errors import FileProblem
from corpus.records import State
from ingest.parsing.limits import Limits

__all__ = ["refuse_bombs"]

_MAX_MEMBERS = 50_000
_BLOCK = 1024 * 1024
# What zipfile raises on broken directories and members; RuntimeError is its word for a wrong
# password.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


def refuse_bombs(path: Path, limits: Limits) -> None:
    """Raise ``FileProblem`` (``bomb``, ``corrupt`` or ``encrypted``) unless ``path`` is a sane zip
    container.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_declared(path, members, limits)
            _check_actual(path, archive, members, limits)
    except _DAMAGE as exc:
        reason = f"The container {path.name!r} is damaged ({exc}); get a fresh copy."
        raise FileProblem(State.CORRUPT, reason) from exc


def _ceiling(path: Path, limits: Limits) -> int:
    by_ratio = int(path.stat().st_size * limits.max_ratio)
    return min(limits.max_unpacked_bytes, max(by_ratio, limits.ratio_floor_bytes))


def _check_declared(path: Path, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if any(member.flag_bits & 0x1 for member in members):
        reason = f"The file {path.name!r} is protected by a password; save a copy without one."
        raise FileProblem(State.ENCRYPTED, reason)
    total = sum(member.file_size for member in members)
    if total > _ceiling(path, limits) or len(members) > _MAX_MEMBERS:
        raise _bomb(path)


def _check_actual(
    path: Path, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limits: Limits
) -> None:
    left = _ceiling(path, limits)
    for member in members:
        with archive.open(member) as stream:
            while block := stream.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise _bomb(path)


def _bomb(path: Path) -> FileProblem:
    reason = f"The file {path.name!r} unpacks to far more than a document needs; it was not opened."
    return FileProblem(State.BOMB, reason)
