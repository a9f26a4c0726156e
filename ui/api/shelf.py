"""What one session has open in the library: which documents it looks at, what it adds, deletes and cuts anew.

Holds no document itself. Errors are those of ``ui.api.client``. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from ui.api.documents import DocumentService
from ui.api.following import Followed
from ui.api.sending import Sending

__all__ = ["ROWS", "Shelf", "Upload"]

ROWS = 50  # documents of a page


@dataclass
class Upload:
    """Files on their way: those that are handed over, and the jobs that read them."""

    sending: Sending
    collection: str
    followed: list[Followed] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether every file has been handed over and read."""
        read = len(self.followed) == len(self.sending.jobs) and all(f.over for f in self.followed)
        return self.sending.over and read

    def look(self, documents: DocumentService) -> None:
        """Ask how far it is. Jobs are done one after the other: those behind an unfinished one wait."""
        for id in self.sending.jobs[len(self.followed) :]:
            self.followed.append(Followed(id))
        for job in self.followed:
            if not job.over:
                job.look(documents)
            if not job.over:
                return


@dataclass
class Shelf:
    """One session's library.

    ``part`` is ``documents``, ``collections`` or ``folders``. ``cursors`` name the pages of the list up to the open
    one, of which the first needs none. ``document`` is open instead of the list, with the part of it named
    ``inside``, from ``at`` on. ``chosen`` are files that wait to be added; ``leaving`` documents about to be deleted.
    """

    part: str = "documents"
    collection: str = ""
    words: str = ""
    told: str = ""
    sort: str = "name"
    alike: bool = False
    cursors: list[str] = field(default_factory=list)
    document: str | None = None
    inside: str = "text"
    at: int = 0
    chosen: tuple[tuple[str, BinaryIO, int], ...] = ()
    choosers: int = 0
    uploads: list[Upload] = field(default_factory=list)
    leaving: tuple[tuple[str, str], ...] = ()
    forming: bool = False  # whether the form that cuts the open document anew is open
    cutting: dict[str, Followed] = field(default_factory=dict)

    # The list

    def show(self, part: str, collection: str = "") -> None:
        """Open a part; of the documents, those of a collection."""
        self.part, self.document = part, None
        if collection:
            self.narrow(collection=collection, words="", told="", alike=False)

    def narrow(self, **filters: str | bool) -> None:
        """Set some of ``collection``, ``words``, ``told`` (a state in words), ``sort`` and ``alike``."""
        for name, value in filters.items():
            setattr(self, name, value)
        self.cursors.clear()

    def asked(self, states: Sequence[str]) -> dict[str, str | int | Sequence[str]]:
        """What the service is asked for; ``states`` are those that ``told`` means."""
        return {
            "collection": self.collection,
            "q": self.words,
            "state": states,
            "duplicates": "true" if self.alike else "",
            "sort": self.sort,
            "limit": ROWS,
            "after": self.cursors[-1] if self.cursors else "",
        }

    def turn(self, after: str | None) -> None:
        """Go to the page that begins after this cursor, or back to the one before."""
        if after is not None:
            self.cursors.append(after)
        elif self.cursors:
            self.cursors.pop()

    # One document

    def open(self, document: str | None) -> None:
        """Open a document, or the list."""
        self.document, self.inside, self.at, self.forming = document, "text", 0, False

    def address(self) -> dict[str, str]:
        """What of it stands in the page's address."""
        return {"document": self.document} if self.document else {}

    def follow(self, address: Mapping[str, str]) -> None:
        """Open what the address says: a document, or the list."""
        if address.get("document") != self.document:
            self.open(address.get("document"))

    def look_at(self, inside: str, at: int = 0) -> None:
        """Show another part of the open document, from ``at`` on."""
        self.inside, self.at = inside, at

    # Adding

    def add(self, documents: DocumentService, collection: str) -> None:
        """Send the chosen files on; the chooser starts afresh."""
        files = [(name, data) for name, data, _ in self.chosen]
        self.uploads.append(Upload(Sending(documents, files, collection), collection))
        self.discard()

    def leave(self) -> None:
        """Let go of what was chosen and not sent yet: whoever is here goes."""
        self.discard()
        for upload in self.uploads:
            upload.sending.drop()

    def discard(self) -> None:
        """Let go of the chosen files."""
        self.chosen = ()
        self.choosers += 1
