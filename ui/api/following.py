"""A job being followed: how far it is, and how its files ended, of which only the new ones are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.records import State
from ui.api.documents import DocumentService
from ui.api.wire import JobFileJson, JobJson

__all__ = ["OVER", "Followed"]

OVER = ("done", "failed", "cancelled")
_AT_ONCE = 500  # files
_GOOD = (State.INDEXED, State.UNCHANGED)


@dataclass
class Followed:
    """One job; ``bad`` are the files with something to be said about them, ``good`` the others."""

    id: str
    state: str = "queued"
    done: int = 0
    total: int = 0
    eta_s: float | None = None
    error: str | None = None
    bad: list[JobFileJson] = field(default_factory=list)
    good: list[JobFileJson] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in OVER

    def look(self, documents: DocumentService) -> None:
        """Ask how far it is, and for the files that ended since the last look."""
        files: list[JobFileJson] = []
        while True:
            job = documents.job(self.id, len(self.bad) + len(self.good), _AT_ONCE)
            files = job["files"]
            for file in files:
                (self.good if file["state"] in _GOOD else self.bad).append(file)
            if len(files) < _AT_ONCE:
                self._take(job)
                return

    def _take(self, job: JobJson) -> None:
        self.state, self.done, self.total = job["state"], job["done"], job["total"]
        self.error, self.eta_s = job["error"], job.get("eta_s")
