"""The homes benchmarks run in: apart from the real one, and never older than the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import UserError
from eval.bench import STAMP, open_bench


def open_and_close(cache: Path, name: str = "weather") -> None:
    with open_bench(name, cache, cache.parent / "home"):
        pass


def test_what_other_code_made_is_thrown_away_but_for_the_vectors(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    open_and_close(cache)
    folder = cache / "weather"
    (folder / STAMP).write_text("another version")
    (folder / "snapshots" / "v000001").mkdir()
    (folder / "CURRENT").write_text("v000001")
    (folder / "vectors" / "kept").write_text("costly")
    open_and_close(cache)
    assert not (folder / "CURRENT").exists()
    assert not (folder / "snapshots" / "v000001").exists()
    assert (folder / "vectors" / "kept").read_text() == "costly"


def test_what_the_same_code_made_is_kept(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    open_and_close(cache)
    (cache / "weather" / "snapshots" / "mark").write_text("here")
    open_and_close(cache)
    assert (cache / "weather" / "snapshots" / "mark").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "weather"
    (folder / "snapshots").mkdir(parents=True)
    (folder / "snapshots" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is no benchmark's folder; choose another --cache"):
        open_and_close(tmp_path / "data")
    assert (folder / "snapshots" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot name a benchmark"):
        open_and_close(tmp_path / "cache", name)
