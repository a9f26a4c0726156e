"""Killed at any moment: nothing acknowledged is lost or doubled, and every snapshot is readable."""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from corpus.catalog import Catalog
from corpus.crash import CrashPoint
from corpus.home import Home
from corpus.snapshot import SnapshotStore
from retrieval.index import Reader
from retrieval.search import MODES, Searcher
from retrieval.settings import RetrievalSettings
from retrieval.spaces import live_space
from tests.fakes import HashEncoder
from tests.ingest.killed import NEXT, Ending, Workshop

QUERIES = ("common", "red box 7", "about subject3", "subject5 words", "edition 2")
LONG = (pytest.mark.full, pytest.mark.timeout(1800))
ONLY_REPAIR = {CrashPoint.SET_ASIDE}
ONLY_COMPACT = {CrashPoint.VECTORS_PRUNED, CrashPoint.CATALOG_VACUUMED}
ONLY_REINDEX = {
    *(CrashPoint.SPACE_EMBEDDED, CrashPoint.ROWS_STAGED),
    CrashPoint.SPACE_FORGOTTEN,
}
NOT_INGEST = ONLY_REPAIR | ONLY_COMPACT | ONLY_REINDEX
INGEST = [point for point in CrashPoint if point not in NOT_INGEST]
REBUILD = INGEST[INGEST.index(CrashPoint.STAGED) : INGEST.index(CrashPoint.SNAPSHOT_DISCARDED)]
COMPACT = [*REBUILD, CrashPoint.SNAPSHOT_DISCARDED, CrashPoint.PURGED, *sorted(ONLY_COMPACT)]
REPAIR = [*ONLY_REPAIR, *REBUILD]
DECISIVE = (CrashPoint.VECTORS_STORED, CrashPoint.ROWS_STAGED, CrashPoint.CATALOG_COMMITTED)
BACK = [CrashPoint.VECTORS_STORED, *sorted(ONLY_REINDEX - {CrashPoint.SPACE_FORGOTTEN}), *REBUILD]
REINDEX = [*BACK, CrashPoint.SPACE_FORGOTTEN]
SHARED = {*REBUILD} - {
    CrashPoint.RENAMED,
    CrashPoint.CATALOG_COMMITTED,
    CrashPoint.CURRENT_REPLACED,
}


def long_if(points: list[CrashPoint], is_long: Callable[[CrashPoint], bool]) -> list[object]:
    return [pytest.param(p, marks=pytest.mark.full if is_long(p) else ()) for p in points]


class Bench(NamedTuple):
    """A home that holds the folder as it was, the folder, the first brought up to date, and one made anew."""

    shop: Workshop
    before: Path
    after: Path
    folder: Path
    whole: Path


def write(folder: Path, number: int, edition: int = 1) -> None:
    text = f"common red box {number}\n\nA paragraph about subject{number % 7}, edition {edition}."
    (folder / f"{number:02d}.txt").write_text(text)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("killed")
    folder = root / "papers"
    folder.mkdir()
    with Workshop() as shop:
        for number in range(10):
            write(folder, number)
        shop.work("ingest", root / "before", folder)
        write(folder, 0, edition=2)
        shop.work("ingest", root / "before", folder)
        for number in (1, 4, 11, 12, 13):
            write(folder, number, edition=3)
        (folder / "02.txt").unlink()
        shutil.copytree(root / "before", root / "after")
        shop.work("ingest", root / "after", folder)
        shop.work("ingest", root / "whole", folder)
        yield Bench(shop, root / "before", root / "after", folder, root / "whole")


