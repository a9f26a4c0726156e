"""One job as the service knows it: what was asked, how far it is, what came of it.

Its files are kept in the catalog (``corpus.job_records``); here are only those that ended since the last time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FINAL", "Job", "is_news", "with_refused"]

FINAL = ("done", "failed", "cancelled")


@dataclass(slots=True)
class Job:
    """One ingestion or reindexing, as the API shows it; a reindexing counts documents and has no files."""

    id: str
    state: str  # queued, running, done, failed or cancelled
    created: float  # seconds since 1970
    request: Mapping[str, Any]
    done: int = 0
    total: int = 0
    report: Mapping[str, Any] | None = None
    error: str | None = None
    began: float | None = None  # on this process's monotonic clock, seconds
    kept: int = 0  # files in the catalog
    unsaved: list[dict[str, str]] = field(default_factory=list)  # files that ended since

    @property
    def folder(self) -> str:
        """The id of the watched folder that it was made for; empty: it was not."""
        return str(self.request.get("folder", ""))

    @property
    def eta_s(self) -> float | None:
        """Seconds that the rest will take if it goes on as so far; ``None``: nobody can know yet."""
        if self.state != "running" or self.began is None or not self.done:
            return None
        elapsed = time.monotonic() - self.began
        return round(elapsed / self.done * max(self.total - self.done, 0), 1)

    def is_for(self, reader: str | None) -> bool:
        """Whether this reader may know of it: whoever made it, and the owner of the machine (``None``)."""
        return reader is None or reader == self.request.get("person", "")

    def progress(self) -> dict[str, Any]:
        """What is stored of it besides what was asked."""
        return {
            "done": self.done,
            "total": self.total,
            "report": self.report,
            "error": self.error,
        }

    def to_json(self, problems: int | None = None) -> dict[str, Any]:
        """What is told of it, without its files; of the report's problems at most so many (``None``: all)."""
        told = {"id": self.id, "state": self.state, "eta_s": self.eta_s, **self.progress()}
        if self.report and "problems" in self.report and problems is not None:
            told["report"] = {**self.report, "problems": self.report["problems"][:problems]}
        return {**told, "kind": self.kind, "folder": self.folder or None}

    @property
    def kind(self) -> str:
        """What it does, in a word: reindex, rechunk, follow (a watched folder), upload or ingest."""
        if "reindex" in self.request or "rechunk" in self.request:
            return "reindex" if "reindex" in self.request else "rechunk"
        if self.folder:
            return "follow"
        return "ingest" if self.request.get("uploads") is None else "upload"

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Job:
        """A job as it was stored."""
        return cls(row["id"], row["state"], row["created"], row["request"], **row["progress"])


def is_news(job: Job) -> bool:
    """Whether it changed something or met a problem, so that somebody may want to read of it."""
    if job.state != "done" or job.report is None:
        return True
    return bool(job.report.get("removed") or set(job.report.get("files", {})) - {"unchanged"})


def with_refused(
    report: Mapping[str, Any], refused: Sequence[Mapping[str, str]]
) -> Mapping[str, Any]:
    """The report of an upload, with the files that were not even read."""
    if not refused:
        return report
    counts = dict(report["files"])
    for file in refused:
        counts[file["state"]] = counts.get(file["state"], 0) + 1
    problems = [{"path": f["source"], "state": f["state"], "reason": f["reason"]} for f in refused]
    return {
        **report,
        "files": dict(sorted(counts.items())),
        "problems": [*problems, *report["problems"]],
    }
