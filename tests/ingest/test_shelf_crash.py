"""Killed in the middle of deleting, bringing back or cutting otherwise, a document is as it was or as it will be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.crash import CrashPoint
from corpus.home import Home
from tests.ingest.conftest import Desk
from tests.ingest.killed import Workshop

POINTS = [
    CrashPoint.VECTORS_STORED,
    CrashPoint.STAGED,
    CrashPoint.DENSE_WRITTEN,
    CrashPoint.MANIFEST_WRITTEN,
    CrashPoint.RENAMED,
    CrashPoint.CATALOG_COMMITTED,
    CrashPoint.CURRENT_REPLACED,
    CrashPoint.SNAPSHOTS_CLEARED,
    CrashPoint.ORIGINALS_CLEARED,
    CrashPoint.PURGED,
]
TEXT = "\n\n".join(f"# Part {n}\n\n" + f"The box {n} is red. " * 30 for n in range(6))


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    with Workshop() as made:
        yield made


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two documents, the second of which stays."""
    root = tmp_path_factory.mktemp("indexed")
    desk = desk_of(root)
    desk.write("a.md", TEXT)
    desk.write("b.txt", "a blue car")
    desk.sync()
    desk.close()
    return root


def desk_of(root: Path) -> Desk:
    folder = root / "papers"
    folder.mkdir(exist_ok=True)
    return Desk(Home(root / "home"), folder)


def cut(desk: Desk, id: str) -> set[str]:
    return {chunk.strategy for chunk in desk.catalog.chunks_of(id)}


def killed(shop: Workshop, root: Path, task: str, id: str, point: CrashPoint) -> None:
    """Does the task and dies at the point, if it is passed at all."""
    shop.work(task, root / "home", Path(id), point=point)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_moment_leaves_one_or_the_other(
    shop: Workshop, indexed: Path, tmp_path: Path, point: CrashPoint
) -> None:
    root = Path(shutil.copytree(indexed, tmp_path / "copy"))
    desk = desk_of(root)
    id = next(d.id for d in desk.catalog.documents() if d.source.endswith("a.md"))

    def either(*states: tuple[set[str], bool]) -> None:
        """The catalog and the search agree, and say one of these: how it is cut, whether it is found."""
        desk.pipeline.sync([], "nothing")  # any next writer finishes or takes back what was begun
        found = desk.found("red")
        assert (cut(desk, id), "a.md" in found) in states
        assert desk.found("blue") == ["b.txt"]

    old, new, gone = {"recursive-200-30"}, {"fixed-40-6"}, set[str]()
    killed(shop, root, "rechunk", id, point)
    either((old, True), (new, True))
    desk.pipeline.rechunk(id, "fixed", 40)
    either((new, True))
    killed(shop, root, "remove", id, point)
    either((new, True), (gone, False))
    if desk.catalog.is_live(id):
        desk.pipeline.remove([id], undo_s=3600)
    either((gone, False))
    encoded = desk.encoder.encoded
    killed(shop, root, "restore", id, point)
    either((new, True), (gone, False))
    desk.pipeline.restore(id)
    either((new, True))
    assert desk.encoder.encoded == encoded
    desk.close()
