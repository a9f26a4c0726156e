"""Records of jobs: what was asked, how far it is, and how each file ended; files are rows, so that a page is cheap.

Works on the tables of ``corpus.rows``. Knows nothing of what a job does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from corpus.database import Database

__all__ = ["file_states", "files_of", "forget_jobs", "jobs_of", "save_job"]

FileRow = Mapping[str, str]
"""``source``, ``state`` and ``reason`` of one file."""


def save_job(
    catalog: Database,
    id: str,
    state: str,
    created: float,
    request: Mapping[str, Any],
    progress: Mapping[str, Any],
    files: Sequence[FileRow] = (),
    first: int = 1,
) -> None:
    """Insert or replace a job's record.

    Args:
        created: in seconds since 1970.
        progress: what else is known of it, without its files.
        files: that ended since the last call.
        first: the number of the first of them, counted from 1; what stands from there on is forgotten.
    """
    rows = [
        (id, n, file["source"], file["state"], file["reason"])
        for n, file in enumerate(files, start=first)
    ]
    with catalog.transaction() as db:
        db.execute(
            "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?)",
            (id, state, created, json.dumps(request), json.dumps(progress)),
        )
        if rows or first == 1:
            db.execute("DELETE FROM job_files WHERE job = ? AND n >= ?", (id, first))
        db.executemany("INSERT INTO job_files VALUES (?, ?, ?, ?, ?)", rows)


def jobs_of(
    catalog: Database,
    id: str | None = None,
    reader: str | None = None,
    limit: int | None = None,
    folder: str | None = None,
) -> list[dict[str, Any]]:
    """Records of all jobs, newest first, or of the one named; each with id, state, created, request, progress.

    Args:
        reader: only those that this person made; ``None``: everybody's.
        limit: at most so many.
        folder: only those made for the watched folder with this id; ``None``: any.
    """
    rows = catalog.rows(
        """SELECT * FROM jobs WHERE (:id IS NULL OR id = :id)
           AND (:folder IS NULL OR json_extract(request, '$.folder') = :folder)
           AND (:reader IS NULL OR COALESCE(json_extract(request, '$.person'), '') = :reader)
           ORDER BY created DESC, id LIMIT :limit""",
        {"id": id, "reader": reader, "limit": -1 if limit is None else limit, "folder": folder},
    )
    return [
        {
            **dict(row),
            "request": json.loads(row["request"]),
            "progress": json.loads(row["progress"]),
        }
        for row in rows
    ]


def files_of(
    catalog: Database, job: str, after: int = 0, limit: int | None = None
) -> list[dict[str, str]]:
    """How the files of a job ended, in the order in which they did: those after the ``after``-th, at most ``limit``."""
    rows = catalog.rows(
        "SELECT source, state, reason FROM job_files WHERE job = :job AND n > :after ORDER BY n LIMIT :limit",
        {"job": job, "after": after, "limit": -1 if limit is None else limit},
    )
    return [dict(row) for row in rows]


def file_states(catalog: Database, jobs: Sequence[str]) -> dict[str, dict[str, int]]:
    """Number of files by state, by job."""
    rows = catalog.rows(
        """SELECT job, state, COUNT(*) AS n FROM job_files
           WHERE job IN (SELECT value FROM json_each(:jobs)) GROUP BY job, state ORDER BY job, state""",
        {"jobs": json.dumps(list(jobs))},
    )
    found: dict[str, dict[str, int]] = {id: {} for id in jobs}
    for row in rows:
        found[row["job"]][row["state"]] = row["n"]
    return found


def forget_jobs(catalog: Database, ids: Sequence[str]) -> None:
    """Delete the records of these jobs."""
    with catalog.transaction() as db:
        for table, column in (("jobs", "id"), ("job_files", "job")):
            db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(id,) for id in ids])
