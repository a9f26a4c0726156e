"""Which snapshot answers while another is being opened."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import Damaged
from corpus.home import Home
from corpus.snapshot import Snapshot
from ingest.retention import clear_away
from retrieval.live import PATIENCE_S
from tests.retrieval.conftest import Shelf


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While cleared, no snapshot finishes being verified."""
    opened = threading.Event()
    opened.set()
    verify = Snapshot.verify

    def held(self: Snapshot, *arguments: Any, **named: Any) -> Any:
        assert opened.wait(60)
        return verify(self, *arguments, **named)

    monkeypatch.setattr(Snapshot, "verify", held)
    return opened


def test_who_was_told_of_a_commit_finds_it(shelf: Shelf) -> None:
    for number in range(1, 6):
        shelf.add(f"red box {number}")
        assert shelf.searcher.search("red box").snapshot == number
    assert shelf.searcher.live.swaps == 4


def test_searches_go_on_while_a_large_snapshot_is_opened(
    shelf: Shelf, gate: threading.Event
) -> None:
    shelf.add("red box")
    assert shelf.found("red") == ["red box"]
    gate.clear()
    shelf.add("red car")
    began = time.monotonic()
    assert [shelf.searcher.search("red").snapshot for _ in range(20)] == [1] * 20
    assert time.monotonic() - began < 30
    gate.set()
    assert shelf.searcher.reader(patience_s=None).number == 2
    assert set(shelf.found("red")) == {"red box", "red car"}


def test_the_first_snapshot_is_waited_for(shelf: Shelf, gate: threading.Event) -> None:
    shelf.add("red box")
    gate.clear()
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(shelf.found("red"))) for _ in "ab"]
    for thread in threads:
        thread.start()
    time.sleep(2 * PATIENCE_S)
    assert found == []
    gate.set()
    for thread in threads:
        thread.join()
    assert found == [["red box"]] * 2


def test_what_was_committed_while_another_was_opened_is_found(
    shelf: Shelf, gate: threading.Event
) -> None:
    shelf.add("red box")
    shelf.found("red")
    gate.clear()
    shelf.add("red car")
    shelf.found("red")  # begins to open snapshot 2
    shelf.add("red tree")
    gate.set()
    assert shelf.searcher.reader(patience_s=None).number == 3


def test_a_search_whose_snapshot_was_cleared_away_waits_for_the_next(
    shelf: Shelf, gate: threading.Event
) -> None:
    for number in range(4):
        shelf.add(f"red box {number}")
    shelf.found("red")
    (box, *_) = shelf.catalog.documents()
    gate.clear()
    shelf.remove(box)
    clear_away(shelf.home, shelf.catalog, 1)  # the rows that only older snapshots saw are gone
    threading.Timer(4 * PATIENCE_S, gate.set).start()
    assert "red box 0" not in shelf.found("red box 0")


def segment(home: Home, number: int) -> Path:
    return next(home.snapshots.glob(f"v{number:06d}/dense/*.vectors.npy"))


def test_a_damaged_snapshot_is_reported_again_and_again_until_it_is_replaced(
    shelf: Shelf,
) -> None:
    shelf.add("red box")
    path = segment(shelf.home, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for _ in range(2):
        with pytest.raises(Damaged, match=path.name):
            shelf.found("red")
    path.write_bytes(whole)
    assert shelf.found("red") == ["red box"]
