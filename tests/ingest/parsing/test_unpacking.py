"""Zip archives are folders: what is in them comes out as files, and what is wrong with one stays with that one."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from corpus.errors import FileProblem
from corpus.records import State
from ingest.parsing import is_archive
from ingest.parsing.limits import Limits
from ingest.parsing.unpacking import Member, unpack
from ingest.parsing.worker import ParserPool
from tests.ingest.parsing.papers import zip_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "unpacked"
    made.mkdir()
    return made


def found(members: list[Member]) -> dict[str, str]:
    """Each member's name with its text, or the state of its problem."""
    return {
        one.name: one.path.read_text() if one.path else str(one.problem and one.problem.state)
        for one in members
    }


def problem_of(path: Path, folder: Path, limits: Limits | None = None) -> FileProblem:
    with pytest.raises(FileProblem) as caught:
        unpack(path, folder, limits or Limits())
    return caught.value


def test_an_archive_is_told_by_its_name_and_its_first_bytes(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {"a.txt": "a"})
    assert is_archive(archive)
    assert is_archive(archive, "Letters.ZIP")
    assert not is_archive(archive, "report.docx")
    (tmp_path / "b.zip").write_text("no archive at all")
    assert not is_archive(tmp_path / "b.zip")


def test_members_come_out_in_order_as_files_that_keep_their_endings(
    tmp_path: Path, folder: Path
) -> None:
    parts = {"notes/b.md": "# B", "a.txt": "A", "empty/": "", "notes/deep/c.csv": "x,y"}
    members = unpack(zip_of(tmp_path / "a.zip", parts), folder, Limits())
    assert found(members) == {"notes/b.md": "# B", "a.txt": "A", "notes/deep/c.csv": "x,y"}
    assert [one.path.suffix for one in members if one.path] == [".md", ".txt", ".csv"]
    assert sorted(folder.iterdir()) == sorted(one.path for one in members if one.path)


def test_an_archive_in_an_archive_is_a_folder_but_not_without_end(
    tmp_path: Path, folder: Path
) -> None:
    path = zip_of(tmp_path / "0.zip", {"words.txt": "innermost"})
    for depth in range(1, 4):
        parts = {f"{depth}.txt": "words", "in.zip": path.read_bytes()}
        path = zip_of(tmp_path / f"{depth}.zip", parts)
    assert found(unpack(path, folder, Limits())) == {
        "3.txt": "words",
        "in.zip/2.txt": "words",
        "in.zip/in.zip/1.txt": "words",
        "in.zip/in.zip/in.zip": "bomb",
    }
    assert len(list(folder.iterdir())) == 3


def test_a_damaged_archive_in_an_archive_costs_only_itself(tmp_path: Path, folder: Path) -> None:
    parts = {"bad.zip": b"PK\x03\x04 and nothing more", "good.txt": "good"}
    members = unpack(zip_of(tmp_path / "a.zip", parts), folder, Limits())
    assert found(members) == {"bad.zip": "corrupt", "good.txt": "good"}
    assert "'bad.zip'" in str(members[0].problem)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../evil.txt", "evil.txt"),
        ("a/../../evil.txt", "a/evil.txt"),
        ("/etc/evil.txt", "etc/evil.txt"),
        ("C:\\evil.txt", "C:/evil.txt"),
        ("..\\evil.txt", "evil.txt"),
    ],
)
def test_a_name_that_leads_out_is_not_followed(
    tmp_path: Path, folder: Path, name: str, shown: str
) -> None:
    path = zip_of(tmp_path / "a.zip", {name: "evil", "good.txt": "good"})
    members = unpack(path, folder, Limits())
    assert found(members) == {shown: "unsafe_path", "good.txt": "good"}
    assert repr(name) in str(members[0].problem)
    assert sorted(one.name for one in tmp_path.rglob("*.txt")) == ["000001.txt"]


