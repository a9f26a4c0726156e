"""Opens sources for reading, without ever leaving the folder they were found under.

Every folder on the way is opened below the one before and no link is followed, so that a file or folder that is
swapped for a link at the worst moment leads nowhere. Only regular files are opened, never blocking. Whoever reads
from the descriptor reads the file that was checked. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from corpus.errors import FileProblem
from corpus.records import State

__all__ = ["digest", "open_folder", "open_inside", "opened", "read_problems"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_BLOCK_BYTES = 1 << 20
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_LINK = "a link stands where it or one of its folders was, and was not followed"


@contextmanager
def opened(path: Path, root: Path, max_bytes: int) -> Iterator[BinaryIO]:
    """The regular file at ``path``, which is below the folder ``root``, open for reading.

    Args:
        root: may itself be reached through links: it was named by the person.
        max_bytes: largest size of the file (bytes).

    Raises:
        FileProblem: there is a link on the way, or it is no regular file, too large, or unreadable.
    """
    *folders, name = path.relative_to(root).parts
    with read_problems(), open_folder(root, folders) as folder:
        handle = open_inside(folder, name)
    with handle:
        size = os.fstat(handle.fileno()).st_size
        if size > max_bytes:
            raise _too_large(f"{size / 2**20:.0f}", max_bytes)
        yield handle


def digest(handle: BinaryIO, max_bytes: int) -> tuple[str, int]:
    """SHA-256 in hexadecimal and size in bytes of all that is left to read.

    Raises:
        FileProblem: it cannot be read, or there is more than ``max_bytes``.
    """
    sha256, size = hashlib.sha256(), 0
    with read_problems():
        while block := handle.read(_BLOCK_BYTES):
            size += len(block)
            if size > max_bytes:
                raise _too_large("more", max_bytes)
            sha256.update(block)
    return sha256.hexdigest(), size


@contextmanager
def open_folder(root: Path, folders: Sequence[str]) -> Iterator[int]:
    """A descriptor of the folder reached from ``root`` by these names, none of which may be a link.

    Raises:
        OSError: it cannot be reached so.
    """
    here = os.open(root, _FOLDER)
    try:
        for name in folders:
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def open_inside(folder: int, name: str) -> BinaryIO:
    """The regular file ``name`` in an open folder.

    Raises:
        OSError: it cannot be opened. FileProblem: it is a link, or no regular file.
    """
    # Looked at before it is opened, since opening a device may already do something, and after.
    _require_regular(os.stat(name, dir_fd=folder, follow_symlinks=False))
    handle = os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb")
    try:
        _require_regular(os.fstat(handle.fileno()))
    except FileProblem:
        handle.close()
        raise
    return handle


@contextmanager
def read_problems() -> Iterator[None]:
    """Map what the operating system says of a source to a named state."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENOTDIR):
            raise FileProblem(State.UNSAFE_PATH, _LINK) from exc
        if exc.errno in (errno.EACCES, errno.EPERM):
            reason = "there is no permission to read it"
        elif exc.errno == errno.ENOENT:
            reason = "it vanished before it could be read"
        else:
            reason = f"it cannot be read: {exc.strerror or exc}"
        raise FileProblem(State.UNREADABLE, reason) from exc


def _require_regular(info: os.stat_result) -> None:
    if stat.S_ISLNK(info.st_mode):
        raise FileProblem(State.UNSAFE_PATH, _LINK)
    if not stat.S_ISREG(info.st_mode):
        kind = _KINDS.get(stat.S_IFMT(info.st_mode), "something else")
        raise FileProblem(State.UNSUPPORTED_TYPE, f"this is {kind}, not a regular file")


def _too_large(mebibytes: str, max_bytes: int) -> FileProblem:
    most = max_bytes / 2**20
    return FileProblem(
        State.TOO_LARGE, f"the file has {mebibytes} MiB, at most {most:.0f} are read"
    )
