"""Originals are stored once, whole, under the hash of the very bytes that were stored."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from corpus.errors import DiskFull, FileProblem
from corpus.home import Home


def stored(home: Home) -> list[Path]:
    return [path for path in home.originals.rglob("*") if path.is_file()]


class Changing(io.BytesIO):
    """A source whose disk fails after its first block."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_an_original_is_stored_under_the_hash_of_what_was_read(home: Home) -> None:
    data = b"red box" * 400_000
    sha256, size = home.keep(io.BytesIO(data), len(data))
    assert (sha256, size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert home.original(sha256).read_bytes() == data
    assert stored(home) == [home.original(sha256)]


def test_the_same_bytes_are_stored_once(home: Home) -> None:
    sha256, _ = home.keep(io.BytesIO(b"red"), 10)
    before = home.original(sha256).stat()
    home.keep(io.BytesIO(b"red"), 10)
    after = home.original(sha256).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(stored(home)) == 1


def test_a_stored_copy_that_was_cut_short_is_replaced(home: Home) -> None:
    sha256, _ = home.keep(io.BytesIO(b"red box"), 10)
    home.original(sha256).write_bytes(b"red")
    home.keep(io.BytesIO(b"red box"), 10)
    assert home.original(sha256).read_bytes() == b"red box"


@pytest.mark.parametrize(
    ("source", "state"),
    [(io.BytesIO(b"12345"), "too_large"), (Changing(b"x" * 2**21), "unreadable")],
    ids=["too large", "cannot be read"],
)
def test_what_cannot_be_kept_leaves_nothing_behind(
    home: Home, source: io.BytesIO, state: str
) -> None:
    with pytest.raises(FileProblem) as caught:
        home.keep(source, 4 if state == "too_large" else 2**30)
    assert caught.value.state == state
    assert stored(home) == []


def test_a_full_disk_is_named_and_leaves_nothing_behind(small_disk: Path) -> None:
    home = Home(small_disk / "home")
    with pytest.raises(DiskFull, match="no space left"):
        home.keep(io.BytesIO(bytes(2**24)), 2**25)
    assert stored(home) == []
