"""Folders that the service watches: each kept equal to its part of a collection, by jobs, from one start to the next.

A thread for each folder runs ``ingest.watch.Watcher``, which waits for changes; what there is to read is read by the
job queue, one ingestion after the other. A folder that goes away, or is found empty though documents are known from it
(a disk that is not mounted looks like that), has failed, with its reason; its documents stay, and it is tried again
until it is back. Knows nothing of parsing or indexes.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpus.catalog import Catalog
from corpus.errors import AlcoveError, Conflict, NotFound, OperatorError
from corpus.folder_records import Folder, add_folder, documents_below, folders_of, remove_folder
from ingest.jobs import FINAL, JobQueue
from ingest.report import Report
from ingest.run import Listener, is_below
from ingest.watch import Watcher

__all__ = ["WatchedFolders"]

AGAIN_S = 5.0  # after something stood in the way
MAX_FOLDERS = 100


class WatchedFolders:
    """Watches the folders of one home while the service runs."""

    def __init__(self, catalog: Catalog, jobs: JobQueue) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._lock = threading.Lock()
        self._watching: dict[str, _Watching] = {}
        self._runs = False

    def start(self) -> None:
        """Watch every folder that was ever added and not removed; the job queue has been started."""
        with self._lock:
            self._runs = True
            for folder in folders_of(self._catalog.database):
                self._begin(folder)

    def close(self) -> None:
        """Stop watching; the folders are watched again at the next start."""
        with self._lock:
            self._runs = False
            for watching in self._watching.values():
                watching.stop.set()
            for watching in self._watching.values():
                watching.thread.join(timeout=10)
            self._watching.clear()

    def add(self, path: str, collection: str, strategy: str | None) -> dict[str, Any]:
        """Watch one more folder; returns it as ``to_json`` does.

        Raises:
            Conflict: it, or one above or below it, is watched for this collection already; or there are too many.
        """
        with self._lock:
            known = folders_of(self._catalog.database)
            if len(known) >= MAX_FOLDERS:
                raise Conflict(
                    f"{len(known)} folders are watched, the most there can be; remove one first"
                )
            for other in known:
                if other.collection == collection and _overlap(other.path, path):
                    raise Conflict(
                        f"{other.path!r} is watched for {collection!r} already; remove it first, or name"
                        " another collection"
                    )
            folder = Folder(uuid.uuid4().hex[:12], path, collection, strategy, time.time())
            add_folder(self._catalog.database, folder)
            if self._runs:
                self._begin(folder)
        return self._shown([folder])[0]

    def remove(self, id: str) -> None:
        """Stop watching a folder for good; its documents stay.

        Raises:
            NotFound: there is none with this id.
        """
        with self._lock:
            if id not in {folder.id for folder in folders_of(self._catalog.database)}:
                raise NotFound(f"there is no watched folder {id!r}; GET /v1/folders lists them")
            watching = self._watching.pop(id, None)
            remove_folder(self._catalog.database, id)
        if watching is not None:
            watching.end()

    def to_json(self) -> list[dict[str, Any]]:
        """All of them, the oldest first, each with how it is doing and its documents by state."""
        return self._shown(folders_of(self._catalog.database))

    def _begin(self, folder: Folder) -> None:
        self._watching[folder.id] = _Watching(folder, self._catalog, self._jobs)
        self._watching[folder.id].thread.start()

    def _shown(self, folders: Sequence[Folder]) -> list[dict[str, Any]]:
        states = documents_below(self._catalog.database, folders, self._catalog.snapshot)
        return [
            {
                "id": folder.id,
                "path": folder.path,
                "collection": folder.collection,
                "strategy": folder.strategy,
                **self._standing(folder.id),
                "states": states[folder.id],
            }
            for folder in folders
        ]

    def _standing(self, id: str) -> dict[str, Any]:
        watching = self._watching.get(id)
        if watching is None:
            return {"state": "reading", "checked": None, "error": None}
        return watching.standing()


class _Watching:
    """One folder that is being watched, and the ``Follows`` that its watcher asks for work: jobs."""

    def __init__(self, folder: Folder, catalog: Catalog, jobs: JobQueue) -> None:
        self._folder = folder
        self._path = Path(folder.path)
        self._catalog = catalog
        self._jobs = jobs
        self._job: str | None = None  # under way
        self._checked: float | None = None
        self._error = ""
        self._watcher: Watcher | None = None
        self._is_over = False  # for good: nothing is to be read for it any more
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"watching-{folder.id}", daemon=True)

    def standing(self) -> dict[str, Any]:
        """How it is doing."""
        watcher = self._watcher
        error = self._error or (watcher.problem if watcher else "")
        state = "failed" if error else "reading" if self._job or not self._checked else "watching"
        checked = self._checked and dt.datetime.fromtimestamp(self._checked, dt.UTC).isoformat()
        return {"state": state, "checked": checked, "error": error or None}

    def end(self) -> None:
        """Stop for good; the thread, which knows of its job, drops what is still to be read."""
        self._is_over = True
        self.stop.set()
        self.thread.join(timeout=10)

    def _run(self) -> None:
        while not self.stop.is_set():
            try:
                self._watch()
            except AlcoveError as exc:
                self._error = str(exc)
            except OSError as exc:
                self._error = f"{self._folder.path!r} cannot be looked at ({exc.strerror or exc})"
            self.stop.wait(AGAIN_S)

    def _watch(self) -> None:
        """Watch until something stands in the way from the start."""
        if not self._path.is_dir():
            raise NotFound(
                f"{self._folder.path!r} is gone; its documents are kept until it is back"
            )
        self._watcher = Watcher(
            self, [self._path], self._folder.collection, _ignore, _ignore, self.stop
        )
        try:
            self._watcher.run()
        finally:
            self._watcher = None

    def sync(
        self,
        paths: Sequence[Path],
        collection: str,
        listen: Listener | None = None,
        *,
        retry: bool = True,
        wait: bool = False,
    ) -> Report:
        """Look at everything in the folder, but never take an empty one for the truth."""
        self._require_not_emptied()
        return self.follow(paths, paths, collection)

    def follow(self, paths: Sequence[Path], changed: Sequence[Path], collection: str) -> Report:
        """Let a job look at what changed, and wait for it."""
        folder, names = self._folder, [os.fspath(path) for path in changed]
        job = self._jobs.follow(folder.id, folder.path, names, collection, folder.strategy)
        self._job = job.id
        try:
            self._jobs.wait(job, self.stop)
        finally:
            self._job = None
        if self._is_over and job.state not in FINAL:
            self._jobs.cancel(job.id)
        if job.state != "done" or job.report is None:
            raise OperatorError(job.error or f"the reading of {folder.path!r} was cancelled")
        self._checked, self._error = time.time(), ""
        return Report(job.id, removed=job.report["removed"])

    def _require_not_emptied(self) -> None:
        with os.scandir(self._path) as entries:
            is_empty = next(entries, None) is None
        if not is_empty:
            return
        states = documents_below(self._catalog.database, [self._folder], self._catalog.snapshot)
        if known := sum(states[self._folder.id].values()):
            raise OperatorError(
                f"{self._folder.path!r} is empty, though {known} documents are known from it; they are kept:"
                " is its disk not mounted? If it was emptied on purpose, delete them"
            )


def _ignore(_: object) -> None:
    """Whoever wants to know asks for the standing."""


def _overlap(one: str, other: str) -> bool:
    return one == other or is_below(one, other) or is_below(other, one)
