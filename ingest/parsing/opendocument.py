"""Reads OpenDocument spreadsheets (ODS) and presentations (ODP), which ``unstructured`` does not
read.

A sheet or slide is a page. Everything stands in one XML file of the container; entities are not
resolved.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder, one_line
from ingest.parsing.grids import rows_to_html, rows_to_text
from ingest.parsing.limits import Limits
from ingest.parsing.office import DEFAULT_SHEET

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["parse_opendocument"]

_NS = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE, _DRAW = (f"{{{_NS}{part}:1.0}}" for part in ("text", "table", "drawing"))
_CLASS = f"{{{_NS}presentation:1.0}}class"
_MAX_REPEAT = 64  # a repeated cell or row that holds something; the empty rest of a sheet repeats a million times
_MAX_DIGITS = 9
_PARAGRAPHS = (f"{_TEXT}p", f"{_TEXT}h")


def parse_opendocument(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read every sheet, or every slide with its notes."""
    import lxml.etree

    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True)
    with zipfile.ZipFile(path) as archive:
        root = lxml.etree.fromstring(archive.read("content.xml"), parser)
    builder = TextBuilder()
    slides = list(root.iter(f"{_DRAW}page"))
    add = _add_slide if slides else _add_sheet
    for number, page in enumerate(slides or root.iter(f"{_TABLE}table"), 1):
        builder.start_page(number)
        add(builder, page)
    return builder.build(media_type)


def _add_sheet(builder: TextBuilder, sheet: _Element) -> None:
    name = str(sheet.get(f"{_TABLE}name") or "")
    if not DEFAULT_SHEET.match(name):
        builder.add(ElementKind.TITLE, name, level=1)
    _add_table(builder, sheet)


def _add_table(builder: TextBuilder, table: _Element) -> None:
    rows = list(_rows(table))
    if _is_cut(table):
        builder.missing.append(f"rows or cells that repeat more than {_MAX_REPEAT} times")
    builder.add(ElementKind.TABLE, rows_to_text(rows), html=rows_to_html(rows))


def _rows(table: _Element) -> Iterator[list[str]]:
    for row in table.iter(f"{_TABLE}table-row"):
        cells = list(_cells(row))
        if any(cells):
            yield from [cells] * _repeat(row, "rows")


def _cells(row: _Element) -> Iterator[str]:
    for cell in row.iter(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
        yield from [" ".join(_texts(cell))] * _repeat(cell, "columns")


def _repeat(element: _Element, what: str) -> int:
    return min(_count(element, what), _MAX_REPEAT)


def _count(element: _Element, what: str) -> int:
    """How often a row or cell stands there; a number of absurd length counts as very many."""
    count = str(element.get(f"{_TABLE}number-{what}-repeated") or "1")
    return int(count[:_MAX_DIGITS]) if count.isdigit() else 1


def _is_cut(table: _Element) -> bool:
    """Whether something in ``table`` repeats more often than it is said here."""
    return any(
        _count(element, what) > _MAX_REPEAT and _texts(element)
        for what, part in (("rows", "row"), ("columns", "cell"))
        for element in table.iter(f"{_TABLE}table-{part}")
    )


def _texts(element: _Element) -> list[str]:
    found = (one_line(_plain(paragraph)) for paragraph in element.iter(*_PARAGRAPHS))
    return [text for text in found if text]


def _plain(paragraph: _Element) -> str:
    """The paragraph's text; spaces, tabs and line breaks are elements of their own."""
    parts = [paragraph.text or ""]
    for child in paragraph:
        blank = child.tag in (f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break")
        parts += [" " if blank else _plain(child), child.tail or ""]
    return "".join(parts)


def _add_slide(builder: TextBuilder, slide: _Element) -> None:
    for shape in slide:
        title = shape.get(_CLASS) == "title"
        tables = list(shape.iter(f"{_TABLE}table"))
        for table in tables:
            _add_table(builder, table)
        for text in [] if tables else _texts(shape):
            item = next(shape.iter(f"{_TEXT}list-item"), None) is not None
            kind = ElementKind.LIST if item else ElementKind.TEXT
            builder.add(ElementKind.TITLE if title else kind, text, level=1 if title else 0)
