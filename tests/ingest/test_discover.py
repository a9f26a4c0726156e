"""Finding files: everything in the folder, nothing outside it, and a word about whatever is left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from corpus.errors import NotFound
from ingest.discover import MAX_DEPTH, Found, find, find_sources
from ingest.filenames import paired
from ingest.ignore import Rules


def write(folder: Path, *names: str, text: str = "x") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def names(folder: Path, found: Found | None = None) -> list[str]:
    sources = (found or find([folder])).sources
    return [str(source.path.relative_to(folder)) for source in sources]


def test_every_file_is_found_once_in_order(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a/c.txt", "a.txt")
    sources = find_sources([tmp_path, tmp_path / "a", tmp_path / "b.txt"])
    found = [str(source.path.relative_to(tmp_path)) for source in sources]
    assert found == ["a.txt", "a/c.txt", "b.txt"]


def test_hidden_folders_are_passed_over_and_hidden_files_are_not(tmp_path: Path) -> None:
    write(tmp_path, ".git/config", "__pycache__/m.pyc", ".env", "a.txt", ".DS_Store")
    assert names(tmp_path) == [".env", "a.txt"]


def test_what_editors_leave_beside_an_open_file_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, ".a.txt.swp", "a.txt~", "#a.txt#", "~$a.docx", ".~lock.a.odt#", "4913", "a.txt")
    assert names(tmp_path) == ["a.txt"]


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        find([tmp_path / "nowhere"])


def test_a_walk_can_be_limited_to_what_changed(tmp_path: Path) -> None:
    write(tmp_path, "a/1.txt", "a/2.txt", "b/c/3.txt", "b/4.txt", "5.txt")
    for within, expected in (
        ([tmp_path / "a/1.txt"], ["a/1.txt"]),
        ([tmp_path / "b"], ["b/4.txt", "b/c/3.txt"]),
        ([tmp_path / "b/c", tmp_path / "5.txt"], ["5.txt", "b/c/3.txt"]),
        ([tmp_path / "gone", tmp_path.parent / "other"], []),
        ([tmp_path], ["5.txt", "a/1.txt", "a/2.txt", "b/4.txt", "b/c/3.txt"]),
    ):
        assert names(tmp_path, find([tmp_path], within=within)) == expected


def test_patterns_choose_and_what_they_leave_out_is_counted(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.txt", "drafts/c.md", "drafts/deep/d.md", "notes/drafts/e.md")
    found = find([tmp_path], Rules(include=["*.md"], exclude=["/drafts/**"]))
    assert names(tmp_path, found) == ["a.md", "notes/drafts/e.md"]
    assert found.ignored == 3
    assert find([tmp_path]).ignored == 0


def test_ignore_files_count_in_their_folder_and_the_nearest_decides(tmp_path: Path) -> None:
    write(tmp_path, "a.log", "keep/b.log", "keep/c.txt", "out/d.txt", "out/deep/e.txt", "f.txt")
    write(tmp_path, ".alcoveignore", text="# logs\n*.log\nout/\n")
    write(tmp_path / "keep", ".alcoveignore", text="!b.log\n/c.txt\n")
    found = find([tmp_path])
    assert names(tmp_path, found) == ["f.txt", "keep/b.log"]
    assert found.ignored == 4
    limited = find([tmp_path], within=[tmp_path / "keep", tmp_path / "a.log"])
    assert names(tmp_path, limited) == ["keep/b.log"]


def test_gitignore_files_count_only_when_they_are_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "a.log", "b.txt")
    write(tmp_path, ".gitignore", text="*.log\n")
    assert names(tmp_path) == [".gitignore", "a.log", "b.txt"]
    assert names(tmp_path, find([tmp_path], Rules(gitignore=True))) == ["b.txt"]


def test_an_ignore_file_that_cannot_be_used_is_a_problem_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    (tmp_path / ".alcoveignore").write_bytes(b"x" * (2**20 + 1))
    found = find([tmp_path])
    assert names(tmp_path, found) == [".alcoveignore", "a.txt"]
    problem = found.sources[0].problem
    assert problem is not None
    assert "its patterns are not used" in problem.reason


def test_a_sidecar_belongs_to_its_document_and_alone_is_one(tmp_path: Path) -> None:
    write(tmp_path, "a.pdf", "a.pdf.meta.yaml", "b.meta.json", "c.txt", "c.txt.meta.json")
    found = {source.path.name: source for source in find([tmp_path]).sources}
    assert set(found) == {"a.pdf", "b.meta.json", "c.txt"}
    assert [path.name for path in found["a.pdf"].sidecars] == ["a.pdf.meta.yaml"]
    assert paired(["x", "x.meta.yaml", "x.meta.json"]) == {"x": ["x.meta.yaml", "x.meta.json"]}


def test_a_name_that_is_not_utf8_can_be_stored_and_is_no_other_s(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("x")
    (source,) = find_sources([tmp_path])
    assert source.name.endswith("caf\\xe9.txt")
    write(tmp_path, "caf\\xe9.txt")
    assert len({source.name for source in find_sources([tmp_path])}) == 2


def test_folders_that_are_too_deep_are_named_and_not_entered(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(MAX_DEPTH + 2):  # by descriptors: the path becomes longer than a path may be
        os.mkdir("deep-down-below", dir_fd=here)
        below = os.open("deep-down-below", os.O_RDONLY, dir_fd=here)
        os.close(os.open("note.txt", os.O_CREAT | os.O_WRONLY, dir_fd=below))
        os.close(here)
        here = below
    os.close(here)
    found = find([tmp_path])
    assert len(found.sources) == MAX_DEPTH
    (problem,) = [source.problem for source in found.sources if source.problem]
    assert "400 folders deep" in problem.reason
    assert len(found.unread) == 1
