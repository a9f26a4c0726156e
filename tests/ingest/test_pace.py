"""An ingestion commits early at first, then in larger steps, and never keeps anything waiting for long."""

from __future__ import annotations

from ingest.pace import Pace
from tests.ingest.conftest import Desk


def test_commits_grow_fourfold_and_no_further() -> None:
    pace = Pace(documents=2, seconds=1e9)
    sizes = []
    for _ in range(5):
        sizes.append(next(n for n in range(100) if pace.is_due(n)))
        pace.committed()
    assert sizes == [2, 4, 8, 8, 8]


def test_what_waits_too_long_is_committed_and_nothing_is_not() -> None:
    pace = Pace(documents=100, seconds=0)
    assert pace.is_due(1)
    assert not pace.is_due(0)


def test_a_long_ingestion_acknowledges_documents_as_it_goes(desk: Desk) -> None:
    desk.close()
    desk = Desk(desk.home, desk.folder, commit_documents=2)
    for number in range(9):
        desk.write(f"{number}.txt", f"red box {number}")
    seen: list[int] = []
    desk.sync(listen=lambda progress: seen.append(desk.catalog.snapshot))
    assert seen == [1, 1, 2, 2, 2, 2, 3, 3, 3]
    desk.close()
