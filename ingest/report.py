"""What an ingestion or a reindexing did: the records that the command line prints and a job stores."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from corpus.records import State
from retrieval.fingerprint import Fingerprint

__all__ = ["FileResult", "Progress", "Reindexed", "Report", "Standing"]


@dataclass(frozen=True, slots=True)
class FileResult:
    """The state one file ended in."""

    source: str
    state: State
    reason: str = ""

    @property
    def is_problem(self) -> bool:
        return self.state not in (State.INDEXED, State.UNCHANGED)

    def to_json(self) -> dict[str, str]:
        return {"path": self.source, "state": str(self.state), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingestion is: files done of files found, and the file just done, if one was."""

    done: int
    total: int
    file: FileResult | None = None


@dataclass(slots=True)
class Report:
    """Totals of one ingestion; ``chunks_*`` count chunks of the collection."""

    job: str
    snapshot: int = 0
    files: list[FileResult] = field(default_factory=list)
    removed: int = 0  # documents whose file is gone
    ignored: int = 0  # files that patterns left out
    chunks_added: int = 0
    chunks_removed: int = 0
    chunks_kept: int = 0
    seconds: float = 0.0

    @property
    def exit_status(self) -> int:
        """0, or 1 if some file ended in a bad state."""
        return int(any(f.is_problem and f.state is not State.INDEXED_PARTIAL for f in self.files))

    @property
    def tells_something(self) -> bool:
        """Whether a document came, went or could not be read."""
        return self.removed > 0 or any(f.state is not State.UNCHANGED for f in self.files)

    def to_json(self) -> dict[str, Any]:
        """The object ``alcove ingest --json`` prints."""
        return {
            "job": self.job,
            "snapshot": self.snapshot,
            "files": dict(sorted(Counter(str(f.state) for f in self.files).items())),
            "removed": self.removed,
            "ignored": self.ignored,
            "chunks": {
                "added": self.chunks_added,
                "removed": self.chunks_removed,
                "kept": self.chunks_kept,
            },
            "seconds": round(self.seconds, 3),
            "problems": [f.to_json() for f in self.files if f.is_problem],
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """The space an index is in, and how its documents are cut."""

    space: Fingerprint
    chunkings: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        s = self.space
        names = {"model": s.model, "precision": s.dtype, "dimension": s.dimension, "space": s.key}
        return {**names, "chunking": list(self.chunkings)}


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What was done.

    Args:
        snapshot: the live one now.
        before: where the index was; ``None``: nothing was in it.
        after: where it is.
        chunks: in the index now.
        embedded: texts embedded for it, as their vectors were not stored.
        remade: documents that were cut for it.
        seconds: all of it.
        switch_ms: from the beginning of the commit until the new index was live; 0: nothing had to be done.
    """

    job: str
    snapshot: int
    before: Standing | None
    after: Standing | None
    chunks: int
    embedded: int
    remade: int
    seconds: float
    switch_ms: float

    def to_json(self) -> dict[str, object]:
        """The object ``alcove reindex --json`` prints."""
        return {
            "job": self.job,
            "snapshot": self.snapshot,
            "from": self.before and self.before.to_json(),
            "to": self.after and self.after.to_json(),
            "chunks": self.chunks,
            "embedded": self.embedded,
            "kept": max(self.chunks - self.embedded, 0),
            "remade": self.remade,
            "seconds": round(self.seconds, 3),
            "switch_ms": round(self.switch_ms, 1),
        }
