"""The folder everything lives in: its paths, durable file writes, and the one-writer lock.

Every write that must survive a crash goes through here: the file is flushed, then renamed, then its folder is
flushed. A full disk becomes ``DiskFull`` and a missing permission ``OperatorError``, once, in ``disk_errors``.
Knows nothing of what the files mean.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from corpus.crash import CrashPoint, crash_point
from corpus.errors import Conflict, DiskFull, FileProblem, OperatorError
from corpus.records import State

__all__ = [
    "Home",
    "disk_errors",
    "file_sha256",
    "fsync_path",
    "locked",
    "lost_errno",
    "write_durably",
]

UNFINISHED = (
    ".tmp"  # ends the name of a file that is being written; a killed writer leaves it behind
)
BLOCK_BYTES = 2**20
FULL_BYTES = 2**20  # with less space left, a failed write failed for want of it


class Home:
    """Paths below one Alcove home; creating the object creates the folder.

    Raises:
        OperatorError: the folder cannot be created or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        with disk_errors(self.root):
            for folder in (self.root, self.originals, self.vectors, self.snapshots):
                folder.mkdir(parents=True, exist_ok=True)

    @property
    def catalog(self) -> Path:
        return self.root / "catalog.sqlite"

    @property
    def chats(self) -> Path:
        return self.root / "chats.sqlite"

    @property
    def originals(self) -> Path:
        return self.root / "originals"

    @property
    def vectors(self) -> Path:
        return self.root / "vectors"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def current(self) -> Path:
        return self.root / "CURRENT"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def prepared(self) -> Path:
        """Models converted for this machine, made anew when they are gone."""
        return self.root / "prepared"

    @property
    def quantized(self) -> Path:
        """Weights rounded to eight bits, without which vectors made with them cannot be searched."""
        return self.root / "quantized"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    def original(self, sha256: str) -> Path:
        """Where the copy of a source with this content hash is (or would be) stored."""
        return self.originals / sha256[:2] / sha256

    def keep(self, handle: BinaryIO, max_bytes: int) -> tuple[str, int]:
        """Store what is left to read of ``handle`` as an original, durably, hashing the very bytes that are stored.

        Returns:
            SHA-256 in hexadecimal and size in bytes; ``original(sha256)`` is where the copy is.

        Raises:
            FileProblem: the source cannot be read, or holds more than ``max_bytes``.
            DiskFull, OperatorError: the copy cannot be written.
        """
        with disk_errors(self.originals):
            number, name = tempfile.mkstemp(suffix=UNFINISHED, dir=self.originals)
        temporary = Path(name)
        try:
            with disk_errors(self.originals), os.fdopen(number, "wb") as copy:
                sha256, size = _copy(handle, copy, max_bytes)
                copy.flush()
                os.fsync(copy.fileno())
            with disk_errors(self.originals):
                self._place(temporary, self.original(sha256), size)
        finally:
            temporary.unlink(missing_ok=True)
        crash_point(CrashPoint.ORIGINAL_KEPT)
        return sha256, size

    def _place(self, temporary: Path, target: Path, size: int) -> None:
        if target.exists() and target.stat().st_size == size:
            return
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            fsync_path(self.originals)
        temporary.replace(target)
        fsync_path(target.parent)

    def set_aside(self, path: Path) -> Path:
        """Move a damaged file or folder into quarantine, durably, and say where it is now."""
        with disk_errors(self.quarantine):
            self.quarantine.mkdir(exist_ok=True)
            free = (self.quarantine / f"{path.name}.{n}" for n in itertools.count(1))
            target = next(place for place in free if not place.exists())
            path.rename(target)
            fsync_path(self.quarantine)
            fsync_path(path.parent)
        crash_point(CrashPoint.SET_ASIDE)
        return target

    def clear_unfinished(self) -> None:
        """Delete what a killed writer had half copied. The caller holds the writer lock."""
        with disk_errors(self.originals):
            for path in self.originals.glob("*" + UNFINISHED):
                path.unlink()

    def size(self) -> int:
        """Bytes of all files, a file with several names counted once."""
        files = (path.lstat() for path in self.root.rglob("*"))
        return sum(
            {(f.st_dev, f.st_ino): f.st_size for f in files if stat.S_ISREG(f.st_mode)}.values()
        )

    def has_service(self) -> bool:
        """Whether a service runs on this home (it holds ``service.lock``)."""
        path = self.root / "service.lock"
        if not path.exists():
            return False
        with disk_errors(path), path.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def require_space(self, min_free_mib: int) -> None:
        """Refuse early, before anything is half written.

        Raises:
            DiskFull: less than ``min_free_mib`` MiB are free.
        """
        free = shutil.disk_usage(self.root).free // 2**20
        if free < min_free_mib:
            raise DiskFull(
                f"only {free} MiB are free at {str(self.root)!r}; free at least {min_free_mib} MiB and try again"
            )

    def writer_lock(self, wait: bool = False) -> AbstractContextManager[None]:
        """Hold the one-writer lock (``flock``: a killed writer's lock is free at once).

        Raises:
            Conflict: another process is writing and ``wait`` is false.
        """
        busy = f"another ingestion is writing to {str(self.root)!r}; wait for it to end"
        return locked(self.root / "writer.lock", busy, wait)

    def reindex_lock(self) -> AbstractContextManager[None]:
        """Hold the lock of whoever builds or clears away another embedding space; taken before the writer lock.

        Raises:
            Conflict: another process holds it.
        """
        busy = f"{str(self.root)!r} is being reindexed; wait for it to end"
        return locked(self.root / "reindex.lock", busy, wait=False)


