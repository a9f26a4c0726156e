"""What one ingestion knows and has done so far: what was there, the batch being filled, the report.

Knows nothing of parsing, embedding or committing; ``ingest.pipeline`` does those.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpus.catalog import Catalog, Stored
from corpus.records import UPLOAD, State
from ingest.reading import Members, Work
from ingest.report import FileResult, Progress, Report
from ingest.writer import Batch

__all__ = [
    "Covers",
    "Listener",
    "OpenArchive",
    "Run",
    "everything",
    "inside",
    "is_below",
    "only_below",
]

Listener = Callable[[Progress], None]
Covers = Callable[[str], bool]
"""Whether a run answers for a source of this name: if it was not found, it is gone."""

# What these files are does not change by itself: the same bytes are not parsed again. In other bad
# states (a timeout, say) the machine may have had a part, so that a file is worth another try.
_FIXED = frozenset(
    {
        *(State.EMPTY_TEXT, State.UNSUPPORTED_TYPE, State.TYPE_MISMATCH, State.ENCRYPTED),
        *(State.CORRUPT, State.TOO_LARGE, State.BOMB, State.UNSAFE_PATH),
    }
)

_FLEETING = frozenset(
    {State.TIMEOUT, State.OUT_OF_MEMORY, State.PARSER_CRASH, State.INTERNAL_ERROR}
)


@dataclass(slots=True)
class OpenArchive:
    """An archive whose members are still being read: ``left`` of them, and ``failed`` so far."""

    work: Work
    members: Members
    left: int
    failed: int = 0

    @property
    def reason(self) -> str:
        count = len(self.members.sources)
        bad = f", {self.failed} of which could not be read" if self.failed else ""
        return f"archive of {count} file{'' if count == 1 else 's'}{bad}"


class Run:
    """What one ingestion knows and has done so far.

    Args:
        stored: the live documents of the collection.
        total: files to read; the members of archives are added as they come to light.
        retry: whether files that took too long or crashed their parser are tried again.
    """

    def __init__(
        self,
        stored: Sequence[Stored],
        collection: str,
        total: int,
        listen: Listener | None = None,
        retry: bool = True,
    ) -> None:
        self.known = {s.document.source: s for s in stored}
        self.collection = collection
        self.retry = retry
        self.report = Report(job=uuid.uuid4().hex[:12])
        self.batch = Batch()
        self.waiting: list[FileResult] = []  # read, but not yet durable
        self.present: set[str] = set()
        self.archives: dict[str, OpenArchive] = {}
        self.total = total
        self.changed = False
        self._listen = listen
        self._counts: dict[str, int] | None = None

    def chunks_of(self, catalog: Catalog, document: str) -> int:
        if self._counts is None:
            self._counts = catalog.chunk_counts()
        return self._counts.get(document, 0)

    def members_of(self, archive: str) -> list[Stored]:
        """What is known of an archive's members."""
        return [stored for name, stored in self.known.items() if is_below(name, archive)]

    def may_stay(self, state: State) -> bool:
        """Whether a file in this state needs no new look while its bytes are the same."""
        return state.searchable or state in _FIXED or (not self.retry and state in _FLEETING)

    def done(self, result: FileResult) -> None:
        self.report.files.append(result)
        if self._listen:
            self._listen(Progress(len(self.report.files), self.total, result))

    def acknowledge(self) -> None:
        for result in self.waiting:
            self.done(result)
        self.batch, self.waiting = Batch(), []


def everything(name: str) -> bool:
    """Covers all that came from folders."""
    return not name.startswith(UPLOAD)


def only_below(names: Sequence[str]) -> Covers:
    """Covers what is called, or lies below, one of ``names``."""
    tops = set(names)

    def covers(name: str) -> bool:
        while name and name not in tops:
            name = name.rpartition("/")[0]
        return bool(name)

    return covers


def is_below(name: str, folder: str) -> bool:
    """Whether ``name`` is a path inside ``folder``."""
    return name.startswith(folder.rstrip("/") + "/")


def inside(names: Sequence[str]) -> Covers:
    """Covers what lies below one of ``names``: the members, if it is an archive."""
    return lambda name: any(is_below(name, top) for top in names)
