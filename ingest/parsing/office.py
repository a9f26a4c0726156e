"""Reads Word, PowerPoint and Excel files through ``unstructured``, and adds what it leaves out.

Headings are taken from the document's own styles, never guessed from how a line looks. Slides,
sheets and hard page breaks become pages. ``unstructured`` skips the text boxes, content controls,
tracked insertions and formulas of a Word file (on ``docx_rich_tables_01`` of
``../shared/data/parsing`` that is nine tenths of the words), so the words are counted: where some
are missing, the file goes through pandoc to HTML and then through ``unstructured``. Numbers behind
charts, notes and comments are read from the file itself. Pictures are read where there is hardly any
text, and counted elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.records import ElementKind, Parsed
from ingest.parsing.asides import cell_comments, slide_comments, word_asides
from ingest.parsing.canonical import TextBuilder
from ingest.parsing.embedded import FEW_CHARACTERS, add_pictures
from ingest.parsing.grids import rows_from_html, rows_to_html, rows_to_text
from ingest.parsing.limits import Limits
from ingest.parsing.ooxml import (
    Table,
    charts,
    pictures,
    sheet_charts,
    slide_charts,
    slide_pictures,
    text_boxes,
    word_counts,
)
from ingest.parsing.quiet_unstructured import partition

if TYPE_CHECKING:
    from unstructured.documents.elements import Element

__all__ = ["DEFAULT_SHEET", "add_elements", "parse_slides", "parse_spreadsheet", "parse_word"]

DEFAULT_SHEET = re.compile(r"^(Sheet|Table|Tabelle|Feuil|Hoja|Foglio) ?\d+$", re.IGNORECASE)
_KINDS = {
    "Title": ElementKind.TITLE,
    "ListItem": ElementKind.LIST,
    "Table": ElementKind.TABLE,
    "CodeSnippet": ElementKind.CODE,
}
_SKIPPED = ("PageBreak", "PageNumber")
_REPEATED = ("Header", "Footer")
_TOLERATED_LOSS = 0.02  # of the words: numbers of list items and the like are counted differently
_OLD_EXCEL = "application/vnd.ms-excel"


def parse_word(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read a Word file."""
    words = word_counts(path)
    builder = _word_directly(path)
    if _lost(words, builder) > _TOLERATED_LOSS:
        builder = min(builder, _word_converted(path), key=lambda one: _lost(words, one))
    for text in text_boxes(path):
        if text not in builder.text:
            builder.add(ElementKind.TEXT, text)
    share = _lost(word_counts(path, formulas=False), builder)  # formulas are spelt in many ways
    if share > _TOLERATED_LOSS:
        builder.missing.append(f"about {share:.0%} of the words, in parts that cannot be read")
    for title, rows in charts(path).values():
        _add_chart(builder, title, rows)
    for text in word_asides(path):
        if text.partition(": ")[2] not in builder.text:  # pandoc reads footnotes
            builder.add(ElementKind.TEXT, text)
    if len(builder.text) < FEW_CHARACTERS:
        add_pictures(builder, path, pictures(path), limits)
        return builder.build(media_type)
    return builder.build(media_type, metadata=_unread(len(pictures(path))))


def _word_directly(path: Path) -> TextBuilder:
    """What ``unstructured`` reads: nothing of the strict kind of Office file, which it cannot open."""
    builder = TextBuilder()
    try:
        elements = partition("docx", path)
    except KeyError:
        return builder
    add_elements(builder, elements)
    return builder


def _word_converted(path: Path) -> TextBuilder:
    from ingest.parsing.converted import to_html
    from ingest.parsing.markup import add_html

    builder = TextBuilder()
    add_html(builder, to_html(path, "docx"))
    return builder


def _lost(words: Counter[str], builder: TextBuilder) -> float:
    """The share of ``words`` that the text read so far does not hold."""
    found = Counter(re.findall(r"\w+", builder.text.lower()))
    return (words - found).total() / max(words.total(), 1)


def _unread(count: int) -> dict[str, str]:
    return {"pictures_not_read": str(count)} if count else {}


def _add_chart(builder: TextBuilder, title: str, rows: list[list[str]]) -> None:
    if rows:
        builder.add(ElementKind.TEXT, f"Chart: {title}" if title else "")
        builder.add(ElementKind.TABLE, rows_to_text(rows), html=rows_to_html(rows))


