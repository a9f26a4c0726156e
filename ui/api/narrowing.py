"""What a search is restricted to: metadata of documents, and a range of pages. One rule for every view that asks.

Knows nothing of HTTP or Streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["LAST_PAGE", "Narrowed"]

LAST_PAGE = 100_000
"""Stands for 'to the end' in a range of pages; no document has as many."""


@dataclass(kw_only=True)
class Narrowed:
    """The restrictions; ``pages`` are the first and the last, as the service takes them."""

    filters: dict[str, str] = field(default_factory=dict)
    pages: tuple[int, int] | None = None

    @property
    def count(self) -> int:
        """How many restrictions there are."""
        return len(self.filters) + (self.pages is not None)

    @property
    def span(self) -> tuple[int | None, int | None]:
        """The first and the last page, as a person gives them; ``None``: from the start, to the end."""
        if self.pages is None:
            return None, None
        first, last = self.pages
        return first, None if last == LAST_PAGE else last

    def filter(self, name: str, value: str | None) -> None:
        """Search only documents that say this, or any."""
        if value:
            self.filters[name] = value
        else:
            self.filters.pop(name, None)

    def between(self, first: int | None, last: int | None) -> None:
        """Search only these pages; without ``last`` to the end, without ``first`` from page 1."""
        if first is None and last is None:
            self.pages = None
        else:
            begin = first or 1
            self.pages = (begin, max(begin, last or LAST_PAGE))
