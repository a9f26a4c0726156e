"""Immutable, checksummed snapshots of the indexes, and the ``CURRENT`` file that names the live one.

A snapshot is a folder ``v000042`` with a ``manifest.json`` that lists every other file with size and SHA-256, and
carries a SHA-256 of itself, which ``CURRENT`` repeats. It is staged under a temporary name, flushed, renamed, and only
then named by ``CURRENT``; it never changes afterwards. Files that a new snapshot shares with the old one are hard
links, whose checksums it takes over. What the files are is up to ``retrieval``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.crash import CrashPoint, crash_point
from corpus.errors import Damaged, OperatorError
from corpus.home import Home, disk_errors, file_sha256, fsync_path, write_durably

__all__ = ["FORMAT", "Snapshot", "SnapshotStore", "Stamp", "link_tree"]

FORMAT = 2
UNCHECKED = 1  # the format before manifests carried a checksum of themselves; still read
MANIFEST = "manifest.json"
MARK = re.compile(rb"v(\d{6,})(?: ([0-9a-f]{64}))?\n")
# A file and what it holds: inode, bytes, time of its last change in nanoseconds, SHA-256.
Stamp = tuple[int, int, int, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One published snapshot: its number, its folder, the manifest's ``body`` (JSON-able) and its files.

    ``sha256`` is the manifest's own checksum; empty in a snapshot of the first format.
    """

    number: int
    folder: Path
    body: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    sha256: str = ""

    @property
    def mark(self) -> bytes:
        """What ``CURRENT`` holds when this snapshot is live."""
        return f"v{self.number:06d}{self.sha256 and ' ' + self.sha256}\n".encode()

    def verify(self, before: Collection[Stamp] = ()) -> frozenset[Stamp]:
        """Compare every file with the manifest.

        Args:
            before: what an earlier call returned; those files are not read again unless they changed since.

        Returns:
            the files that were compared.

        Raises:
            Damaged: a file is missing, added or altered; the message names it.
        """
        present = {str(path.relative_to(self.folder)) for path in _contents(self.folder)}
        for name in sorted(present ^ set(self.files)):
            raise Damaged(
                f"snapshot {self.number} has a missing or foreign file {name!r}; run `alcove doctor --repair`"
            )
        stamps = set()
        for name, known in self.files.items():
            path = self.folder / name
            stamp = _stamp(path, known)
            if stamp is None or (stamp not in before and not _is_intact(path, known)):
                raise Damaged(
                    f"{str(path)!r} does not match its checksum; run `alcove doctor --repair`"
                )
            stamps.add(stamp)
        return frozenset(stamps)

    def stamps(self) -> frozenset[Stamp]:
        """As ``verify`` returns, without reading the files: for who has just written them."""
        found = (_stamp(self.folder / name, known) for name, known in self.files.items())
        return frozenset(stamp for stamp in found if stamp is not None)


