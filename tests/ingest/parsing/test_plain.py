"""Text, source code and delimited tables."""

from pathlib import Path

import pytest

from ingest.parsing import parse_file
from ingest.parsing.limits import Limits
from tests.ingest.parsing.papers import assert_sound, texts


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_of_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(
        ("Die Lüfter müssen täglich geprüft werden. Größe: fünf.\n" * 5).encode(encoding)
    )
    parsed = parse_file(path)
    assert parsed.text.startswith("Die Lüfter müssen täglich geprüft werden. Größe: fünf.")
    assert_sound(parsed)


def test_bullets_become_list_items(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("Buy:\n\n- fans\n- cables\n\nSoon.")
    parsed = parse_file(path)
    assert texts(parsed, "list") == ["- fans", "- cables"]
    assert parsed.text == "Buy:\n\n- fans\n- cables\n\nSoon."


def test_code_is_cut_before_its_definitions_and_keeps_their_comments(tmp_path: Path) -> None:
    path = tmp_path / "fans.py"
    path.write_text(
        "import os\n\nLIMIT = 3\n\n\n# Slow down.\ndef slow(x):\n    return x - 1\n\n\n"
        "@cache\ndef fast(x):\n    return x + 1\n"
    )
    parsed = parse_file(path)
    assert texts(parsed, "code") == [
        "import os\n\nLIMIT = 3",
        "# Slow down.\ndef slow(x):\n    return x - 1",
        "@cache\ndef fast(x):\n    return x + 1",
    ]
    assert parsed.title == "fans.py"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_table_is_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "fans.csv"
    rows = [["Fan", "Speed, rpm", "Place"], ["F1", "1,200", "left; top"], ["F2", "900", ""]]
    path.write_text("\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows))
    parsed = parse_file(path)
    assert parsed.text == "Fan | Speed, rpm | Place\nF1 | 1,200 | left; top\nF2 | 900"
    assert parsed.elements[0].html is not None
    assert "<td>1,200</td>" in parsed.elements[0].html


def test_a_table_of_one_column_is_not_torn_apart(tmp_path: Path) -> None:
    path = tmp_path / "industry.csv"
    path.write_text("Industry\nHospitality/Travel\nSales\n")
    assert parse_file(path).text == "Industry\nHospitality/Travel\nSales"


def test_rows_of_unequal_length_are_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text("a,b,c\n1,2\n1,2,3,4\n")
    assert parse_file(path).text == "a | b | c\n1 | 2\n1 | 2 | 3 | 4"


def test_a_very_long_cell_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("id,note\n1," + "word " * 40_000 + "end\n")
    assert parse_file(path).text.endswith("end")


def test_tabs_part_the_cells_of_a_tsv_file(tmp_path: Path) -> None:
    path = tmp_path / "fans.tsv"
    path.write_text("Fan\tSpeed\nF1\t900, about\n")
    assert parse_file(path).text == "Fan | Speed\nF1 | 900, about"


def test_a_file_of_more_characters_than_allowed_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("one line of a log\n\n" * 100)
    parsed = parse_file(path, Limits(max_characters=100))
    assert parsed.text == ("one line of a log\n\n" * 100)[:100]
    assert any("everything after" in what for what in parsed.missing)
    assert_sound(parsed)


def test_a_quote_that_is_never_closed_costs_no_more_than_its_field(tmp_path: Path) -> None:
    path = tmp_path / "open.csv"
    path.write_text('name,note\nfan,"' + "loud\n" * 40_000)
    assert parse_file(path).text.startswith("name | note\nfan | loud loud")


def test_a_long_run_of_blanks_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "blanks.txt"
    path.write_text("left" + " " * 300_000 + "right")
    assert parse_file(path).text.split() == ["left", "right"]
