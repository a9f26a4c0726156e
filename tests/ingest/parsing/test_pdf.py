"""PDF files: reading order, tables, headings, scans, and what is said of parts that cannot be read."""

import io
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingest.parsing import parse_file
from ingest.parsing.limits import Limits
from tests.ingest.parsing.papers import HEIGHT, assert_sound, pdf, picture_of, png_bytes, texts

LEFT = [
    "The left column tells how the two fans",
    "were bought in the spring and how loud",
    "they were when the box was first opened",
    "by the operator who was on call then.",
]
RIGHT = [
    "On the right stands what became of them",
    "in the summer, when dust had settled on",
    "the blades and the bearings had begun to",
    "rattle so that nobody could sleep there.",
]


def test_columns_are_read_one_after_the_other_though_drawn_line_by_line(tmp_path: Path) -> None:
    words = [
        (72.0, 60.0, "A story of two fans that is told in two columns below this line, in full")
    ]
    for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        words += [(72.0, 100.0 + 14 * number, left), (312.0, 100.0 + 14 * number, right)]
    parsed = parse_file(pdf(tmp_path / "columns.pdf", [words]))
    assert texts(parsed, "text")[1:] == [" ".join(LEFT), " ".join(RIGHT)]
    assert_sound(parsed)


def test_columns_whose_lines_do_not_stand_level_are_read_one_after_the_other(
    tmp_path: Path,
) -> None:
    words = [(72.0, 100.0 + 14 * n, line) for n, line in enumerate(LEFT)]
    words += [(312.0, 105.0 + 14 * n, line) for n, line in enumerate(RIGHT)]
    parsed = parse_file(pdf(tmp_path / "columns.pdf", [words]))
    assert texts(parsed, "text") == [" ".join(LEFT), " ".join(RIGHT)]


def test_a_table_without_lines_is_read_row_by_row(tmp_path: Path) -> None:
    rows = [["Fan", "Speed", "Noise"], ["left", "900", "31 dB"], ["right", "1,200", "36 dB"]]
    words = [
        (72.0, 60.0, "The speeds that were measured in the machine room on the first of June:")
    ]
    for y, row in enumerate(rows):
        words += [(72.0 + 130 * x, 90.0 + 18 * y, cell) for x, cell in enumerate(row)]
    words.append((72.0, 190.0, "All of them were taken with a closed door."))
    parsed = parse_file(pdf(tmp_path / "table.pdf", [words]))
    assert texts(parsed, "table") == [
        "Fan | Speed | Noise\nleft | 900 | 31 dB\nright | 1,200 | 36 dB"
    ]
    assert "<td>31 dB</td>" in str(parsed.elements[1].html)
    assert parsed.text.endswith("All of them were taken with a closed door.")


def test_wrapped_cells_of_a_ruled_table_stay_in_their_row(tmp_path: Path) -> None:
    path = tmp_path / "ruled.pdf"
    sheet = Canvas(str(path), pagesize=A4)
    sheet.grid([72, 172, 372], [HEIGHT - y for y in (100, 120, 160, 180)])
    for x, y, text in (
        *((76, 114, "Fan"), (176, 114, "Remark"), (76, 144, "left")),
        *((176, 134, "loud since the dust of"), (176, 150, "the spring came in")),
        *((76, 174, "right"), (176, 174, "quiet")),
    ):
        sheet.drawString(x, HEIGHT - y, text)
    sheet.save()
    parsed = parse_file(path)
    assert parsed.text == (
        "Fan | Remark\nleft | loud since the dust of the spring came in\nright | quiet"
    )
    assert [element.kind for element in parsed.elements] == ["table"]


def test_larger_and_bold_lines_are_headings_by_size(tmp_path: Path) -> None:
    path = tmp_path / "headings.pdf"
    sheet = Canvas(str(path), pagesize=A4)
    prose = "The fans were cleaned on the first day of the month by the operator on call."
    for y, font, size, text in (
        *((80, "Helvetica-Bold", 20, "The fans"), (120, "Helvetica", 10, prose)),
        *((160, "Helvetica-Bold", 14, "Cleaning"), (190, "Helvetica", 10, prose)),
        (230, "Helvetica-Bold", 10, "Small print"),
        (260, "Helvetica", 10, prose),
    ):
        sheet.setFont(font, size)
        sheet.drawString(72, HEIGHT - y, text)
    sheet.save()
    levels = [(e.text, e.level) for e in parse_file(path).elements if e.kind == "title"]
    assert levels == [("The fans", 1), ("Cleaning", 2), ("Small print", 3)]