@contextmanager
def locked(path: Path, busy: str, wait: bool) -> Iterator[None]:
    """Hold ``flock`` on a file; ``Conflict`` with the words ``busy`` if it is held and ``wait`` is false."""
    with disk_errors(path):  # the opening alone: what goes wrong under the lock is not the lock's
        handle = path.open("a")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as exc:
            raise Conflict(busy) from exc
        yield


@contextmanager
def disk_errors(path: Path, option: str = "--home") -> Iterator[None]:
    """Map what the operating system says of ``path`` to our errors; ``option`` is what chooses another place."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"no space left for {str(path)!r}; free some and run the same command again"
            ) from exc
        if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OperatorError(
                f"no permission to write {str(path)!r}; choose another {option} or change its owner"
            ) from exc
        if exc.errno in (errno.ENOTDIR, errno.EEXIST):
            raise OperatorError(f"{str(path)!r} is not a folder; choose another {option}") from exc
        raise OperatorError(
            f"{str(path)!r} cannot be used ({exc.strerror or exc}); choose another {option}"
        ) from exc


def _copy(source: BinaryIO, target: BinaryIO, max_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := _read(source):
        size += len(block)
        if size > max_bytes:
            raise FileProblem(
                State.TOO_LARGE, f"the file has more than {max_bytes / 2**20:.0f} MiB, the limit"
            )
        digest.update(block)
        target.write(block)
    return digest.hexdigest(), size


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(BLOCK_BYTES)
    except OSError as exc:
        raise FileProblem(State.UNREADABLE, f"the file cannot be read: {exc.strerror}") from exc


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fsync_path(path: Path) -> None:
    """Make a file's bytes, or a rename or a new name inside a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lost_errno(error: Exception, folder: Path) -> int:
    """Which error of the system a library met that does not pass its number on, while it wrote into ``folder``."""
    is_full = "No space" in str(error) or shutil.disk_usage(folder).free < FULL_BYTES
    return errno.ENOSPC if is_full else errno.EIO


def write_durably(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replace ``path`` by ``data`` so that after a crash it holds either the old bytes or the new ones.

    ``mode``: the permissions of the file, of which the umask takes away some.
    """
    temporary = path.with_name(path.name + ".tmp")
    with disk_errors(path):
        temporary.unlink(missing_ok=True)  # a killed writer's might have other permissions
        with os.fdopen(
            os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode), "wb"
        ) as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
        fsync_path(path.parent)
