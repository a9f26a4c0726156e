"""Opens zip containers that nobody vouches for, and refuses those that unpack to far more than they
weigh, before any parser sees them.

The directory of a zip file is written by whoever made it, so its sizes are a first check only;
members are then unpacked to nowhere, up to the limit, and counted. Members that share bytes of the
file are found from the directory: only bombs are made like that.
"""

from __future__ import annotations

import errno
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from corpus.errors import FileProblem
from corpus.records import State
from ingest.parsing.limits import Limits
from ingest.parsing.progress import steps

__all__ = [
    "DAMAGE",
    "ENCRYPTED",
    "OUT_OF_SPACE",
    "ceiling",
    "check_directory",
    "open_archive",
    "refuse_bombs",
]

ENCRYPTED = 0x1  # a bit of a member's flags
OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # not the archive's fault
_BLOCK = 1024 * 1024
_LOCAL_HEADER = 30  # bytes in front of a member, its name not counted
# What zipfile raises on broken directories and members; RuntimeError is its word for a wrong
# password.
DAMAGE = (
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
    with open_archive(path, path.name) as archive:
        if any(member.flag_bits & ENCRYPTED for member in archive.infolist()):
            reason = f"The file {path.name!r} is protected by a password; save a copy without one."
            raise FileProblem(State.ENCRYPTED, reason)
        most = ceiling(path, limits)
        check_directory(path.name, archive, most, limits.max_members)
        _check_actual(path.name, archive, most)


@contextmanager
def open_archive(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    """The zip file at ``path``, called ``name``; what zipfile raises on damage, also in the caller's block, becomes
    a ``FileProblem`` (``corrupt``).

    Raises:
        OSError: the disk is full.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DAMAGE as exc:
        if isinstance(exc, OSError) and exc.errno in OUT_OF_SPACE:
            raise
        reason = f"The container {name!r} is damaged ({exc}); get a fresh copy."
        raise FileProblem(State.CORRUPT, reason) from exc


def ceiling(path: Path, limits: Limits) -> int:
    """Bytes that the container at ``path`` may unpack to, by its own size."""
    by_ratio = int(path.stat().st_size * limits.max_ratio)
    return min(limits.max_unpacked_bytes, max(by_ratio, limits.ratio_floor_bytes))


def check_directory(
    name: str, archive: zipfile.ZipFile, most_bytes: int, most_members: int
) -> None:
    """Raise ``FileProblem`` (``bomb``) by what the directory of ``archive`` says of its members."""
    members = archive.infolist()
    if len(members) > most_members:
        reason = f"The file {name!r} holds more than the {most_members:,} files allowed; it was not opened."
        raise FileProblem(State.BOMB, reason)
    if sum(member.file_size for member in members) > most_bytes or _overlap(members):
        raise _bomb(name)


def _overlap(members: list[zipfile.ZipInfo]) -> bool:
    """Whether two members lie on the same bytes of the file."""
    places = sorted((one.header_offset, one.compress_size) for one in members)
    return any(
        start + _LOCAL_HEADER + size > after for (start, size), (after, _) in pairwise(places)
    )


def _check_actual(name: str, archive: zipfile.ZipFile, left: int) -> None:
    for member in steps(archive.infolist()):
        with archive.open(member) as stream:
            while block := stream.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise _bomb(name)


def _bomb(name: str) -> FileProblem:
    reason = f"The file {name!r} unpacks to far more than a document needs; it was not opened."
    return FileProblem(State.BOMB, reason)
