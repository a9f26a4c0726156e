"""The calibration of a collection: how its questions are decided on, as the JSON its maker gave.

Knows nothing of what is in it; ``agents.answering.calibration`` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corpus.database import Database

__all__ = ["calibration", "set_calibration"]


def calibration(database: Database, collection: str) -> dict[str, Any] | None:
    """What was stored last for a collection; ``None``: nothing, or it was taken away."""
    row = database.row(
        "SELECT calibration FROM collections WHERE name = :name", {"name": collection}
    )
    found: dict[str, Any] | None = json.loads(row[0]) if row and row[0] else None
    return found


def set_calibration(database: Database, collection: str, data: Mapping[str, Any] | None) -> None:
    """Store a calibration in the place of the last one; ``None`` takes it away."""
    text = "" if data is None else json.dumps(data)
    with database.transaction() as db:
        db.execute(
            "INSERT INTO collections (name, readers, calibration) VALUES (?, '[]', ?)"
            " ON CONFLICT (name) DO UPDATE SET calibration = excluded.calibration",
            (collection, text),
        )