@pytest.fixture(scope="module")
def moved(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home brought up to date, moved to the other space."""
    root = tmp_path_factory.mktemp("moved") / "home"
    shutil.copytree(bench.after, root)
    assert bench.shop.work("reindex", root, bench.folder).embedded
    return root


@pytest.fixture(scope="module")
def moved_on(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home as it was, moved to the other space and brought up to date there."""
    root = tmp_path_factory.mktemp("moved-on") / "home"
    shutil.copytree(bench.before, root)
    bench.shop.work("reindex", root, bench.folder)
    assert bench.shop.work("ingest", root, bench.folder).embedded
    return root


def results(root: Path, encoder: HashEncoder | None = None) -> list[list[tuple[str, float]]]:
    home = Home(root)
    with closing(Catalog(home)) as catalog:
        searcher = Searcher(home, catalog, encoder or HashEncoder(), RetrievalSettings())
        return [
            [(hit.chunk.id, round(hit.score, 5)) for hit in searcher.search(query, 50, mode).hits]
            for query in QUERIES
            for mode in MODES
        ]


def footprint(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every file's inode, size and time of writing."""
    files = {str(path): path.stat() for path in root.rglob("*") if path.is_file()}
    return {name: (s.st_ino, s.st_size, s.st_mtime_ns) for name, s in files.items()}


def check(root: Path, ending: Ending) -> None:
    """Whatever happened: what was acknowledged is there, once, and every snapshot can be read."""
    home = Home(root)
    with home.writer_lock():  # a killed writer's lock is free at once
        pass
    with closing(Catalog(home)) as catalog:
        stored = {d.source: d.sha256 for d in catalog.documents()}
        for source in ending.acknowledged:
            assert stored[source] == hashlib.sha256(Path(source).read_bytes()).hexdigest()
        assert len(catalog.documents()) == len(stored)
        store = SnapshotStore(home)
        for number in store.numbers():
            reader = Reader(store.open(number))
            assert len(reader.dense) == len(reader.lexical)
        if catalog.snapshot:
            searcher = Searcher(home, catalog, HashEncoder(), RetrievalSettings())
            hits = searcher.search("common", 1000, "lexical").hits
            found = [hit.document.source for hit in hits]
            assert len(found) == len(set(found))
            assert set(ending.acknowledged) <= set(found)


def check_end(bench: Bench, root: Path) -> None:
    """Run to its end the index is as if nothing had happened, and another run does nothing at all."""
    assert not bench.shop.work("ingest", root, bench.folder).killed
    assert results(root) == results(bench.whole)
    before = footprint(root)
    assert bench.shop.work("ingest", root, bench.folder).embedded == 0
    assert footprint(root) == before


@pytest.mark.parametrize("visit", [1, pytest.param(2, marks=pytest.mark.full)])
@pytest.mark.parametrize("point", INGEST)
def test_an_ingestion_killed_at_a_named_point(
    bench: Bench, tmp_path: Path, point: CrashPoint, visit: int
) -> None:
    root = tmp_path / "home"
    shutil.copytree(bench.before, root)
    ending = bench.shop.work("ingest", root, bench.folder, point=point, visit=visit, batch=2)
    once = {CrashPoint.SNAPSHOTS_CLEARED, CrashPoint.ORIGINALS_CLEARED, CrashPoint.PURGED}
    assert ending.killed or (visit == 2 and point in once)
    check(root, ending)
    check_end(bench, root)


@pytest.mark.parametrize("point", COMPACT)
def test_a_compaction_killed_at_a_named_point(
    bench: Bench, tmp_path: Path, point: CrashPoint
) -> None:
    root = tmp_path / "home"
    shutil.copytree(bench.after, root)
    expected = results(root)
    ending = bench.shop.work("compact", root, bench.folder, point=point)
    assert ending.killed
    check(root, ending)
    assert results(root) == expected
    assert not bench.shop.work("compact", root, bench.folder).killed
    assert SnapshotStore(Home(root)).numbers() == [SnapshotStore(Home(root)).current()]
    check_end(bench, root)


@pytest.mark.parametrize("point", REPAIR)
def test_a_repair_killed_at_a_named_point(bench: Bench, tmp_path: Path, point: CrashPoint) -> None:
    root = tmp_path / "home"
    shutil.copytree(bench.before, root)
    expected = results(root)
    for segment in SnapshotStore(Home(root)).folder(2).glob("dense/*.vectors.npy"):
        segment.write_bytes(b"zeroed")
    assert bench.shop.work("repair", root, bench.folder, point=point).killed
    ending = bench.shop.work("repair", root, bench.folder)
    assert (ending.killed, ending.embedded) == (False, 0)
    check(root, ending)
    assert results(root) == expected
    check_end(bench, root)


def space_of(root: Path) -> HashEncoder:
    """The encoder of the space that the index is in."""
    encoders = {e.fingerprint: e for e in (HashEncoder(), HashEncoder(*NEXT))}
    space = live_space(Home(root))
    assert space is not None
    return encoders[space]


@pytest.mark.parametrize("point", long_if(REINDEX, lambda point: point in SHARED))
def test_a_reindexing_killed_at_a_named_point(
    bench: Bench, moved: Path, tmp_path: Path, point: CrashPoint
) -> None:
    root = tmp_path / "home"
    shutil.copytree(bench.after, root)
    before, after = results(bench.after), results(moved, HashEncoder(*NEXT))
    assert bench.shop.work("reindex", root, bench.folder, point=point).killed
    encoder = space_of(root)
    assert results(root, encoder) == (before if encoder.fingerprint.model == "hash" else after)
    ending = bench.shop.work("reindex", root, bench.folder)
    assert (ending.killed, ending.embedded) == (False, 0)  # all was embedded before the kill
    assert results(root, HashEncoder(*NEXT)) == after
    assert not bench.shop.work("back", root, bench.folder).killed
    assert results(root) == before
    check_end(bench, root)


@pytest.mark.parametrize("point", long_if(BACK, lambda point: point not in DECISIVE))
def test_a_return_killed_at_a_named_point(
    bench: Bench, moved_on: Path, tmp_path: Path, point: CrashPoint
) -> None:
    root = tmp_path / "home"
    shutil.copytree(moved_on, root)
    before, after = results(moved_on, HashEncoder(*NEXT)), results(bench.whole)
    assert bench.shop.work("back", root, bench.folder, point=point).killed
    encoder = space_of(root)
    if encoder.fingerprint.model == "hash":
        assert results(root) == after
    else:
        assert results(root, encoder) == before
        ending = bench.shop.work("back", root, bench.folder)
        assert (ending.killed, ending.embedded) == (False, 0)
    check_end(bench, root)


def test_every_named_point_is_killed_at() -> None:
    assert {*INGEST, *COMPACT, *REPAIR, *REINDEX} == set(CrashPoint)


class Watching(threading.Thread):
    """Searches all the time; every answer must be one whole snapshot."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root, self.ending, self.answers = root, threading.Event(), 0
        self.problem: BaseException | None = None

    def run(self) -> None:
        home = Home(self.root)
        with closing(Catalog(home)) as catalog:
            searcher = Searcher(home, catalog, HashEncoder(), RetrievalSettings())
            try:
                while not self.ending.wait(0.01):
                    self.look(catalog, searcher)
            except BaseException as exc:
                self.problem = exc

    def look(self, catalog: Catalog, searcher: Searcher) -> None:
        result = searcher.search("common", 1000, "lexical")
        expected = {document.source for document in catalog.documents(at=result.snapshot)}
        if catalog.snapshot > result.snapshot + 1:
            return  # rows of that snapshot may be forgotten by now
        found = [hit.document.source for hit in result.hits]
        assert sorted(found) == sorted(expected)
        self.answers += 1


@pytest.mark.parametrize("kills", [12, pytest.param(200, marks=LONG)])
def test_kills_at_random_moments_lose_and_double_nothing(
    bench: Bench, tmp_path: Path, kills: int
) -> None:
    root, folder = tmp_path / "home", tmp_path / "papers"
    folder.mkdir()
    rng, done, edition = random.Random(20), 0, 0
    watching = Watching(root)
    watching.start()
    while done < kills:
        edition += 1
        for number in rng.sample(range(30), 15):
            write(folder, number, edition)
        (folder / f"{rng.randrange(30):02d}.txt").unlink(missing_ok=True)
        killed = True
        while killed and done < kills:
            seconds = rng.uniform(0.02, 0.8)
            ending = bench.shop.work("ingest", root, folder, seconds=seconds, batch=3)
            check(root, ending)
            killed = ending.killed
            done += killed
    assert not bench.shop.work("ingest", root, folder).killed
    watching.ending.set()
    watching.join()
    assert watching.problem is None
    assert watching.answers > 0
    bench.shop.work("ingest", tmp_path / "whole", folder)
    assert results(root) == results(tmp_path / "whole")
