"""What is kept by content: read back as it was, or not at all."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from corpus.errors import OperatorError
from eval.grid.cache import Cache, key_of

VALUE = {"q": {"ms": 1.25, "hits": [["a", 0, 9, 0, 0.5, 1, 0]]}}


def entry(folder: Path) -> Path:
    (path,) = folder.glob("hits-*")
    return path


def test_a_value_comes_back_and_is_written_with_the_same_bytes(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cells")
    cache.put("hits", "k", VALUE)
    first = entry(tmp_path / "cells").read_bytes()
    cache.put("hits", "k", VALUE)
    assert entry(tmp_path / "cells").read_bytes() == first
    assert cache.get("hits", "k") == VALUE
    assert cache.get("losses", "k") is None


def test_what_is_damaged_anywhere_is_told_of_and_never_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache(tmp_path)
    cache.put("hits", "k", VALUE)
    whole = entry(tmp_path).read_bytes()
    damaged = [whole[:at] for at in range(0, len(whole), 7)]
    for at in range(10, len(whole)):  # before that is gzip's own header, of which some says nothing
        damaged.append(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
    with caplog.at_level(logging.WARNING):
        for raw in damaged:
            entry(tmp_path).write_bytes(raw)
            assert cache.get("hits", "k") in (None, VALUE)
            if cache.get("hits", "k") is None:
                assert "is damaged; what it held is computed again" in caplog.messages[-1]
    entry(tmp_path).write_bytes(whole[: len(whole) // 2])
    assert cache.get("hits", "k") is None


def test_an_entry_under_another_name_is_not_taken_for_it(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("hits", "k", VALUE)
    entry(tmp_path).rename(tmp_path / "hits-other.json.gz")
    assert cache.get("hits", "other") is None


def test_a_folder_that_cannot_be_made_is_the_machines_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError):
        Cache(tmp_path / "file" / "cells").put("hits", "k", VALUE)


def test_keys_differ_with_every_part() -> None:
    keys = {key_of("a", {"b": 1}), key_of("a", {"b": 2}), key_of("a"), key_of("a", Path("b"))}
    assert len(keys) == 4
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
