"""Watched folders are kept over restarts, read by jobs, and never lose documents to a disk that was unplugged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.catalog import Catalog
from corpus.errors import Conflict, NotFound
from corpus.job_records import save_job
from ingest import jobs, watched_folders
from ingest.jobs import Job, JobQueue
from ingest.watched_folders import WatchedFolders
from tests.ingest.conftest import Desk

PATIENCE_S = 60


class Inline(JobQueue):
    """A queue whose process is the desk's pipeline: what is asked for is done at once, one after the other."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.home, desk.catalog, {})
        self._desk = desk
        self._one = threading.Lock()

    def _submitted(self, job: Job) -> Job:
        with self._one:
            request = job.request
            paths = [Path(path) for path in request["paths"]]
            changed = [Path(path) for path in request["changed"]]
            report = self._desk.pipeline.follow(paths, changed, request["collection"])
            job.report = report.to_json()
            self._end(job, "done", None)
        return job


@pytest.fixture
def watched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedFolders]:
    monkeypatch.setattr(watched_folders, "AGAIN_S", 0.2)
    made = WatchedFolders(desk.catalog, Inline(desk))
    made.start()
    yield made
    made.close()


def until(watched: WatchedFolders, truth: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until something is true of the only folder."""
    deadline = time.monotonic() + PATIENCE_S
    while not truth(folder := watched.to_json()[0]):
        assert time.monotonic() < deadline, folder
        time.sleep(0.05)
    return folder


def names(catalog: Catalog) -> set[str]:
    return {Path(d.source).name for d in catalog.documents()}


def test_a_folder_is_followed_and_its_state_told(watched: WatchedFolders, desk: Desk) -> None:
    desk.write("a.txt", "red box")
    added = watched.add(str(desk.folder), "default", None)
    assert (added["path"], added["collection"]) == (str(desk.folder), "default")
    folder = until(watched, lambda f: f["state"] == "watching")
    assert folder["states"] == {"indexed": 1}
    assert folder["checked"]
    assert folder["error"] is None
    desk.write("b.txt", "blue car")
    until(watched, lambda f: f["states"] == {"indexed": 2})
    (desk.folder / "a.txt").unlink()
    until(watched, lambda f: f["states"] == {"indexed": 1})
    assert names(desk.catalog) == {"b.txt"}
    watched.remove(added["id"])
    assert watched.to_json() == []
    assert names(desk.catalog) == {"b.txt"}


def test_folders_are_watched_again_after_a_restart(desk: Desk) -> None:
    desk.write("a.txt", "red box")
    first = WatchedFolders(desk.catalog, Inline(desk))
    first.start()
    first.add(str(desk.folder), "default", None)
    until(first, lambda f: f["state"] == "watching")
    first.close()
    desk.write("b.txt", "blue car")  # while nobody watched
    again = WatchedFolders(desk.catalog, Inline(desk))
    again.start()
    until(again, lambda f: f["states"] == {"indexed": 2} and f["state"] == "watching")
    again.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("watching-")]


def test_a_folder_that_vanishes_has_failed_and_comes_back_with_its_documents(
    watched: WatchedFolders, desk: Desk, tmp_path: Path
) -> None:
    desk.write("a.txt", "red box")
    watched.add(str(desk.folder), "default", None)
    until(watched, lambda f: f["state"] == "watching")
    desk.folder.rename(tmp_path / "away")
    folder = until(watched, lambda f: f["state"] == "failed")
    assert "is gone; its documents are kept" in folder["error"]
    assert names(desk.catalog) == {"a.txt"}
    desk.folder.mkdir()  # where a disk is mounted: empty while it is not
    folder = until(watched, lambda f: "is empty" in (f["error"] or ""))
    assert "1 documents are known" in folder["error"]
    assert names(desk.catalog) == {"a.txt"}
    desk.folder.rmdir()
    (tmp_path / "away").rename(desk.folder)
    desk.write("b.txt", "blue car")
    until(watched, lambda f: f["state"] == "watching" and f["states"] == {"indexed": 2})


def test_a_folder_in_whose_place_a_file_stands_has_failed_until_it_is_back(
    watched: WatchedFolders, desk: Desk, tmp_path: Path
) -> None:
    desk.write("a.txt", "red box")
    watched.add(str(desk.folder), "default", None)
    until(watched, lambda f: f["state"] == "watching")
    desk.folder.rename(tmp_path / "away")
    desk.folder.write_text("no folder")
    until(watched, lambda f: f["state"] == "failed")
    assert names(desk.catalog) == {"a.txt"}
    desk.folder.unlink()
    (tmp_path / "away").rename(desk.folder)
    desk.write("b.txt", "blue car")
    until(watched, lambda f: f["state"] == "watching" and f["states"] == {"indexed": 2})


def test_what_is_still_to_be_read_for_a_folder_is_dropped_when_it_is_watched_no_more(
    desk: Desk,
) -> None:
    desk.write("a.txt", "red box")
    queue = JobQueue(desk.home, desk.catalog, {})  # which was not started, so that its jobs wait
    folders = WatchedFolders(desk.catalog, queue)
    folders.start()
    id = folders.add(str(desk.folder), "default", None)["id"]
    deadline = time.monotonic() + PATIENCE_S
    while not (found := queue.jobs()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    folders.remove(id)
    assert found[0].state == "cancelled"
    folders.close()


def test_a_folder_that_is_not_there_at_the_start_is_waited_for(desk: Desk, tmp_path: Path) -> None:
    desk.write("a.txt", "red box")
    first = WatchedFolders(desk.catalog, Inline(desk))
    first.add(str(desk.folder), "default", None)
    desk.sync()
    desk.folder.rename(tmp_path / "away")
    first.start()
    until(first, lambda f: f["state"] == "failed")
    (tmp_path / "away").rename(desk.folder)
    until(first, lambda f: f["state"] == "watching")
    first.close()
    assert names(desk.catalog) == {"a.txt"}


def test_folders_that_overlap_and_ids_of_nobody_are_refused(
    watched: WatchedFolders, desk: Desk
) -> None:
    (desk.folder / "deep").mkdir()
    watched.add(str(desk.folder), "default", None)
    for path in (desk.folder, desk.folder / "deep", desk.folder.parent):
        with pytest.raises(Conflict, match="watched for 'default' already"):
            watched.add(str(path), "default", None)
    watched.add(str(desk.folder), "other", None)
    with pytest.raises(NotFound, match="no watched folder"):
        watched.remove("nobody")


def test_an_ingestion_of_other_paths_leaves_what_is_watched(desk: Desk, tmp_path: Path) -> None:
    desk.write("a.txt", "red box")
    desk.sync()
    WatchedFolders(desk.catalog, Inline(desk)).add(str(desk.folder), "default", None)
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.txt").write_text("blue car")
    desk.pipeline.sync([other])
    assert names(desk.catalog) == {"a.txt", "b.txt"}
    (other / "b.txt").unlink()
    desk.pipeline.sync([other])
    assert names(desk.catalog) == {"a.txt"}


def test_a_job_that_changed_nothing_leaves_no_record(watched: WatchedFolders, desk: Desk) -> None:
    desk.write("a.txt", "red box")
    desk.sync()
    watched.add(str(desk.folder), "default", None)
    until(watched, lambda f: f["state"] == "watching")
    assert desk.catalog.jobs() == []
    desk.write("b.txt", "blue car")
    until(watched, lambda f: f["states"] == {"indexed": 2})
    deadline = time.monotonic() + PATIENCE_S
    while len(desk.catalog.jobs()) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_of_many_changes_of_a_folder_the_last_jobs_are_kept_and_all_of_others(
    watched: WatchedFolders, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "KEPT_OF_FOLDER", 2)
    save_job(desk.catalog.database, "upload", "done", 0.0, {"uploads": []}, {})
    watched.add(str(desk.folder), "default", None)
    for n in range(4):
        desk.write(f"{n}.txt", f"box {n}")
        until(watched, lambda f, n=n: f["states"] == {"indexed": n + 1})  # type: ignore[misc]
    deadline = time.monotonic() + PATIENCE_S
    while len(desk.catalog.jobs()) != 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "upload" in {job["id"] for job in desk.catalog.jobs()}