class SnapshotStore:
    """Stages, publishes, opens and clears away the snapshots of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._current = home.current  # every search reads it

    def mark(self) -> bytes | None:
        """The bytes of ``CURRENT``, which change with every snapshot that goes live; ``None`` before the first."""
        try:
            return self._current.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise Damaged(
                f"{str(self._home.current)!r} cannot be read; run `alcove doctor --repair`"
            ) from exc

    def current(self) -> int:
        """Number of the live snapshot; 0 before the first one.

        Raises:
            Damaged: ``CURRENT`` does not name a snapshot.
        """
        mark = self.mark()
        return 0 if mark is None else self._parsed(mark)

    def live(self) -> Snapshot | None:
        """The live snapshot, not yet verified; ``None`` before the first one.

        Raises:
            Damaged: ``CURRENT`` names no snapshot, or another manifest than the one that is there.
        """
        mark = self.mark()
        if mark is None:
            return None
        snapshot = self.open(self._parsed(mark))
        if snapshot.mark != mark:
            raise Damaged(
                f"{str(self._home.current)!r} and the manifest of snapshot {snapshot.number} differ;"
                " run `alcove doctor --repair`"
            )
        return snapshot

    def _parsed(self, mark: bytes) -> int:
        found = MARK.fullmatch(mark)
        if not found:
            raise Damaged(
                f"{str(self._home.current)!r} holds {mark[:80]!r}, not a snapshot; run `alcove doctor --repair`"
            )
        return int(found[1])

    def folder(self, number: int) -> Path:
        return self._home.snapshots / f"v{number:06d}"

    def open(self, number: int) -> Snapshot:
        """Read the manifest of a published snapshot.

        Raises:
            Damaged: the manifest is missing, unreadable or fails its own checksum.
            OperatorError: it is of a newer format; whatever writes must leave it alone.
        """
        path = self.folder(number) / MANIFEST
        try:
            raw = path.read_bytes()
            manifest = json.loads(raw)
            body, files, format_ = manifest["body"], manifest["files"], manifest["format"]
            is_whole = raw == _encode(manifest) and manifest["number"] == number
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise Damaged(
                f"snapshot {number} has no readable manifest at {str(path)!r}; run `alcove doctor --repair`"
            ) from exc
        sha256 = manifest.pop("sha256", "")
        if format_ not in (UNCHECKED, FORMAT) and is_whole and sha256 == _digest(manifest):
            raise OperatorError(  # not damaged: a repair would replace it
                f"{str(path)!r} was written by a newer Alcove (format {format_!r}, this one knows"
                f" {FORMAT}); upgrade, or choose another --home"
            )
        if not is_whole or sha256 != ("" if format_ == UNCHECKED else _digest(manifest)):
            raise Damaged(
                f"the manifest {str(path)!r} does not match its checksum; run `alcove doctor --repair`"
            )
        return Snapshot(number, self.folder(number), body, files, sha256)

    def stage(self) -> Path:
        """An empty folder to build the next snapshot in."""
        self.clear_unfinished()
        staging = self._home.snapshots / "staging"
        with disk_errors(staging):
            staging.mkdir()
        crash_point(CrashPoint.STAGED)
        return staging

    def clear_unfinished(self) -> None:
        """Delete what a killed writer was building or deleting."""
        for name in ("staging", "discarded"):
            folder = self._home.snapshots / name
            with disk_errors(folder):
                if folder.exists():
                    shutil.rmtree(folder)

    def publish(
        self,
        staging: Path,
        number: int,
        body: Mapping[str, Any],
        previous: Snapshot | None = None,
    ) -> Snapshot:
        """Make the staged folder snapshot ``number``, durable on return, but not yet the live one.

        Args:
            previous: a snapshot some staged files are hard links to; they are durable, and hashed, already.
        """
        with disk_errors(staging):
            files = {
                str(path.relative_to(staging)): _carried(path, staging, previous) or _flushed(path)
                for path in _contents(staging)
            }
            manifest = {"format": FORMAT, "number": number, "body": body, "files": files}
            sha256 = _digest(manifest)
            write_durably(staging / MANIFEST, _encode({**manifest, "sha256": sha256}))
            for folder in (staging, *(p for p in staging.rglob("*") if p.is_dir())):
                fsync_path(folder)
            crash_point(CrashPoint.MANIFEST_WRITTEN)
            target = self.folder(number)
            self._discard(target)  # published by a writer that died before the catalog knew of it
            staging.rename(target)
            fsync_path(target.parent)
            crash_point(CrashPoint.RENAMED)
        return Snapshot(number, target, body, files, sha256)

    def go_live(self, number: int) -> None:
        """Point ``CURRENT`` at a published snapshot.

        Raises:
            Damaged: its manifest cannot be read.
        """
        write_durably(self._home.current, self.open(number).mark)
        crash_point(CrashPoint.CURRENT_REPLACED)

    def numbers(self) -> list[int]:
        """Published snapshots on disk, ascending."""
        return sorted(
            int(p.name[1:]) for p in self._home.snapshots.glob("v??????*") if p.name[1:].isdigit()
        )

    def clear(self, keep: set[int]) -> None:
        """Delete every snapshot not in ``keep``; readers that hold files open keep reading them."""
        for number in self.numbers():
            if number not in keep:
                with disk_errors(self.folder(number)):
                    self._discard(self.folder(number))
        crash_point(CrashPoint.SNAPSHOTS_CLEARED)

    def _discard(self, folder: Path) -> None:
        """Delete a snapshot so that, killed half way, no half of it is left under a snapshot's name."""
        if folder.exists():
            discarded = self._home.snapshots / "discarded"
            folder.rename(discarded)
            crash_point(CrashPoint.SNAPSHOT_DISCARDED)
            shutil.rmtree(discarded)


def _encode(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, indent=1, sort_keys=True).encode()


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(_encode(manifest)).hexdigest()


def _stamp(path: Path, known: Mapping[str, Any]) -> Stamp | None:
    """The stamp of a file that holds what is ``known`` of it; ``None``: it does not."""
    try:
        now = path.stat()
    except OSError:
        return None
    is_same_size = now.st_size == known["size"]
    return (now.st_ino, now.st_size, now.st_mtime_ns, known["sha256"]) if is_same_size else None


def _is_intact(path: Path, known: Mapping[str, Any]) -> bool:
    try:
        return file_sha256(path) == str(known["sha256"])
    except OSError:  # a block of the disk that cannot be read, or a file that just went
        return False


def _carried(path: Path, staging: Path, previous: Snapshot | None) -> Mapping[str, Any] | None:
    """What the previous manifest says of a file, if this is that very file."""
    name = str(path.relative_to(staging))
    known = None if previous is None else previous.files.get(name)
    if previous is None or known is None:
        return None
    now, before = path.stat(), (previous.folder / name).stat()
    is_same = (now.st_dev, now.st_ino) == (before.st_dev, before.st_ino)
    return known if is_same and now.st_size == known["size"] else None


def _flushed(path: Path) -> Mapping[str, Any]:
    """Flush a new file to disk and describe it."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        return {"size": handle.tell(), "sha256": sha256}


def _contents(folder: Path) -> Iterator[Path]:
    """The files a manifest speaks of: all but itself and the empty locks that index libraries leave behind."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".lock" and path != folder / MANIFEST:
            yield path


def link_tree(source: Path, target: Path, copy: frozenset[str] = frozenset()) -> None:
    """Recreate ``source`` at ``target`` from hard links; names in ``copy`` become real copies."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(exist_ok=True)
        elif path.name in copy:
            shutil.copyfile(path, place)
        else:
            os.link(path, place)
