"""The audit log: who did, approved, refused or deleted what, and when. Only ever added to.

The table itself refuses to change or delete a row. What looks like a key or a password is left out before it is
written, wherever in the details it stands. Knows nothing of HTTP or of what the actions mean.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from agents.records.labels import Label
from agents.records.record_json import Json
from agents.store.chat_tables import ChatTables, now
from corpus.identity import Person

__all__ = ["Audit", "record", "told"]

_LEFT_OUT = "(left out)"
_CHARACTERS = 4_000  # of one text; a log is no second store of what was written
_SECRET_NAME = re.compile(
    r"(?i)(^|[_\-. ])(api[_-]?key|key|token|secret|password|passwd|authorization|cookie)s?$"
)
_SECRET_TEXT = re.compile(r"(?i)\bbearer\s+\S+|\b(?:sk|pk|ghp|xoxb|alcove)[-_][A-Za-z0-9_\-]{12,}")


class Audit:
    """The log of one home. Safe to use from several threads."""

    def __init__(self, tables: ChatTables) -> None:
        self._tables = tables

    def __call__(
        self, person: Person, action: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """Add one entry durably.

        Args:
            person: who did it.
            action: what, in a word or two with a dot, e.g. ``thread.deleted``.
            details: plain JSON values: ids, names, arguments.
        """
        with self._tables.transaction() as db:
            record(db, person.name, action, details or {})

    def entries(self, before: int | None = None, most: int = 100) -> list[Json]:
        """``{"n", "time", "person", "action", "details"}``, the newest first.

        Args:
            before: only entries with a smaller number; ``None``: from the newest on.
            most: how many.
        """
        query = "SELECT * FROM audit WHERE n < ? ORDER BY n DESC LIMIT ?"
        with self._tables.transaction() as db:
            rows = db.execute(query, (2**62 if before is None else before, most)).fetchall()
        return [{**dict(row), "details": json.loads(row["details"])} for row in rows]


def record(db: sqlite3.Connection, person: str, action: str, details: Mapping[str, Any]) -> None:
    """Add one entry within a transaction, so that it is there exactly when what it tells of is."""
    kept = json.dumps(_without_secrets(details), ensure_ascii=False)
    db.execute(
        "INSERT INTO audit (time, person, action, details) VALUES (?, ?, ?, ?)",
        (now(), person, action, kept),
    )


def told(arguments: Mapping[str, Any], labels: Iterable[str]) -> Json:
    """What the log keeps of a call's arguments: all of them if they left the machine, else a digest.

    What was written down here is its owner's to delete, and the log cannot be deleted from; the
    digest, of canonical JSON, still proves which words were approved to whoever has them.
    """
    if Label.LEAVES_MACHINE in labels:
        return {"arguments": dict(arguments)}
    text = json.dumps(dict(arguments), sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"arguments_sha256": digest, "characters": len(text)}


def _without_secrets(value: Any, name: str = "") -> Any:
    if _SECRET_NAME.search(name):
        return _LEFT_OUT
    if isinstance(value, Mapping):
        return {str(key): _without_secrets(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    if isinstance(value, str):
        text = _SECRET_TEXT.sub(_LEFT_OUT, value)
        return text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + "…"
    return value
