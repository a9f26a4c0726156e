"""Word, PowerPoint, Excel and OpenDocument files: what is in them, not only how much."""

import zipfile
from datetime import date
from pathlib import Path

import docx
import openpyxl
import pptx
import pypandoc
from docx.oxml import parse_xml
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingest.parsing import parse_file
from tests.ingest.parsing.papers import assert_sound, picture_of, texts, zip_of

_TEXT_BOX = (
    '<w:r xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    ' xmlns:v="urn:schemas-microsoft-com:vml"><w:pict><v:shape><v:textbox><w:txbxContent>'
    "<w:p><w:r><w:t>Never open the left valve.</w:t></w:r></w:p>"
    "</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
)


def test_a_word_file_keeps_headings_lists_and_tables(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Cooling", level=1)
    document.add_paragraph("Two fans cool the box.")
    document.add_heading("Fans", level=2)
    document.add_paragraph("left fan", style="List Bullet")
    document.add_paragraph("right fan", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["Fan", "Speed", "left", "900 rpm"], strict=True):
        cell.text = text
    path = tmp_path / "cooling.docx"
    document.save(str(path))
    parsed = parse_file(path)
    titles = [(e.text, e.level) for e in parsed.elements if e.kind == "title"]
    assert titles == [("Cooling", 1), ("Fans", 2)]
    assert texts(parsed, "list") == ["left fan", "right fan"]
    assert texts(parsed, "table") == ["Fan | Speed\nleft | 900 rpm"]
    assert parsed.title == "Cooling"
    assert_sound(parsed)


def test_the_text_boxes_of_a_word_file_are_read(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Look at the box beside.")
    document.add_paragraph()._p.append(parse_xml(_TEXT_BOX))
    path = tmp_path / "box.docx"
    document.save(str(path))
    assert "Never open the left valve." in parse_file(path).text


def test_a_short_line_in_a_slide_is_no_heading_but_its_title_is(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    for title, line in (("Fans", "Two of them"), ("Disks", "Four of them")):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = line
    deck.slides[1].notes_slide.notes_text_frame.text = "Say who pays."
    path = tmp_path / "deck.pptx"
    deck.save(str(path))
    parsed = parse_file(path)
    assert texts(parsed, "title") == ["Fans", "Disks"]
    assert [page.number for page in parsed.pages] == [1, 2]
    pages = [parsed.text[page.span.start : page.span.end] for page in parsed.pages]
    assert "Two of them" in pages[0]
    assert "Say who pays." in pages[1]
    assert_sound(parsed)


def test_the_numbers_behind_a_chart_stand_on_its_slide(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    numbers = CategoryChartData()
    numbers.categories = ["April", "May"]
    numbers.add_series("Requests", (814, 972))
    size = (Inches(1), Inches(1), Inches(5), Inches(3))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, numbers)
    path = tmp_path / "chart.pptx"
    deck.save(str(path))
    parsed = parse_file(path)
    assert texts(parsed, "table") == [" | Requests\nApril | 814\nMay | 972"]
    assert [element.page for element in parsed.elements] == [2]


def test_a_workbook_keeps_sheets_rows_dates_and_comments(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Spending"
    for row in (["Item", "EUR", "Paid"], ["Fan", 12.5, date(2026, 3, 1)], ["Disk", 80, None]):
        sheet.append(row)
    sheet["B3"].comment = Comment("too dear", "Finance")
    book.create_sheet("Notes").append(["Ask twice"])
    path = tmp_path / "spending.xlsx"
    book.save(path)
    parsed = parse_file(path)
    assert texts(parsed, "title") == ["Spending", "Notes"]
    assert texts(parsed, "table") == ["Item | EUR | Paid\nFan | 12.5 | 2026-03-01\nDisk | 80"]
    assert "Comment at B3 by Finance: too dear" in parsed.text
    assert [page.number for page in parsed.pages] == [1, 2]
    assert "Ask twice" in texts(parsed, "text")
    assert_sound(parsed)


def test_formats_that_pandoc_converts_keep_headings_and_tables(tmp_path: Path) -> None:
    source = "# Cooling\n\nTwo fans cool the box.\n\n| Fan | Speed |\n|---|---|\n| left | 900 |\n"
    for ending in ("odt", "rtf", "epub"):
        path = tmp_path / f"cooling.{ending}"
        options = ["--standalone", "--metadata=title:Cooling of the box"]
        pypandoc.convert_text(
            source, ending, format="gfm", outputfile=str(path), extra_args=options
        )
        parsed = parse_file(path)
        assert "Two fans cool the box." in parsed.text, ending
        assert any("left | 900" in table for table in texts(parsed, "table")), ending
        assert_sound(parsed)


_ODF = 'xmlns:{0}="urn:oasis:names:tc:opendocument:xmlns:{1}:1.0"'
_NAMES = " ".join(
    _ODF.format(short, long)
    for short, long in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("presentation", "presentation"),
    )
)


def test_an_opendocument_sheet_keeps_rows_and_ignores_the_empty_million(tmp_path: Path) -> None:
    content = (
        f'<office:document-content {_NAMES}><table:table table:name="Fans">'
        "<table:table-row><table:table-cell><text:p>Fan</text:p></table:table-cell>"
        "<table:table-cell><text:p>Speed</text:p></table:table-cell></table:table-row>"
        "<table:table-row><table:table-cell><text:p>F<text:s/>1</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-repeated="2"><text:p>900</text:p></table:table-cell>'
        '</table:table-row><table:table-row table:number-rows-repeated="1048574">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        "</table:table></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    parsed = parse_file(zip_of(tmp_path / "f.ods", {"mimetype": kind, "content.xml": content}))
    assert parsed.text == "Fans\n\nFan | Speed\nF 1 | 900 | 900"


def test_an_opendocument_slide_is_a_page_with_its_title(tmp_path: Path) -> None:
    content = (
        f"<office:document-content {_NAMES}><draw:page>"
        '<draw:frame presentation:class="title"><text:p>Fans</text:p></draw:frame>'
        "<draw:frame><text:list><text:list-item><text:p>left</text:p></text:list-item></text:list>"
        "</draw:frame></draw:page></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.presentation"
    parsed = parse_file(zip_of(tmp_path / "f.odp", {"mimetype": kind, "content.xml": content}))
    assert [(e.kind, e.text, e.page) for e in parsed.elements] == [
        ("title", "Fans", 1),
        ("list", "left", 1),
    ]


def test_rows_that_repeat_too_often_are_named_as_missing(tmp_path: Path) -> None:
    row = "<table:table-cell><text:p>words</text:p></table:table-cell></table:table-row>"
    content = (
        f'<office:document-content {_NAMES}><table:table table:name="Fans">'
        f'<table:table-row table:number-rows-repeated="500">{row}</table:table>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    parsed = parse_file(zip_of(tmp_path / "f.ods", {"mimetype": kind, "content.xml": content}))
    assert parsed.text.count("words") == 64
    assert parsed.missing == ("rows or cells that repeat more than 64 times",)


def test_footnotes_and_comments_of_a_word_file_follow_its_text(tmp_path: Path) -> None:
    path = tmp_path / "notes.docx"
    words = "Two fans[^1] cool the box.\n\n[^1]: Never only one of them.\n"
    pypandoc.convert_text(words, "docx", format="markdown", outputfile=str(path))
    document = docx.Document(str(path))
    runs = document.paragraphs[0].runs
    document.add_comment(runs, text="Are they loud?", author="Ann", initials="A")
    document.save(str(path))
    parsed = parse_file(path)
    assert texts(parsed, "text") == [
        "Two fans cool the box.",
        "Footnote 1: Never only one of them.",
        "Comment by Ann: Are they loud?",
    ]
    assert parsed.missing == ()


def test_footnotes_that_are_not_read_from_rtf_are_named_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "notes.rtf"
    path.write_text(r"{\rtf1 Two fans{\footnote Never only one.} cool the box.}")
    assert parse_file(path).missing == ("1 footnotes, which are not read from RTF",)


def test_the_comments_on_a_slide_stand_below_it(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    for title in ("Fans", "Disks"):
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = title
    path = tmp_path / "deck.pptx"
    deck.save(str(path))
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments"
    names = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    comment = f'<p:cmLst {names}><p:cm authorId="0"><p:text>Who pays?</p:text></p:cm></p:cmLst>'
    authors = f'<p:cmAuthorLst {names}><p:cmAuthor id="0" name="Ann"/></p:cmAuthorLst>'
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    listed = "ppt/slides/_rels/slide2.xml.rels"
    relation = f'<Relationship Id="rId9" Type="{kind}" Target="../comments/comment1.xml"/>'
    parts[listed] = parts[listed].replace(
        b"</Relationships>", relation.encode() + b"</Relationships>"
    )
    more = {"ppt/comments/comment1.xml": comment, "ppt/commentAuthors.xml": authors}
    parsed = parse_file(zip_of(path, {**parts, **more}))
    assert [(e.page, e.text) for e in parsed.elements] == [
        (1, "Fans"),
        (2, "Disks"),
        (2, "Comment by Ann: Who pays?"),
    ]


def test_the_numbers_behind_a_chart_stand_on_its_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["April", 814])
    sheet = book.create_sheet("Shown")
    chart = BarChart()
    chart.add_data(Reference(book.active, min_col=2, min_row=1, max_row=1))
    sheet.add_chart(chart)
    path = tmp_path / "chart.xlsx"
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/charts/chart1.xml"] = chart_with_numbers(tmp_path)  # as Excel writes it
    parsed = parse_file(zip_of(path, parts))
    assert [(e.page, e.text) for e in parsed.elements if e.page == 2] == [
        (2, "Shown"),
        (2, " | Requests\nApril | 814\nMay | 972"),
    ]


def chart_with_numbers(folder: Path) -> bytes:
    """The XML of a chart that holds its numbers."""
    deck = pptx.Presentation()
    numbers = CategoryChartData()
    numbers.categories = ["April", "May"]
    numbers.add_series("Requests", (814, 972))
    size = (Inches(1), Inches(1), Inches(5), Inches(3))
    shapes = deck.slides.add_slide(deck.slide_layouts[6]).shapes
    shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, numbers)
    deck.save(str(folder / "chart.pptx"))
    with zipfile.ZipFile(folder / "chart.pptx") as archive:
        return archive.read(next(n for n in archive.namelist() if n.startswith("ppt/charts/chart")))


def test_a_scan_in_a_word_file_is_read_and_a_logo_beside_text_is_counted(tmp_path: Path) -> None:
    scan = tmp_path / "scan.png"
    picture_of(["Keep this door shut"]).save(scan)
    document = docx.Document()
    document.add_picture(str(scan))
    path = tmp_path / "scan.docx"
    document.save(str(path))
    parsed = parse_file(path)
    assert texts(parsed, "image-text") == ["Keep this door shut"]
    document.add_paragraph("Two fans cool the box. " * 10)
    document.save(str(path))
    parsed = parse_file(path)
    assert texts(parsed, "image-text") == []
    assert parsed.metadata == {"pictures_not_read": "1"}
    assert parsed.missing == ()


def test_a_slide_that_is_a_picture_is_read_and_one_that_cannot_be_is_named(tmp_path: Path) -> None:
    scan = tmp_path / "scan.png"
    picture_of(["Keep this door shut"]).save(scan)
    deck = pptx.Presentation()
    for _ in range(2):
        deck.slides.add_slide(deck.slide_layouts[6])
    deck.slides[1].shapes.add_picture(str(scan), 0, 0)
    path = tmp_path / "deck.pptx"
    deck.save(str(path))
    parsed = parse_file(path)
    assert [(e.page, e.kind, e.text) for e in parsed.elements] == [
        (2, "image-text", "Keep this door shut")
    ]
    deck.slides[0].shapes.add_textbox(0, 0, 99, 99).text_frame.text = "Fans"
    deck.save(str(path))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    zip_of(path, {**parts, "ppt/media/image1.png": parts["ppt/media/image1.png"][:300]})
    assert parse_file(path).missing == ("picture 'image1.png': corrupt",)
