"""Immutable, checksummed snapshots of the indexes, and the ``CURRENT`` file that names the live one.

A snapshot is a folder ``v000042`` with a ``manifest.json`` that lists every other file with size and SHA-256. It is
staged under a temporary name, flushed, renamed, and only then named by ``CURRENT``; it never changes afterwards.
Files that a new snapshot shares with the old one are hard links. What the files are is up to ``retrieval``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import Damaged
from corpus.home import Home, disk_errors, file_sha256, fsync_folder, fsync_tree, write_durably

__all__ = ["FORMAT", "Snapshot", "SnapshotStore", "link_tree"]

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One published snapshot: its number, its folder and the manifest's ``body`` (JSON-able)."""

    number: int
    folder: Path
    body: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]

    def verify(self) -> None:
        """Compare every file with the manifest.

        Raises:
            Damaged: a file is missing, added or altered; the message names it.
        """
        present = {str(path.relative_to(self.folder)) for path in _contents(self.folder)}
        for name in sorted(present ^ set(self.files)):
            raise Damaged(
                f"snapshot {self.number} has a missing or foreign file {name!r}; run `alcove doctor`"
            )
        for name, known in self.files.items():
            path = self.folder / name
            if path.stat().st_size != known["size"] or file_sha256(path) != known["sha256"]:
                raise Damaged(f"{str(path)!r} does not match its checksum; run `alcove doctor`")


class SnapshotStore:
    """Stages, publishes, opens and clears away the snapshots of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def current(self) -> int:
        """Number of the live snapshot; 0 before the first one.

        Raises:
            Damaged: ``CURRENT`` holds something else than a number.
        """
        try:
            text = self._home.current.read_text("ascii").strip()
        except FileNotFoundError:
            return 0
        except UnicodeDecodeError as exc:
            raise Damaged(
                f"{str(self._home.current)!r} is not readable; run `alcove doctor`"
            ) from exc
        if not (text.startswith("v") and text[1:].isdigit()):
            raise Damaged(
                f"{str(self._home.current)!r} holds {text!r}, not a snapshot; run `alcove doctor`"
            )
        return int(text[1:])

    def folder(self, number: int) -> Path:
        return self._home.snapshots / f"v{number:06d}"

    def open(self, number: int) -> Snapshot:
        """Read the manifest of a published snapshot.

        Raises:
            Damaged: the manifest is missing, unreadable, of a newer format or fails its own checksum.
        """
        path = self.folder(number) / MANIFEST
        try:
            manifest = json.loads(path.read_bytes())
            if manifest["format"] != FORMAT:
                raise Damaged(
                    f"{str(path)!r} has format {manifest['format']!r}, this version reads {FORMAT}"
                )
            return Snapshot(number, self.folder(number), manifest["body"], manifest["files"])
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise Damaged(
                f"snapshot {number} has no readable manifest at {str(path)!r}; run `alcove doctor`"
            ) from exc

    def stage(self) -> Path:
        """An empty folder to build the next snapshot in; leftovers of a killed writer are cleared first."""
        staging = self._home.snapshots / "staging"
        with disk_errors(staging):
            if staging.exists():
                shutil.rmtree(staging)
            staging.mkdir()
        return staging

    def publish(self, staging: Path, number: int, body: Mapping[str, Any]) -> Snapshot:
        """Make the staged folder snapshot ``number``, durable on return, but not yet the live one."""
        with disk_errors(staging):
            files = {
                str(path.relative_to(staging)): {
                    "size": path.stat().st_size,
                    "sha256": file_sha256(path),
                }
                for path in _contents(staging)
            }
            manifest = {"format": FORMAT, "number": number, "body": body, "files": files}
            write_durably(
                staging / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode()
            )
            fsync_tree(staging)
            target = self.folder(number)
            if target.exists():  # staged by a writer that died before the catalog knew of it
                shutil.rmtree(target)
            staging.rename(target)
            fsync_folder(target.parent)
        return Snapshot(number, target, body, files)

    def go_live(self, number: int) -> None:
        """Point ``CURRENT`` at a published snapshot."""
        write_durably(self._home.current, f"v{number:06d}\n".encode())

    def numbers(self) -> list[int]:
        """Published snapshots on disk, ascending."""
        return sorted(
            int(p.name[1:]) for p in self._home.snapshots.glob("v??????*") if p.name[1:].isdigit()
        )

    def clear(self, keep: set[int]) -> None:
        """Delete every snapshot not in ``keep``; readers that hold files open keep reading them."""
        for number in self.numbers():
            if number not in keep:
                shutil.rmtree(self.folder(number))


def _contents(folder: Path) -> list[Path]:
    """The files a manifest speaks of: all but itself and the empty locks that index libraries leave behind."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path for path in files if path != folder / MANIFEST)


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
