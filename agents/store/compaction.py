"""What keeps a long thread small: the events of a run that has ended as one packed row, its message's steps packed.

Nothing is lost by it: the events come back one by one with their numbers, so attaching after any of them gives what
follows, as before. A token's row takes about a hundred bytes, packed it takes two or three; passages, which events and
steps both hold, pack to a third.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import Any

__all__ = ["fold", "packed", "unpacked"]

_LEVEL = 6
_SHORT = 512  # characters that are not worth packing


def packed(encoded: str) -> str | bytes:
    """JSON as it is kept: packed if it is long."""
    return encoded if len(encoded) < _SHORT else zlib.compress(encoded.encode(), _LEVEL)


def unpacked(kept: str | bytes) -> Any:
    """The value of JSON that is kept as it is, or ``packed``."""
    return json.loads(zlib.decompress(kept) if isinstance(kept, bytes) else kept)


def fold(db: sqlite3.Connection, run: str) -> None:
    """Pack the events of a run that has ended into the row of its last, and the steps of its message."""
    rows = db.execute("SELECT n, body FROM events WHERE run = ? ORDER BY n", (run,)).fetchall()
    if len(rows) > 1:
        events = f"[{','.join(row['body'] for row in rows)}]"
        last = rows[-1]["n"]
        db.execute("DELETE FROM events WHERE run = ? AND n < ?", (run, last))
        query = "UPDATE events SET body = ? WHERE run = ? AND n = ?"
        db.execute(query, (zlib.compress(events.encode(), _LEVEL), run, last))
    query = "SELECT id, steps FROM messages WHERE id = (SELECT message FROM runs WHERE id = ?)"
    for row in db.execute(query, (run,)).fetchall():
        if isinstance(row["steps"], str):
            values = (packed(row["steps"]), row["id"])
            db.execute("UPDATE messages SET steps = ? WHERE id = ?", values)