def parse_slides(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read every slide with its notes; only slide titles are headings."""
    shown, known, comments = slide_charts(path), charts(path), slide_comments(path)
    seen, unread = slide_pictures(path), 0
    builder = TextBuilder()
    elements = partition("pptx", path, include_slide_notes=True)
    last = max((element.metadata.page_number or 0 for element in elements), default=0)
    for number in range(1, max(last, len(shown)) + 1):
        builder.start_page(number)
        begin = len(builder)
        for element in elements:
            if element.metadata.page_number == number and element.category not in _SKIPPED:
                _add(builder, element, _slide_kind(element))
        for part in shown.get(number, []):
            _add_chart(builder, *known.get(part, ("", [])))
        if len(builder) - begin < FEW_CHARACTERS:
            add_pictures(builder, path, seen.get(number, []), limits)
        else:
            unread += len(seen.get(number, []))
        for text in comments.get(number, []):
            builder.add(ElementKind.TEXT, text)
    return builder.build(media_type, metadata=_unread(unread))


def parse_spreadsheet(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read every sheet of a workbook; a sheet is a page, its name a heading."""
    builder = TextBuilder()
    if media_type == _OLD_EXCEL:
        _add_sheets(builder, path, [], {}, [])
        return builder.build(media_type)
    _add_sheets(builder, path, sheet_charts(path), charts(path), list(cell_comments(path)))
    return builder.build(media_type, metadata=_unread(len(pictures(path))))


def _add_sheets(
    builder: TextBuilder,
    path: Path,
    shown: list[tuple[str, list[str]]],
    known: dict[str, tuple[str, Table]],
    comments: list[tuple[int, str]],
) -> None:
    """Add the sheets with their comments and charts; one without any of these is left out."""
    cells = _by_sheet(partition("xlsx", path))
    names = {number: name for number, (name, _) in enumerate(shown, 1)}
    names.update({number: name for number, (name, _) in cells.items()})
    for number in sorted(names):
        elements = cells.get(number, ("", []))[1]
        parts = shown[number - 1][1] if number <= len(shown) else []
        if not elements and not parts:
            continue
        builder.start_page(number)
        if not DEFAULT_SHEET.match(names[number]):
            builder.add(ElementKind.TITLE, names[number], level=1)
        for element in elements:
            # A lone cell is text: unstructured calls it a title for its brevity alone.
            table = element.category == "Table"
            _add(builder, element, ElementKind.TABLE if table else ElementKind.TEXT)
        for text in (text for sheet, text in comments if sheet == number):
            builder.add(ElementKind.TEXT, text)
        for part in parts:
            _add_chart(builder, *known.get(part, ("", [])))


def _by_sheet(elements: Iterable[Element]) -> dict[int, tuple[str, list[Element]]]:
    """The name and the elements of each sheet that has some, by its number."""
    sheets: dict[int, tuple[str, list[Element]]] = {}
    for element in elements:
        about = element.metadata
        number = about.page_number or max(sheets, default=1)
        sheets.setdefault(number, (about.page_name or "", []))[1].append(element)
    return sheets


def add_elements(builder: TextBuilder, elements: Iterable[Element]) -> None:
    """Add what ``unstructured`` found to ``builder``, with pages where the format has them."""
    page, said = 0, set[str]()
    for element in elements:
        if element.category in _SKIPPED or _said_before(element, said):
            continue
        number = element.metadata.page_number
        if number is not None and number != page:
            page = number
            builder.start_page(page)
        _add(builder, element, _kind(element))


def _said_before(element: Element, said: set[str]) -> bool:
    """Whether this is a running head or foot that an earlier section had as well."""
    if element.category not in _REPEATED:
        return False
    known = element.text in said
    said.add(element.text)
    return known


def _kind(element: Element) -> ElementKind:
    kind = _KINDS.get(element.category, ElementKind.TEXT)
    if kind is ElementKind.TITLE and element.metadata.category_depth is None:
        return ElementKind.TEXT  # a guess from the wording alone
    return kind


def _slide_kind(element: Element) -> ElementKind:
    kind = _kind(element)
    if kind is ElementKind.TITLE and element.metadata.category_depth:
        return ElementKind.TEXT  # short, but not in the slide's title box
    return kind


def _add(builder: TextBuilder, element: Element, kind: ElementKind) -> None:
    table = element.metadata.text_as_html
    if kind is ElementKind.TABLE and table:
        builder.add(kind, rows_to_text(rows_from_html(table)), html=table)
        return
    level = (element.metadata.category_depth or 0) + 1 if kind is ElementKind.TITLE else 0
    builder.add(kind, element.text, level=level)
