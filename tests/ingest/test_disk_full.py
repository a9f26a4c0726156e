"""Wherever the disk fills up, that is said; the last snapshot serves, and with space the same command succeeds."""

from __future__ import annotations

import os
from contextlib import closing
from io import FileIO
from pathlib import Path

import pytest

from corpus.errors import DiskFull
from corpus.home import Home
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from ingest.compact import compact
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.writer import Writer
from tests.ingest.conftest import Desk

PAGES_FREE = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # of 4 KiB, when the work begins


def desk_on(disk: Path, folder: Path) -> Desk:
    """A desk that begins to work however little space there is."""
    desk = Desk(Home(disk / "home"), folder)
    desk.pipeline.close()
    corpus = CorpusSettings(home=desk.home.root, min_free_mib=0)
    desk.pipeline = Pipeline(
        desk.home, desk.catalog, desk.encoder, IngestSettings(workers=1), corpus
    )
    return desk


def write_without_end(handle: FileIO) -> None:
    while True:
        handle.write(bytes(4096))


def fill(disk: Path, pages_free: int) -> Path:
    """Write a file that leaves so many pages of the disk free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as handle:
        with pytest.raises(OSError, match="No space"):
            write_without_end(handle)
        os.ftruncate(handle.fileno(), max(handle.tell() - pages_free * 4096, 0))
    return filler


@pytest.fixture
def desk(small_disk: Path, tmp_path: Path) -> Desk:
    folder = tmp_path / "papers"
    folder.mkdir()
    return desk_on(small_disk, folder)


def test_an_ingestion_on_a_disk_that_fills_up_anywhere(desk: Desk, small_disk: Path) -> None:
    desk.write("old.txt", "red box")
    desk.sync()
    failed = 0
    for edition, pages in enumerate(PAGES_FREE):
        filler = fill(small_disk, pages)
        desk.write("new.txt", f"red car, edition{edition} " + f"and more words {edition} " * 900)
        try:
            desk.sync()
        except DiskFull:  # any other error fails the test
            failed += 1
        assert "old.txt" in desk.found("red")
        SnapshotStore(desk.home).open(SnapshotStore(desk.home).current()).verify()
        filler.unlink()
        desk.sync()
        assert sorted(set(desk.found(f"edition{edition} red"))) == ["new.txt", "old.txt"]
    assert failed > len(PAGES_FREE) // 2
    desk.close()


def test_a_compaction_on_a_disk_that_fills_up_anywhere(desk: Desk, small_disk: Path) -> None:
    desk.write("old.txt", "red box " * 3000)
    desk.sync()
    failed = 0
    for pages in PAGES_FREE:
        filler = fill(small_disk, pages)
        corpus = CorpusSettings(home=desk.home.root, min_free_mib=0)
        with closing(Writer(desk.home, desk.catalog, desk.encoder, corpus)) as writer:
            try:
                compact(desk.home, desk.catalog, writer)
            except DiskFull:
                failed += 1
            assert set(desk.found("red")) == {"old.txt"}
            filler.unlink()
            compact(desk.home, desk.catalog, writer)
        assert set(desk.found("red")) == {"old.txt"}
    assert failed
    desk.close()
