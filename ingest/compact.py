"""``alcove compact``: afterwards no byte of a deleted document's text is left in the home.

Indexes are written anew, old snapshots, unreferenced vectors and originals and leftovers of killed processes are
deleted, and the databases are rewritten. A deletion that can still be undone is not yet one. Each step deletes only
what nothing refers to, so a killed one is simply run again. Answers in ``chats.sqlite`` belong to the person and
stay, as does ``quarantine/`` unless asked.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.catalog import Catalog
from corpus.crash import CrashPoint, crash_point
from corpus.home import Home, disk_errors
from corpus.undo import pending
from corpus.upkeep import content_hashes
from ingest.jobs import FINAL
from ingest.writer import Writer

__all__ = ["Compaction", "compact"]


@dataclass(frozen=True, slots=True)
class Compaction:
    """Sizes of the home before and after (bytes), the live snapshot, and what was left alone, in sentences."""

    bytes_before: int
    bytes_after: int
    snapshot: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "snapshot": self.snapshot,
            "notes": list(self.notes),
        }


def compact(
    home: Home, catalog: Catalog, writer: Writer, *, drop_quarantine: bool = False
) -> Compaction:
    """Make the home hold its live documents and nothing else.

    Args:
        drop_quarantine: delete what was set aside as damaged, too.

    Raises:
        Conflict: an ingestion or a reindexing is under way, or another process keeps reading the catalog.
        FingerprintMismatch: the index was embedded by another encoder; reindex first.
        DiskFull, OperatorError: there is no room to write the indexes anew; nothing is lost.
    """
    with home.reindex_lock(), home.writer_lock():
        before = home.size()
        writer.recover()
        writer.compact()
        _clear_originals(home, catalog)
        _clear(home.root / "unpacked")  # where archives are opened, by whoever holds the lock
        _clear_uploads(home, catalog)
        if drop_quarantine:
            _clear(home.quarantine)
        catalog.database.vacuum()
        crash_point(CrashPoint.CATALOG_VACUUMED)
        return Compaction(before, home.size(), writer.snapshot, _notes(home, catalog))


def _clear_originals(home: Home, catalog: Catalog) -> None:
    needed = content_hashes(catalog.database)
    with disk_errors(home.originals):
        for path in home.originals.glob("??/*"):
            if path.name not in needed:
                path.unlink()


def _clear_uploads(home: Home, catalog: Catalog) -> None:
    """Delete the uploads of jobs that have ended; unfinished ones run again when the service starts."""
    if home.has_service() or not home.uploads.exists():
        return
    waiting = {job["id"] for job in catalog.jobs() if job["state"] not in FINAL}
    for folder in home.uploads.iterdir():
        if folder.name not in waiting:
            _clear(folder)


def _clear(folder: Path) -> None:
    with disk_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)


def _notes(home: Home, catalog: Catalog) -> tuple[str, ...]:
    notes = []
    if home.quarantine.exists():
        notes.append(
            f"{str(home.quarantine)!r} may hold words of deleted documents; --drop-quarantine deletes it"
        )
    if home.has_service() and any(home.uploads.glob("*")):
        notes.append("uploads of the running service were left alone; stop it and compact again")
    if waiting := len(pending(catalog.database)):
        which = f"{waiting} deleted document{'s' * (waiting > 1)}"
        notes.append(f"{which} can still be brought back; compact again once that is over")
    return tuple(notes)
