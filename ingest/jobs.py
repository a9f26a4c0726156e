"""Ingestion jobs: queued by the service, done one after the other by a process of their own.

The process keeps the encoder loaded between jobs, so that an upload is searchable in seconds, and embedding never
slows an answer. Reindexing takes long and holds nobody up, so it has a lane of its own. Cancelling kills the lane's
process, which the commit is built to survive. Jobs that a stop of the service interrupted run again at the next start.
"""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.catalog import Catalog
from corpus.errors import NotFound
from corpus.home import Home
from ingest.job_process import JobProcess

__all__ = ["FINAL", "Job", "JobQueue"]

FINAL = ("done", "failed", "cancelled")
SAVE_EVERY_S = 1.0


@dataclass(slots=True)
class Job:
    """One ingestion or reindexing, as the API shows it; a reindexing counts documents and has no files."""

    id: str
    state: str  # queued, running, done, failed or cancelled
    created: float  # seconds since 1970
    request: Mapping[str, Any]
    done: int = 0
    total: int = 0
    files: list[dict[str, str]] = field(default_factory=list)
    report: Mapping[str, Any] | None = None
    error: str | None = None
    began: float | None = None  # on this process's monotonic clock, seconds

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
        return {
            "done": self.done,
            "total": self.total,
            "files": self.files,
            "report": self.report,
            "error": self.error,
        }

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "state": self.state, "eta_s": self.eta_s, **self.progress()}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Job:
        return cls(row["id"], row["state"], row["created"], row["request"], **row["progress"])


@dataclass(slots=True)
class _Lane:
    """Jobs that wait for each other, and the process that does them."""

    process: JobProcess
    keeps_process: bool  # between jobs, with what it has loaded
    queue: deque[Job] = field(default_factory=deque)


class JobQueue:
    """Runs jobs for one home.

    Args:
        settings: what the job process is told first: the JSON of the corpus, ingest and embedding settings.
    """

    def __init__(self, home: Home, catalog: Catalog, settings: Mapping[str, Any]) -> None:
        self._home = home
        self._catalog = catalog
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._lanes = {
            "ingest": _Lane(JobProcess(settings), keeps_process=True),
            "reindex": _Lane(JobProcess(settings), keeps_process=False),
        }
        self._threads = [
            threading.Thread(target=self._work, args=(lane,), name=f"jobs-{name}", daemon=True)
            for name, lane in self._lanes.items()
        ]

    def start(self) -> None:
        """Take up what an earlier run left unfinished, then wait for work."""
        for row in reversed(self._catalog.jobs()):
            if row["state"] not in FINAL:
                job = Job(row["id"], "queued", row["created"], row["request"])
                self._jobs[job.id] = job
                self._lane(job).queue.append(job)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop the job processes; an unfinished job runs again at the next start."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for lane in self._lanes.values():
            lane.process.kill()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=10)

    def _lane(self, job: Job) -> _Lane:
        return self._lanes["reindex" if "reindex" in job.request else "ingest"]

    def reserve(self) -> tuple[str, Path]:
        """A job id and an empty folder for its uploaded files."""
        id = uuid.uuid4().hex[:12]
        folder = self._home.uploads / id
        folder.mkdir(parents=True)
        return id, folder

    def submit(
        self,
        collection: str,
        *,
        id: str | None = None,
        uploads: list[tuple[str, str]] | None = None,
        paths: list[str] | None = None,
        strategy: str | None = None,
        person: str = "",
    ) -> Job:
        """Queue an ingestion of uploaded files, as (name, path), or of folders and files to be equal to.

        Args:
            person: the name of whoever wants it; empty: the owner of the machine.
            strategy: a chunking strategy, by name; ``None``: that of the settings.
        """
        sources = {"uploads": uploads, "paths": paths}
        request = {"collection": collection, "strategy": strategy, **sources, "person": person}
        job = Job(
            id or uuid.uuid4().hex[:12], "queued", time.time(), request, total=len(uploads or [])
        )
        return self._submitted(job)

    def reindex(
        self, model: str | None = None, precision: str | None = None, *, back: bool = False
    ) -> Job:
        """Queue a move to another embedding space, or back; see ``ingest.moving.Move``."""
        to = {"model": model, "precision": precision, "back": back}
        return self._submitted(Job(uuid.uuid4().hex[:12], "queued", time.time(), {"reindex": to}))

    def _submitted(self, job: Job) -> Job:
        with self._changed:
            self._save(job)
            self._jobs[job.id] = job
            self._lane(job).queue.append(job)
            self._changed.notify_all()
        return job

    def job(self, id: str, reader: str | None = None) -> Job:
        """Raises:
        NotFound: there is no such job, or ``reader`` is somebody else than who made it (``None``: the owner).
        """
        job = self._jobs.get(id)
        if job is None:
            job = next(map(Job.from_row, self._catalog.jobs(id)), None)
        if job is None or not job.is_for(reader):
            raise NotFound(f"there is no job {id!r}; GET /v1/jobs lists them")
        return job

    def jobs(self, reader: str | None = None) -> list[Job]:
        """All jobs that are for ``reader`` (``None``: the owner), newest first."""
        found = (self._jobs.get(row["id"]) or Job.from_row(row) for row in self._catalog.jobs())
        return [job for job in found if job.is_for(reader)]

    def cancel(self, id: str, reader: str | None = None) -> Job:
        """Stop a job; what it has acknowledged stays. A finished job stays as it is."""
        job = self.job(id, reader)
        with self._changed:
            running = job.state == "running"
            if job.state not in FINAL:
                job.state = "cancelled"
                self._save(job)
        if running:
            self._lane(job).process.kill()
        return job

    def _work(self, lane: _Lane) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: lane.queue or self._closing)
                if self._closing:
                    lane.process.close()
                    return
                job = lane.queue.popleft()
                if job.state != "queued":
                    continue
                job.state, job.began = "running", time.monotonic()
                self._save(job)
            try:
                self._run(job, lane.process)
            except OSError as exc:
                self._end(job, "failed", f"the ingestion process could not be run: {exc}")
            if not lane.keeps_process:
                lane.process.close()

    def _run(self, job: Job, process: JobProcess) -> None:
        saved = time.monotonic()
        for event in process.exchange({"job": job.id, **job.request}):
            if "error" in event:
                self._end(job, "failed", event["error"])
                return
            if "report" in event:
                job.report = event["report"]
                self._end(job, "done", None)
                return
            job.done, job.total = event["done"], event["total"]
            if event["file"]:
                job.files.append(event["file"])
            if time.monotonic() - saved > SAVE_EVERY_S:
                self._save(job)
                saved = time.monotonic()
        if not self._closing:
            self._end(
                job, "failed", "the ingestion process ended unexpectedly; add the files again"
            )

    def _end(self, job: Job, state: str, error: str | None) -> None:
        # originals/ holds its own copies; whoever sees the job ended may rely on these being gone
        shutil.rmtree(self._home.uploads / job.id, ignore_errors=True)
        with self._changed:
            if job.state != "cancelled":
                job.state, job.error = state, error
            self._save(job)

    def _save(self, job: Job) -> None:
        self._catalog.save_job(job.id, job.state, job.created, job.request, job.progress())
