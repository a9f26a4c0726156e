"""Ingestion jobs: queued by the service, done one after the other by a process of their own.

The process keeps the encoder loaded between jobs, so that an upload is searchable in seconds, and embedding never
slows an answer. It speaks JSON lines: a request in, progress and a report out. Cancelling kills it, which the commit
is built to survive. Jobs that a stop of the service interrupted run again at the next start.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.catalog import Catalog
from corpus.errors import NotFound, OperatorError
from corpus.home import Home

__all__ = ["FINAL", "Job", "JobQueue"]

FINAL = ("done", "failed", "cancelled")
SAVE_EVERY_S = 1.0


@dataclass(slots=True)
class Job:
    """One ingestion, as the API shows it."""

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


class JobQueue:
    """Runs jobs for one home.

    Args:
        settings: what the job process is told first: the JSON of the corpus, ingest and embedding settings.
    """

    def __init__(self, home: Home, catalog: Catalog, settings: Mapping[str, Any]) -> None:
        self._home = home
        self._catalog = catalog
        self._settings = settings
        self._jobs: dict[str, Job] = {}
        self._queue: deque[Job] = deque()
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Take up what an earlier run left unfinished, then wait for work."""
        for row in reversed(self._catalog.jobs()):
            if row["state"] not in FINAL:
                job = Job(row["id"], "queued", row["created"], row["request"])
                self._jobs[job.id] = job
                self._queue.append(job)
        self._thread.start()

    def close(self) -> None:
        """Stop the job process; an unfinished job runs again at the next start."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._kill()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

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
    ) -> Job:
        """Queue an ingestion of uploaded files, as (name, path), or of folders and files to be equal to.

        Args:
            strategy: a chunking strategy, by name; ``None``: that of the settings.
        """
        sources = {"uploads": uploads, "paths": paths}
        request = {"collection": collection, "strategy": strategy, **sources}
        job = Job(
            id or uuid.uuid4().hex[:12], "queued", time.time(), request, total=len(uploads or [])
        )
        with self._changed:
            self._save(job)
            self._jobs[job.id] = job
            self._queue.append(job)
            self._changed.notify_all()
        return job

    def job(self, id: str) -> Job:
        """Raises:
        NotFound: there is no such job.
        """
        job = self._jobs.get(id)
        if job is None:
            rows = self._catalog.jobs(id)
            if not rows:
                raise NotFound(f"there is no job {id!r}; GET /v1/jobs lists them")
            job = Job.from_row(rows[0])
        return job

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        return [self._jobs.get(row["id"]) or Job.from_row(row) for row in self._catalog.jobs()]

    def cancel(self, id: str) -> Job:
        """Stop a job; what it has acknowledged stays. A finished job stays as it is."""
        job = self.job(id)
        with self._changed:
            running = job.state == "running"
            if job.state not in FINAL:
                job.state = "cancelled"
                self._save(job)
        if running:
            self._kill()
        return job

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing)
                if self._closing:
                    self._forget_process()
                    return
                job = self._queue.popleft()
                if job.state != "queued":
                    continue
                job.state, job.began = "running", time.monotonic()
                self._save(job)
            try:
                self._run(job)
            except OSError as exc:
                self._end(job, "failed", f"the ingestion process could not be run: {exc}")

    def _run(self, job: Job) -> None:
        saved = time.monotonic()
        for event in self._exchange({"job": job.id, **job.request}):
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

    def _exchange(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Send one request and yield what comes back, until the process says no more."""
        process = self._ready_process()
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise OperatorError("the ingestion process has no pipes")
        try:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
        except BrokenPipeError:
            return
        for line in stdout:
            yield json.loads(line)

    def _ready_process(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self._forget_process()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ingest"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(self._settings) + "\n")
        return self._process

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait(timeout=10)

    def _forget_process(self) -> None:
        """Close the pipes of a process that has ended; only the thread that reads them does this."""
        if self._process is not None:
            self._kill()
            with suppress(BrokenPipeError):
                self._process.__exit__(None, None, None)
            self._process = None

    def _save(self, job: Job) -> None:
        self._catalog.save_job(job.id, job.state, job.created, job.request, job.progress())
