"""What stays on disk: the last snapshots, the one before the last reindexing, and the vectors of their spaces.

Deletes only what nothing refers to, so a killed run is simply done again. The caller holds the writer lock. Needs no
encoder.
"""

from __future__ import annotations

from corpus.catalog import Catalog
from corpus.crash import CrashPoint, crash_point
from corpus.errors import Damaged
from corpus.home import Home, disk_errors
from corpus.snapshot import Snapshot, SnapshotStore
from corpus.upkeep import purge, unreachable
from retrieval.fingerprint import Fingerprint
from retrieval.vectors import drop_vectors

__all__ = ["clear_away", "forget_spaces", "way_back"]


def way_back(home: Home) -> Snapshot | None:
    """The snapshot from before the last reindexing, while it is kept.

    Raises:
        Damaged: the manifest of the live snapshot, or of that one, cannot be read.
    """
    store = SnapshotStore(home)
    number = _before(store)
    return store.open(number) if number in store.numbers() else None


def _before(store: SnapshotStore) -> int | None:
    live = store.live()
    return live.body.get("back") if live else None


def clear_away(home: Home, catalog: Catalog, keep: int, *, forget: bool = False) -> None:
    """Delete old snapshots, the rows only they could see, and originals nobody refers to any more.

    Args:
        keep: how many snapshots stay, the live one included.
        forget: delete the one from before the last reindexing, too, unless it is among those.
    """
    store = SnapshotStore(home)
    live, numbers = store.current(), store.numbers()
    kept = set([n for n in numbers if n <= live][-keep:])
    if not forget:
        kept |= {number for number in numbers if number == _before(store)}
    store.clear(kept)
    oldest = min(kept, default=0)
    with disk_errors(home.originals):
        for sha256 in unreachable(catalog.database, oldest):
            home.original(sha256).unlink(missing_ok=True)
    crash_point(CrashPoint.ORIGINALS_CLEARED)
    purge(catalog.database, oldest)
    crash_point(CrashPoint.PURGED)


def forget_spaces(home: Home) -> list[str]:
    """Delete the vectors of every space that no snapshot is in; returns the keys of these spaces."""
    store = SnapshotStore(home)
    needed = set()
    for number in store.numbers():
        try:
            needed.add(Fingerprint.from_json(store.open(number).body["fingerprint"]).key)
        except (Damaged, KeyError):
            return []  # it may be any space's; `alcove doctor --repair` sets it aside
    gone = drop_vectors(home, needed)
    crash_point(CrashPoint.SPACE_FORGOTTEN)
    return gone
