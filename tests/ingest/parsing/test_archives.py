"""Containers that unpack to more than they should."""

import struct
from pathlib import Path

import pytest

from corpus.errors import FileProblem
from corpus.records import State
from ingest.parsing.archives import refuse_bombs
from ingest.parsing.limits import Limits
from tests.ingest.parsing.papers import zip_of

SMALL = Limits(max_ratio=50.0, ratio_floor_bytes=100_000, max_unpacked_bytes=5_000_000)


def test_an_ordinary_container_passes(tmp_path: Path) -> None:
    refuse_bombs(zip_of(tmp_path / "a.docx", {"word/document.xml": "words " * 100}), SMALL)


def test_a_container_that_unpacks_a_thousandfold_is_a_bomb(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.docx", {"word/document.xml": b"\0" * 4_000_000})
    with pytest.raises(FileProblem) as caught:
        refuse_bombs(path, SMALL)
    assert caught.value.state == State.BOMB


def test_a_container_that_lies_about_its_size_is_not_believed(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.docx", {"word/document.xml": b"\0" * 4_000_000})
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 1000)
    data[22:26] = struct.pack("<I", 1000)
    path.write_bytes(data)
    with pytest.raises(FileProblem) as caught:
        refuse_bombs(path, SMALL)
    assert caught.value.state in (State.BOMB, State.CORRUPT)


def test_a_container_of_very_many_members_is_a_bomb(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.docx", {f"word/{n}.xml": "" for n in range(50_001)})
    with pytest.raises(FileProblem) as caught:
        refuse_bombs(path, Limits())
    assert caught.value.state == State.BOMB