def test_a_link_in_an_archive_is_not_made(tmp_path: Path, folder: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert found(unpack(tmp_path / "a.zip", folder, Limits())) == {"link.txt": "unsafe_path"}
    assert list(folder.iterdir()) == []


def test_names_are_told_apart_and_can_be_printed(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.txt", "second")
        archive.writestr("bell\x07\n.txt", "third")
        archive.writestr("n" * 250 + ".txt", "fourth")
    assert found(unpack(tmp_path / "a.zip", folder, Limits())) == {
        "a.txt": "first",
        "a (2).txt": "second",
        "bell\\x07\\n.txt": "third",
        "n" * 250 + ".txt": "fourth",
    }


def test_a_name_in_utf_8_is_read_though_the_archive_does_not_say_so(
    tmp_path: Path, folder: Path
) -> None:
    path = zip_of(tmp_path / "a.zip", {"über.txt": "words"})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<HHH", 20, 0x800, 8), struct.pack("<HHH", 20, 0, 8)))
    assert not zipfile.ZipFile(path).infolist()[0].flag_bits
    assert found(unpack(path, folder, Limits())) == {"über.txt": "words"}


def test_what_desktops_leave_in_archives_is_passed_over(tmp_path: Path, folder: Path) -> None:
    parts = {"a.txt": "a", "__MACOSX/._a.txt": "fork", ".DS_Store": "x", ".git/config": "x"}
    assert found(unpack(zip_of(tmp_path / "a.zip", parts), folder, Limits())) == {"a.txt": "a"}


def encrypt(path: Path, *names: str) -> None:
    """Set the flag that says a member is encrypted."""
    data = bytearray(path.read_bytes())
    for info in zipfile.ZipFile(path).infolist():
        if info.filename in names:
            name = info.filename.encode()
            data[info.header_offset + 6] |= 1
            data[data.index(name, data.index(b"PK\x01\x02")) - 46 + 8] |= 1
    path.write_bytes(data)


def test_an_encrypted_member_is_named_and_the_others_are_read(tmp_path: Path, folder: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"open.txt": "words", "shut.txt": "secret"})
    encrypt(path, "shut.txt")
    assert found(unpack(path, folder, Limits())) == {"open.txt": "words", "shut.txt": "encrypted"}


def test_an_archive_of_which_nothing_can_be_opened_is_encrypted(
    tmp_path: Path, folder: Path
) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.txt": "secret", "b.txt": "secret"})
    encrypt(path, "a.txt", "b.txt")
    assert problem_of(path, folder).state == State.ENCRYPTED


def test_a_damaged_member_is_named_and_the_others_are_read(tmp_path: Path, folder: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.txt": "Damage me.", "b.txt": "words"}, deflate=False)
    path.write_bytes(path.read_bytes().replace(b"Damage me.", b"Damaged it"))
    assert found(unpack(path, folder, Limits())) == {"a.txt": "corrupt", "b.txt": "words"}
    assert len(list(folder.iterdir())) == 1


def test_a_member_over_the_limit_is_too_large(tmp_path: Path, folder: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"large.txt": "x" * 5000, "small.txt": "x"})
    members = unpack(path, folder, Limits(max_bytes=1000))
    assert found(members) == {"large.txt": "too_large", "small.txt": "x"}


def test_all_members_together_stay_within_the_limits(tmp_path: Path, folder: Path) -> None:
    many = zip_of(tmp_path / "many.zip", {f"{n}.txt": "" for n in range(20)})
    assert problem_of(many, folder, Limits(max_members=19)).state == State.BOMB
    large = zip_of(tmp_path / "large.zip", {f"{n}.txt": "x" * 500 for n in range(20)})
    assert problem_of(large, folder, Limits(max_unpacked_bytes=9_000)).state == State.BOMB
    inner = zip_of(tmp_path / "inner.zip", {f"{n}.txt": "x" * 300 for n in range(20)})
    nested = zip_of(tmp_path / "nested.zip", {f"{n}.zip": inner.read_bytes() for n in range(4)})
    members = unpack(nested, folder, Limits(max_unpacked_bytes=20_000))
    assert found(members)["3.zip"] == "bomb"
    assert sum(one.stat().st_size for one in folder.iterdir()) <= 20_000


def test_members_that_share_their_bytes_make_a_bomb(tmp_path: Path, folder: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.txt": "x" * 1000, "b.txt": "x" * 1000})
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)  # where the first one begins
    path.write_bytes(data)
    assert problem_of(path, folder).state == State.BOMB


def test_a_document_that_calls_itself_an_archive_is_a_mismatch(
    tmp_path: Path, folder: Path
) -> None:
    path = zip_of(tmp_path / "a.zip", {"word/document.xml": "<w/>"})
    assert problem_of(path, folder).state == State.TYPE_MISMATCH


def test_the_pool_unpacks_and_reads_files_under_the_names_they_are_given(
    tmp_path: Path, folder: Path
) -> None:
    stored = zip_of(
        tmp_path / "0a1b2c", {"notes/fans.md": "# Fans\n\nTwo of them.", "x.bin": b"\0"}
    )
    with ParserPool(1) as pool:
        note, rubbish = pool.unpack(stored, folder, "papers.zip")
        assert note.path is not None
        assert rubbish.path is not None
        parsed = pool.parse(note.path, "fans.md")
        with pytest.raises(FileProblem) as caught:
            pool.parse(rubbish.path, "odd\nname.bin")
    assert (parsed.title, parsed.text) == ("Fans", "Fans\n\nTwo of them.")
    assert "'odd\\nname.bin'" in caught.value.reason


def test_the_pool_leaves_nothing_of_an_archive_that_fails(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "cut.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with ParserPool(1) as pool, pytest.raises(FileProblem) as caught:
        pool.unpack(path, folder)
    assert caught.value.state == State.CORRUPT
    assert "'cut.zip'" in caught.value.reason
    assert list(folder.iterdir()) == []