def test_a_word_parted_at_the_end_of_a_line_is_whole_again(tmp_path: Path) -> None:
    words = [
        (72.0, 80.0, "The machine room has two ven-"),
        (72.0, 94.0, "tilators and one door only."),
    ]
    parsed = parse_file(pdf(tmp_path / "hyphen.pdf", [words]))
    assert parsed.text == "The machine room has two ventilators and one door only."


def test_a_running_head_is_said_once(tmp_path: Path) -> None:
    pages = [
        [(72.0, 30.0, f"Fan handbook, page {n}"), (72.0, 200.0, f"Words of page number {n}.")]
        for n in range(1, 5)
    ]
    parsed = parse_file(pdf(tmp_path / "head.pdf", pages))
    assert parsed.text.count("Fan handbook") == 1
    assert all(f"Words of page number {n}." in parsed.text for n in range(1, 5))
    assert [page.number for page in parsed.pages] == [1, 2, 3, 4]


def scan(path: Path, lines: list[str], *, text_page: bool = False) -> Path:
    sheet = Canvas(str(path), pagesize=A4)
    if text_page:
        sheet.drawString(72, 700, "This page has a text layer of its own and needs no reading.")
        sheet.showPage()
    image = ImageReader(io.BytesIO(png_bytes(picture_of(lines))))
    sheet.drawImage(image, 50, 400, width=500, height=222)
    sheet.save()
    return path


def test_only_the_scanned_page_of_a_mixed_file_is_read_by_ocr(tmp_path: Path) -> None:
    path = scan(tmp_path / "mixed.pdf", ["Delivery note 88", "Two fans received"], text_page=True)
    parsed = parse_file(path)
    assert [page.origin for page in parsed.pages] == ["text", "ocr"]
    scanned = [element for element in parsed.elements if element.page == 2]
    assert {element.kind.value for element in scanned} == {"image-text"}
    words = " ".join(" ".join(element.text.split()) for element in scanned)
    assert words == "Delivery note 88 Two fans received"
    box = scanned[0].box
    assert box is not None
    assert 0.05 < box.x0 < 0.2
    assert 0.25 < box.y0 < 0.4
    assert_sound(parsed)


def test_a_picture_without_words_is_named_as_missing(tmp_path: Path) -> None:
    parsed = parse_file(scan(tmp_path / "blank.pdf", [], text_page=True))
    assert parsed.missing == ("page 2: a picture in which no text was recognised",)


def test_pages_over_the_limit_are_named_as_missing(tmp_path: Path) -> None:
    path = pdf(tmp_path / "long.pdf", [[(72.0, 72.0, f"Page {n} of it")] for n in range(4)])
    parsed = parse_file(path, Limits(max_pages=2))
    assert len(parsed.pages) == 2
    assert parsed.missing == ("pages 3 to 4: over the limit of pages",)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_boxes_are_those_of_the_page_as_it_is_shown(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "turned.pdf"
    sheet = Canvas(str(path), pagesize=A4)
    sheet.setPageRotation(turn)
    wide, tall = A4 if turn % 180 == 0 else (A4[1], A4[0])  # shown, the page is always upright A4
    # Turn back, so that the words stand upright in the top left corner of the shown page.
    sheet.translate(*{0: (0, 0), 90: (wide, 0), 180: (wide, tall), 270: (0, tall)}[turn])
    sheet.rotate(turn)
    sheet.drawString(30, A4[1] - 40, "Top left")
    sheet.save()
    parsed = parse_file(path)
    assert parsed.text == "Top left"
    box = parsed.elements[0].box
    assert box is not None
    assert box.x0 == pytest.approx(30 / A4[0], abs=0.01)
    assert box.x1 < 0.2
    assert 0.03 < box.y0 < box.y1 < 0.06


def test_the_bullets_of_a_symbol_font_begin_list_items(tmp_path: Path) -> None:
    path = tmp_path / "bullets.pdf"
    sheet = Canvas(str(path), pagesize=A4)
    for n, words in enumerate(("two fans", "four disks")):
        sheet.setFont("ZapfDingbats", 11)
        sheet.drawString(72, 700 - 16 * n, "n")
        sheet.setFont("Helvetica", 11)
        sheet.drawString(90, 700 - 16 * n, words)
    sheet.save()
    items = texts(parse_file(path), "list")
    assert [item.split(maxsplit=1)[1] for item in items] == ["two fans", "four disks"]
