"""``alcove doctor --repair``: everything that can be made whole again from the catalog, the originals and the sources.

What is damaged is moved to ``quarantine/``, never deleted. Indexes are written anew from the catalog, with the stored
vectors; only missing ones are embedded. The catalog itself is the source of truth: nothing can replace it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.catalog import Catalog
from corpus.errors import FileProblem
from corpus.home import Home, file_sha256
from corpus.upkeep import check_catalog, content_hashes
from ingest.writer import Writer
from retrieval.vectors import mend_vectors

__all__ = ["Repair", "damaged_originals", "repair"]

MAX_ORIGINAL_BYTES = 2**40  # what was once kept was not too large


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done, in sentences; the live snapshot; and how many texts had to be embedded again."""

    done: tuple[str, ...]
    snapshot: int
    embedded: int

    def to_json(self) -> dict[str, Any]:
        return {"done": list(self.done), "snapshot": self.snapshot, "embedded": self.embedded}


def repair(home: Home, catalog: Catalog, writer: Writer) -> Repair:
    """Find what is damaged, set it aside and make it anew.

    Raises:
        Damaged: the catalog is. Conflict: an ingestion is under way. DiskFull, OperatorError: it cannot be written.
    """
    with home.writer_lock():
        check_catalog(catalog.database)
        vectors = [mend_vectors(home, path) for path in sorted(home.vectors.glob("*.sqlite"))]
        done = [*filter(None, vectors), *_mend_originals(home, catalog)]
        done += writer.recover()
        done += writer.set_older_aside()
        return Repair(tuple(done), writer.snapshot, writer.embedded)


def damaged_originals(home: Home, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """(SHA-256, source) of the stored copies that are missing or no longer match their name."""
    read = content_hashes(catalog.database, read=True)
    for sha256, source in content_hashes(catalog.database).items():
        path = home.original(sha256)
        if file_sha256(path) != sha256 if path.exists() else sha256 in read:
            yield sha256, source


def _mend_originals(home: Home, catalog: Catalog) -> Iterator[str]:
    for sha256, source in damaged_originals(home, catalog):
        path = home.original(sha256)
        aside = f"moved to {str(home.set_aside(path))!r}" if path.exists() else "missing"
        if _restored(home, Path(source), sha256):
            yield f"the stored copy of {source!r} was {aside} and was made anew from the source"
        else:
            yield (
                f"the stored copy of {source!r} was {aside}; it is still found, but cannot be shown:"
                " remove the document and add it again"
            )


def _restored(home: Home, source: Path, sha256: str) -> bool:
    """Copy the source again, if it still is what it was."""
    if not source.is_file() or file_sha256(source) != sha256:
        return False
    with source.open("rb") as handle:
        try:
            return home.keep(handle, MAX_ORIGINAL_BYTES)[0] == sha256
        except FileProblem:
            return False
