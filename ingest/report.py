"""What an ingestion did: the record that the command line prints and a job stores."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from corpus.records import State

__all__ = ["FileResult", "Progress", "Report"]


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
