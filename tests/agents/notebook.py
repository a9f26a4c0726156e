"""Notes and memories kept in a dictionary: all that the tools' tests need of either."""

from __future__ import annotations

from collections.abc import Sequence

from agents.tools.tool import Entry
from corpus.errors import NotFound

__all__ = ["Notebook"]

NOW = "2026-01-02T03:04:05+00:00"


class Notebook:
    """A ``Notes`` and a ``Memories`` in one."""

    def __init__(self) -> None:
        self.written: dict[tuple[str, str], Entry] = {}
        self.remembered: list[tuple[str, Entry]] = []
        self._keys: dict[str, Entry] = {}

    def write(self, owner: str, title: str, text: str, source: str, key: str = "") -> Entry:
        if key and key in self._keys:
            return self._keys[key]
        entry = Entry(str(len(self.written)), title, text, source, NOW, NOW)
        self.written[owner, title] = entry
        if key:
            self._keys[key] = entry
        return entry

    def read(self, owner: str, title: str) -> Entry:
        if (owner, title) not in self.written:
            raise NotFound(f"there is no note {title!r}")
        return self.written[owner, title]

    def notes(self, owner: str) -> Sequence[Entry]:
        return [entry for (who, _), entry in self.written.items() if who == owner]

    def remember(self, owner: str, text: str, source: str, key: str = "") -> Entry:
        if key and key in self._keys:
            return self._keys[key]
        entry = Entry(str(len(self.remembered)), "", text, source, NOW, NOW)
        self.remembered.append((owner, entry))
        if key:
            self._keys[key] = entry
        return entry

    def recall(self, owner: str, query: str, most: int = 5) -> Sequence[Entry]:
        words = query.lower().split()
        mine = [entry for who, entry in self.remembered if who == owner]
        return [e for e in mine if any(word in e.text.lower() for word in words)][:most]
