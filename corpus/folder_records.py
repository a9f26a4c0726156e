"""Records of the folders that are watched, and how many documents are known below each.

Works on the tables of ``corpus.rows``; whether a folder is there is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.database import Database

__all__ = ["Folder", "add_folder", "documents_below", "folders_of", "remove_folder"]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose files a collection is kept equal to; ``strategy``: ``None`` for that of the settings."""

    id: str
    path: str  # absolute
    collection: str
    strategy: str | None
    created: float  # seconds since 1970


def folders_of(catalog: Database, collection: str | None = None) -> list[Folder]:
    """All of them, or those of a collection, the oldest first."""
    rows = catalog.rows(
        """SELECT id, path, collection, strategy, created FROM folders
           WHERE :collection IS NULL OR collection = :collection ORDER BY created, id""",
        {"collection": collection},
    )
    return [Folder(*row) for row in rows]


def add_folder(catalog: Database, folder: Folder) -> None:
    """Keep one more."""
    values = (folder.id, folder.path, folder.collection, folder.strategy, folder.created)
    with catalog.transaction() as db:
        db.execute("INSERT INTO folders VALUES (?, ?, ?, ?, ?)", values)


def remove_folder(catalog: Database, id: str) -> None:
    """Forget it; its documents stay."""
    with catalog.transaction() as db:
        db.execute("DELETE FROM folders WHERE id = ?", (id,))


def documents_below(
    catalog: Database, folders: Sequence[Folder], at: int
) -> dict[str, dict[str, int]]:
    """Number of live documents below each folder by state, by the folder's id."""
    rows = catalog.rows(
        """SELECT f.id, d.state, COUNT(*) AS n FROM folders f JOIN documents d ON d.collection = f.collection
           AND d.source > rtrim(f.path, '/') || '/' AND d.source < rtrim(f.path, '/') || '0'
           WHERE f.id IN (SELECT value FROM json_each(:ids)) AND d.added <= :at
           AND (d.removed IS NULL OR d.removed > :at) GROUP BY f.id, d.state""",
        {"ids": json.dumps([folder.id for folder in folders]), "at": at},
    )
    found: dict[str, dict[str, int]] = {folder.id: {} for folder in folders}
    for row in rows:
        found[row["id"]][row["state"]] = row["n"]
    return found
