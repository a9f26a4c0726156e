"""What a file is, told from its name and its first bytes."""

import struct
import tarfile
from pathlib import Path

import pytest

from corpus.errors import FileProblem
from corpus.records import State
from ingest.parsing import parse_file
from ingest.parsing.limits import Limits
from ingest.parsing.sniff import detect
from tests.ingest.parsing.papers import ole_of, pdf, picture_of, zip_of

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def state_of(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(FileProblem) as caught:
        parse_file(path, limits)
    assert path.name in caught.value.reason
    return caught.value.state


def test_a_picture_that_calls_itself_a_pdf_is_a_mismatch(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    picture_of(["words"]).save(path, "PNG")
    assert state_of(path) == State.TYPE_MISMATCH


def test_a_pdf_that_calls_itself_a_word_file_is_a_mismatch(tmp_path: Path) -> None:
    path = pdf(tmp_path / "letter.docx", [[(50, 50, "Dear reader")]])
    assert state_of(path) == State.TYPE_MISMATCH


def test_a_text_that_calls_itself_a_spreadsheet_is_a_mismatch(tmp_path: Path) -> None:
    path = tmp_path / "budget.xlsx"
    path.write_text("only words")
    assert state_of(path) == State.TYPE_MISMATCH


def test_binary_rubbish_that_calls_itself_text_is_a_mismatch(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(bytes(range(256)) * 8)
    assert state_of(path) == State.TYPE_MISMATCH


def test_an_unknown_ending_is_no_hindrance_to_text(tmp_path: Path) -> None:
    path = tmp_path / "notes.zettel"
    path.write_text("The fan is loud.")
    assert detect(path) == "text/plain"
    assert parse_file(path).text == "The fan is loud."


def test_text_that_contains_markup_is_still_text(tmp_path: Path) -> None:
    path = tmp_path / "snippet.txt"
    path.write_text("<html><p>kept as typed</p></html>")
    assert "<p>kept as typed</p>" in parse_file(path).text


def test_an_unknown_binary_is_unsupported(tmp_path: Path) -> None:
    path = tmp_path / "blob.bin"
    path.write_bytes(bytes(range(256)) * 8)
    assert state_of(path) == State.UNSUPPORTED_TYPE


def test_a_zip_of_anything_else_is_unsupported(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "photos.zip", {"a.txt": "words"})
    assert state_of(path) == State.UNSUPPORTED_TYPE


def test_an_old_word_file_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "old.doc"
    path.write_bytes(OLE + b"\x00" * 4096)
    assert state_of(path) in (State.CORRUPT, State.UNSUPPORTED_TYPE, State.TYPE_MISMATCH)


def test_a_file_without_bytes_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.md"
    path.touch()
    assert state_of(path) == State.EMPTY_TEXT


@pytest.mark.parametrize("name", ["blank.txt", "blank.csv", "blank.html", "blank.md", "blank.py"])
def test_a_file_of_white_space_is_empty(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(" \n\n \n")
    assert state_of(path) == State.EMPTY_TEXT


def test_a_file_over_the_limit_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("word " * 100)
    assert state_of(path, Limits(max_bytes=99)) == State.TOO_LARGE


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    assert state_of(tmp_path / "gone.txt") == State.UNREADABLE


@pytest.mark.parametrize("ending", [".docx", ".pptx", ".xlsx", ".odt", ".epub"])
def test_a_cut_off_container_is_corrupt(tmp_path: Path, ending: str) -> None:
    path = zip_of(tmp_path / f"cut{ending}", {"word/document.xml": "<a/>" * 500})
    path.write_bytes(path.read_bytes()[:60])
    assert state_of(path) == State.CORRUPT


def test_a_cut_off_pdf_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "cut.pdf"
    path.write_bytes(b"%PDF-1.7\n1 0 obj <<")
    assert state_of(path) == State.CORRUPT


def test_a_pdf_with_a_password_is_encrypted(tmp_path: Path) -> None:
    path = pdf(tmp_path / "secret.pdf", [[(50, 50, "secret")]], encrypt="word")
    assert state_of(path) == State.ENCRYPTED


def test_a_container_with_a_password_is_encrypted(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "locked.docx", {"word/document.xml": "<a/>"}, deflate=False)
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1  # the flag that says a member is encrypted
    path.write_bytes(data)
    assert state_of(path) == State.ENCRYPTED


def test_an_old_workbook_with_a_password_is_encrypted(tmp_path: Path) -> None:
    begin = struct.pack("<HH16s", 0x809, 16, struct.pack("<HH", 0x600, 5))
    file_pass = struct.pack("<HH54s", 0x2F, 54, b"\1\0\1\0\1\0")
    path = ole_of(tmp_path / "a.xls", "Workbook", (begin + file_pass).ljust(5000, b"\0"))
    assert state_of(path) == State.ENCRYPTED
    open_one = ole_of(tmp_path / "b.xls", "Workbook", begin.ljust(5000, b"\0"))
    assert state_of(open_one) == State.CORRUPT  # there is nothing more in it


@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz")])
def test_an_archive_that_is_not_unpacked_is_refused_with_advice(
    tmp_path: Path, name: str, mode: str
) -> None:
    (tmp_path / "note.txt").write_text("words")
    with tarfile.open(tmp_path / name, mode) as archive:
        archive.add(tmp_path / "note.txt", "note.txt")
    assert state_of(tmp_path / name) == State.UNSUPPORTED_TYPE
    with pytest.raises(FileProblem, match="unpack it and add the files in it"):
        parse_file(tmp_path / name)
