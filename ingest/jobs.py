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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.catalog import Catalog
from corpus.errors import NotFound
from corpus.home import Home
from corpus.job_records import file_states, files_of, forget_jobs, jobs_of, save_job
from ingest.job_process import JobProcess
from ingest.job_record import FINAL, Job, is_news, with_refused

__all__ = ["FINAL", "Job", "JobQueue"]

SAVE_EVERY_S = 1.0
LISTED_JOBS = 100  # by a list, the newest
LISTED_FILES = 20  # of each job in a list, the last ones
KEPT_OF_FOLDER = 20  # jobs of a watched folder whose records stay


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
                if job.folder:  # whoever watches it looks at everything anyway
                    job.state = "cancelled"
                    self._save(job)
                    continue
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
        id = _new_id()
        folder = self._home.uploads / id
        folder.mkdir(parents=True)
        return id, folder

    def submit(
        self,
        collection: str,
        *,
        id: str | None = None,
        uploads: list[tuple[str, str]] | None = None,
        refused: Sequence[Mapping[str, str]] = (),
        paths: list[str] | None = None,
        strategy: str | None = None,
        person: str = "",
    ) -> Job:
        """Queue an ingestion of uploaded files, as (name, path), or of folders and files to be equal to.

        Args:
            refused: files of the upload that cannot be read, as the job shows them.
            person: the name of whoever wants it; empty: the owner of the machine.
            strategy: a chunking strategy, by name; ``None``: that of the settings.
        """
        sources = {"uploads": uploads, "paths": paths, "refused": list(refused)}
        request = {"collection": collection, "strategy": strategy, **sources, "person": person}
        job = Job(id or _new_id(), "queued", time.time(), request)
        job.total = len(uploads or []) + len(refused)
        return self._submitted(job)

    def follow(
        self, folder: str, path: str, changed: list[str], collection: str, strategy: str | None
    ) -> Job:
        """Queue a look at what changed in a watched folder, given by its id; the owner's."""
        where = {"paths": [path], "changed": changed, "folder": folder}
        request = {"collection": collection, "strategy": strategy, "uploads": None, **where}
        return self._submitted(Job(_new_id(), "queued", time.time(), request))

    def rechunk(
        self, document: str, source: str, strategy: str, size: int, person: str = ""
    ) -> Job:
        """Queue the cutting of one document otherwise; see ``Pipeline.rechunk``."""
        how = {"document": document, "source": source, "strategy": strategy, "size": size}
        request = {"rechunk": how, "person": person}
        return self._submitted(Job(_new_id(), "queued", time.time(), request, total=1))

    def reindex(
        self, model: str | None = None, precision: str | None = None, *, back: bool = False
    ) -> Job:
        """Queue a move to another embedding space, or back; see ``ingest.moving.Move``."""
        to = {"model": model, "precision": precision, "back": back}
        return self._submitted(Job(_new_id(), "queued", time.time(), {"reindex": to}))

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

    def eta_s(self, id: str) -> float | None:
        """Seconds that a job still takes; ``None`` where nobody can know, as of one that has ended or is unknown."""
        job = self._jobs.get(id)
        return None if job is None else job.eta_s

    def jobs(self, reader: str | None = None, limit: int | None = None) -> list[Job]:
        """The jobs that are for ``reader`` (``None``: the owner), newest first, at most ``limit``."""
        rows = jobs_of(self._catalog.database, reader=reader, limit=limit)
        return [self._jobs.get(row["id"]) or Job.from_row(row) for row in rows]

    def files(self, job: Job, after: int = 0, limit: int | None = None) -> list[dict[str, str]]:
        """How the files of a job ended, those after the ``after``-th, at most ``limit``."""
        with self._changed:
            found = files_of(self._catalog.database, job.id, after, limit)
            found += job.unsaved[max(after - job.kept, 0) :]
        return found if limit is None else found[:limit]

    def states(self, jobs: Sequence[Job]) -> dict[str, dict[str, int]]:
        """Number of files that ended in each state, by job id."""
        with self._changed:
            found = file_states(self._catalog.database, [job.id for job in jobs])
            for job in jobs:
                for file in job.unsaved:
                    counts = found[job.id]
                    counts[file["state"]] = counts.get(file["state"], 0) + 1
        return found

    def shown(self, job: Job, after: int = 0, limit: int | None = None) -> dict[str, Any]:
        """A job as the API tells of it, with a page of its files."""
        states = self.states([job])[job.id]
        return {**job.to_json(), "files": self.files(job, after, limit), "states": states}

    def listed(self, reader: str | None) -> list[dict[str, Any]]:
        """The newest jobs as a list tells of them: of many files, only the last."""
        jobs = self.jobs(reader, LISTED_JOBS)
        states = self.states(jobs)
        found = []
        for job in jobs:
            count = sum(states[job.id].values())
            files = self.files(job, max(count - LISTED_FILES, 0), LISTED_FILES)
            shown = job.to_json(problems=LISTED_FILES)
            found.append({**shown, "files": files, "states": states[job.id]})
        return found

    def wait(self, job: Job, stop: threading.Event) -> None:
        """Wait until it has ended, or ``stop`` is set, or this queue closes."""
        with self._changed:
            while job.state not in FINAL and not stop.is_set() and not self._closing:
                self._changed.wait(0.2)

    def cancel(self, id: str, reader: str | None = None) -> Job:
        """Stop a job; what it has acknowledged stays. A finished job stays as it is."""
        job = self.job(id, reader)
        with self._changed:
            waits, runs = job.state == "queued", job.state == "running"
            if waits or runs:
                job.state = "cancelled"
                self._save(job)
            if runs:  # meanwhile no other job can begin in that process
                self._lane(job).process.kill()
        if waits:
            self._end(job, "cancelled", None)
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
        refused = job.request.get("refused", [])
        job.unsaved += refused
        job.done = len(refused)
        saved = time.monotonic()
        for event in process.exchange({"job": job.id, **job.request}):
            if job.state == "cancelled":  # before that process had begun
                process.kill()
                break
            if "error" in event:
                self._end(job, "failed", event["error"])
                return
            if "report" in event:
                job.report = with_refused(event["report"], refused)
                self._end(job, "done", None)
                return
            job.done, job.total = event["done"] + len(refused), event["total"] + len(refused)
            if event["file"]:
                with self._changed:
                    job.unsaved.append(event["file"])
            if time.monotonic() - saved > SAVE_EVERY_S:
                with self._changed:
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
            self._jobs.pop(job.id, None)
            if job.folder:
                self._forget_old(job)
            self._changed.notify_all()

    def _forget_old(self, job: Job) -> None:
        """A watched folder makes a job for each change: keep the last ones, and none that changed nothing."""
        rows = jobs_of(self._catalog.database, folder=job.folder)
        same = [row["id"] for row in rows if row["state"] in FINAL]
        old = same[KEPT_OF_FOLDER:]
        forget_jobs(self._catalog.database, old if is_news(job) else [job.id, *old])

    def _save(self, job: Job) -> None:
        record = (job.id, job.state, job.created, job.request, job.progress())
        save_job(self._catalog.database, *record, job.unsaved, job.kept + 1)
        job.kept += len(job.unsaved)
        job.unsaved.clear()


def _new_id() -> str:
    return uuid.uuid4().hex[:12]
