"""What the viewer beside the answer shows: places of one answer, one of them open.

Knows nothing of HTTP or Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.records import Citation, Passage

__all__ = ["Place", "Viewing"]


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a document, as the viewer opens it; ``number`` is its citation's, if it has one."""

    document: str
    source: str
    page: int | None
    start: int
    end: int
    quote: str
    number: int | None = None

    @classmethod
    def of(cls, found: Citation | Passage) -> Place:
        """Where a citation or a passage stands."""
        span = found.span
        if isinstance(found, Citation):
            where = (found.document, found.source, found.page)
            return cls(*where, span.start, span.end, found.quote, found.n)
        where = (found.document.id, found.document.source, found.page)
        return cls(*where, span.start, span.end, found.text)


@dataclass
class Viewing:
    """The places that can be stepped through; ``shown_in`` names the answer they belong to.

    ``at`` is the open one, ``page`` the page of its document when another was turned to.
    """

    places: tuple[Place, ...] = ()
    at: int = 0
    shown_in: str = ""
    page: int | None = None

    @property
    def place(self) -> Place | None:
        """What is open, if anything is."""
        return self.places[self.at] if self.places else None

    def open(self, places: Sequence[Place], at: int, shown_in: str) -> None:
        """Open ``places[at]`` of the answer ``shown_in``."""
        self.places, self.at, self.shown_in, self.page = tuple(places), at, shown_in, None

    def step(self, by: int) -> None:
        """Go to the next or the previous place of the same answer; past the end comes the first."""
        if self.places:
            self.at, self.page = (self.at + by) % len(self.places), None

    def turn(self, page: int) -> None:
        """Show another page of the open document."""
        self.page = page

    def close(self) -> None:
        """Show nothing."""
        self.places, self.at, self.shown_in, self.page = (), 0, "", None

    def active_in(self, shown_in: str) -> int | None:
        """The number of the open citation when it belongs to that answer."""
        return self.place.number if self.place and self.shown_in == shown_in else None

    def opened_at(self, shown_in: str) -> int | None:
        """Which place of that answer is open, counted from 0."""
        return self.at if self.place and self.shown_in == shown_in else None
