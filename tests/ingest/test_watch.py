"""A watched folder and its collection are the same a moment after each change."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus.catalog import Catalog
from corpus.errors import DiskFull, NotFound
from corpus.home import Home
from ingest import watch
from ingest.report import Report
from ingest.watch import Watcher
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.fakes import HashEncoder
from tests.ingest.conftest import Desk

PATIENCE_S = 60


class Watched:
    """A desk whose folder is watched from a thread of its own."""

    def __init__(self, desk: Desk, *paths: Path) -> None:
        self.desk = desk
        self.reports: queue.Queue[Report] = queue.Queue()
        self.said: queue.Queue[str] = queue.Queue()
        self.problem: BaseException | None = None
        self._stop = threading.Event()
        self._watcher = Watcher(
            desk.pipeline,
            paths or [desk.folder],
            "default",
            self.reports.put,
            self.said.put,
            self._stop,
        )
        self._thread = threading.Thread(target=self._run, name="watching")

    def __enter__(self) -> Watched:
        self._thread.start()
        self.reports.get(timeout=PATIENCE_S)  # the first synchronisation
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=PATIENCE_S)
        assert not self._thread.is_alive()
        assert self.problem is None

    def _run(self) -> None:
        try:
            self._watcher.run()
        except BaseException as exc:
            self.problem = exc

    def until(self, truth: Callable[[], bool]) -> None:
        """Wait until something is true; it is looked at after each report."""
        deadline = time.monotonic() + PATIENCE_S
        while not truth():
            assert time.monotonic() < deadline, [d.source for d in self.desk.catalog.documents()]
            try:
                self.reports.get(timeout=0.2)
            except queue.Empty:
                continue

    def until_there(self, *names: str) -> None:
        expected = {str(self.desk.folder / name) for name in names}
        self.until(lambda: {d.source for d in self.desk.catalog.documents()} == expected)


@pytest.fixture
def watched(desk: Desk) -> Iterator[Watched]:
    desk.write("a.txt", "red box")
    with Watched(desk) as made:
        yield made


def test_adding_changing_renaming_and_deleting_is_followed(watched: Watched) -> None:
    desk = watched.desk
    desk.write("b.txt", "blue car")
    watched.until(lambda: desk.found("blue") == ["b.txt"])
    desk.write("a.txt", "green box")
    watched.until(lambda: desk.found("green") == ["a.txt"])
    encoded = desk.encoder.encoded
    (desk.folder / "b.txt").rename(desk.folder / "c.txt")
    watched.until_there("a.txt", "c.txt")
    assert desk.encoder.encoded == encoded
    (desk.folder / "a.txt").unlink()
    watched.until_there("c.txt")
    assert desk.found("green") == []


def test_editors_that_write_beside_and_rename_are_followed(watched: Watched) -> None:
    desk = watched.desk
    desk.write(".a.txt.swp", "swap")
    (desk.folder / "a.txt").rename(desk.folder / "a.txt~")
    desk.write("a.txt", "green box")
    watched.until(lambda: desk.found("green") == ["a.txt"])
    other = desk.write(".new-a.txt.part~", "yellow box")
    other.replace(desk.folder / "a.txt")
    watched.until(lambda: desk.found("yellow") == ["a.txt"])
    watched.until_there("a.txt")


def test_folders_that_move_in_and_out_are_followed_with_all_in_them(
    watched: Watched, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "b.txt").write_text("blue car")
    (outside / "deep" / "c.txt").write_text("blue house")
    folder = watched.desk.folder
    outside.rename(folder / "in")
    watched.until_there("a.txt", "in/b.txt", "in/deep/c.txt")
    (folder / "in" / "deep" / "d.txt").write_text(
        "blue sky"
    )  # in a folder that came while watching
    watched.until_there("a.txt", "in/b.txt", "in/deep/c.txt", "in/deep/d.txt")
    (folder / "in").rename(tmp_path / "out")
    watched.until_there("a.txt")
    shutil.copytree(tmp_path / "out", folder / "copy")
    watched.until_there("a.txt", "copy/b.txt", "copy/deep/c.txt", "copy/deep/d.txt")
    shutil.rmtree(folder / "copy")
    watched.until_there("a.txt")


def test_sidecars_and_ignore_files_that_change_are_followed(watched: Watched) -> None:
    desk = watched.desk
    desk.write("a.txt.meta.yaml", "author: Ada")
    watched.until(lambda: desk.catalog.documents()[0].metadata == {"author": "Ada"})
    (desk.folder / "a.txt").unlink()
    watched.until_there("a.txt.meta.yaml")  # it stands for itself now
    desk.write("a.txt", "red box")
    watched.until_there("a.txt")
    desk.write("drafts/b.txt", "blue car")
    watched.until_there("a.txt", "drafts/b.txt")
    desk.write(".alcoveignore", "drafts/")
    watched.until_there("a.txt")
    (desk.folder / ".alcoveignore").unlink()
    watched.until_there("a.txt", "drafts/b.txt")


def test_a_burst_of_files_is_followed(watched: Watched) -> None:
    names = [f"{n % 10}/{n}.txt" for n in range(300)]
    for name in names:
        watched.desk.write(name, f"text {name}")
    watched.until_there("a.txt", *names)


def test_after_very_many_changes_everything_is_looked_at(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MAX_CHANGES", 2)
    whole: list[object] = []
    real = desk.pipeline.sync
    monkeypatch.setattr(desk.pipeline, "sync", lambda *a, **k: whole.append(1) or real(*a, **k))
    with Watched(desk) as watched:
        for n in range(20):
            desk.write(f"{n}.txt", f"text {n}")
        watched.until_there(*(f"{n}.txt" for n in range(20)))
        assert len(whole) > 1


def test_a_watched_folder_that_goes_and_comes_back_keeps_its_documents(
    watched: Watched, tmp_path: Path
) -> None:
    desk = watched.desk
    desk.folder.rename(tmp_path / "away")
    assert "is gone" in watched.said.get(timeout=PATIENCE_S)
    assert desk.found("red") == ["a.txt"]
    desk.folder.mkdir()
    assert "is back" in watched.said.get(timeout=PATIENCE_S)
    watched.until_there()
    desk.write("b.txt", "blue car")  # in the new folder, which is watched now
    watched.until_there("b.txt")


def test_a_single_file_is_followed_too(desk: Desk) -> None:
    path = desk.write("a.txt", "red box")
    with Watched(desk, path) as watched:
        desk.write("other.txt", "nobody asked for this")
        desk.write("new", "green box").replace(path)
        watched.until(lambda: desk.found("green") == ["a.txt"])
        watched.until_there("a.txt")


def test_another_writer_is_waited_for(watched: Watched) -> None:
    with watched.desk.home.writer_lock():
        watched.desk.write("b.txt", "blue car")
        time.sleep(2 * watch.STEP_MS / 1000)  # so that it most likely waits; right either way
        assert watched.desk.found("blue") == []
    watched.until_there("a.txt", "b.txt")


def test_an_error_of_the_machine_is_told_and_everything_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "RETRY_S", 0.1)
    real = desk.pipeline.follow
    errors = iter([DiskFull("no space left for 'home'")])

    def follow(*arguments: object) -> Report:
        for error in errors:
            raise error
        return real(*arguments)

    monkeypatch.setattr(desk.pipeline, "follow", follow)
    with Watched(desk) as watched:
        desk.write("a.txt", "red box")
        assert "no space left" in watched.said.get(timeout=PATIENCE_S)
        watched.until_there("a.txt")


def test_a_path_that_is_not_there_at_the_start_is_named(desk: Desk) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        Watched(desk, desk.folder / "nowhere")


def big_corpus(tmp_path: Path, documents: int, chunks: int) -> Desk:
    folder = tmp_path / "papers"
    folder.mkdir()
    desk = Desk(Home(tmp_path / "big"), folder, commit_documents=documents)
    for n in range(documents):
        parts = (f"Subject {n} and {m}. " + f"word{n} word{m} " * 90 for m in range(chunks))
        desk.write(f"{n}.txt", "\n\n".join(parts))
    return desk


def edit_is_found_after(desk: Desk) -> float:
    """Seconds from the saving of an edit to the moment that another process's search finds it."""
    catalog = Catalog(desk.home)
    searcher = Searcher(desk.home, catalog, HashEncoder(), RetrievalSettings())
    searcher.search("zebra")
    with (desk.folder / "7.txt").open("a") as file:
        file.write("\n\nA zebra walks in.")
    saved = time.monotonic()
    while not any("zebra" in hit.chunk.text for hit in searcher.search("zebra", 1).hits):
        assert time.monotonic() - saved < PATIENCE_S
        time.sleep(0.02)
    catalog.close()
    return time.monotonic() - saved


def test_an_edit_of_a_larger_corpus_is_found_soon(tmp_path: Path) -> None:
    desk = big_corpus(tmp_path, documents=40, chunks=25)
    with Watched(desk):
        assert len(desk.catalog.chunk_ids()) >= 1000
        assert edit_is_found_after(desk) < PATIENCE_S
    desk.close()


@pytest.mark.full
def test_an_edit_of_twenty_thousand_chunks_is_found_within_seconds(tmp_path: Path) -> None:
    desk = big_corpus(tmp_path, documents=400, chunks=50)
    desk.sync()
    with Watched(desk):
        assert len(desk.catalog.chunk_ids()) >= 20_000
        assert edit_is_found_after(desk) < 5
    desk.close()
