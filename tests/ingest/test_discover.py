"""Finding files: everything in the folder, nothing outside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from corpus.errors import FileProblem, NotFound
from ingest.discover import Source, find_sources, hash_source

LIMIT = 1000


def names(folder: Path) -> list[str]:
    return [str(source.path.relative_to(folder)) for source in find_sources([folder])]


def test_every_file_is_found_once_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.txt", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    sources = find_sources([tmp_path, tmp_path / "a", tmp_path / "b.txt"])
    found = [str(source.path.relative_to(tmp_path)) for source in sources]
    assert found == ["a.txt", "a/c.txt", "b.txt"]


def test_hidden_folders_are_passed_over_and_hidden_files_are_not(tmp_path: Path) -> None:
    for name in (".git/config", "__pycache__/m.pyc", ".env", "a.txt", ".DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert names(tmp_path) == [".env", "a.txt"]


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        find_sources([tmp_path / "nowhere"])


def state_of(path: Path, root: Path) -> str:
    with pytest.raises(FileProblem) as caught:
        hash_source(Source(str(path), path, root), LIMIT)
    return caught.value.state


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").symlink_to(tmp_path / "secret.txt")
    (root / "folder").symlink_to(tmp_path)
    assert names(root) == ["file", "folder"]
    assert state_of(root / "file", root) == "unsafe_path"
    assert state_of(root / "folder", root) == "unsafe_path"


def test_a_link_within_the_folder_is_followed_and_a_loop_ends(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert state_of(tmp_path / "pipe", tmp_path) == "unsupported_type"


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (LIMIT + 1))
    assert state_of(tmp_path / "big", tmp_path) == "too_large"


def test_a_file_that_vanished_is_unreadable(tmp_path: Path) -> None:
    assert state_of(tmp_path / "gone", tmp_path) == "unreadable"


def test_a_name_that_is_not_utf8_can_be_stored(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("x")
    (source,) = find_sources([tmp_path])
    assert source.name.endswith("caf\\xe9.txt")
    assert hash_source(source, LIMIT)[1] == 1
