"""Reads office and web documents through ``unstructured``: Word, PowerPoint, Excel, HTML, Markdown, EPUB, RTF, ODF.

Headings are taken from the document's own styles and tags, never guessed from how a line looks. Slides, sheets
and hard page breaks become pages. Pictures are not read here; how many there were is said in ``missing``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder, clean
from ingest.parsing.grids import rows_from_html, rows_to_text
from ingest.parsing.limits import Limits
from ingest.parsing.quiet_unstructured import partition

if TYPE_CHECKING:
    from unstructured.documents.elements import Element

__all__ = ["parse_office", "parse_spreadsheet"]

_KINDS = {
    "Title": ElementKind.TITLE,
    "ListItem": ElementKind.LIST,
    "Table": ElementKind.TABLE,
    "CodeSnippet": ElementKind.CODE,
}
_SKIPPED = ("PageBreak", "PageNumber")
_REPEATED = ("Header", "Footer")
_PARTITIONERS = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/epub+zip": "epub",
    "application/rtf": "rtf",
    "text/html": "html",
    "text/markdown": "md",
}
_DEFAULT_SHEET = re.compile(r"^(Sheet|Table|Tabelle|Feuil|Hoja|Foglio) ?\d+$", re.IGNORECASE)


def parse_office(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read a document of any media type in this module's table but spreadsheets."""
    kind = _PARTITIONERS[media_type]
    builder = TextBuilder()
    add_elements(builder, partition(kind, path), slides=kind == "pptx")
    return builder.build(media_type)


def parse_spreadsheet(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read every sheet of a workbook; a sheet is a page, its name a heading."""
    builder = TextBuilder()
    sheet = 0
    for element in partition("xlsx", path):
        if element.metadata.page_number not in (None, sheet):
            sheet = element.metadata.page_number or sheet
            builder.start_page(sheet)
            name = element.metadata.page_name or ""
            if not _DEFAULT_SHEET.match(name):
                builder.add(ElementKind.TITLE, name, level=1)
        # A lone cell is text: unstructured calls it a title for its brevity alone.
        table = element.category == "Table"
        _add(builder, element, ElementKind.TABLE if table else ElementKind.TEXT)
    return builder.build(media_type)


def add_elements(builder: TextBuilder, elements: Iterable[Element], *, slides: bool = False) -> None:
    """Add what ``unstructured`` found to ``builder``; ``slides`` says that only slide titles are headings."""
    page, said = 0, set[str]()
    for element in elements:
        if element.category in _SKIPPED or _said_before(element, said):
            continue
        number = element.metadata.page_number
        if number is not None and number != page:
            page = number
            builder.start_page(page)
        _add(builder, element, _kind(element, slides))


def _said_before(element: Element, said: set[str]) -> bool:
    """Whether this is a running head or foot that an earlier section had as well."""
    if element.category not in _REPEATED:
        return False
    known = element.text in said
    said.add(element.text)
    return known


def _kind(element: Element, slides: bool) -> ElementKind:
    kind = _KINDS.get(element.category, ElementKind.TEXT)
    depth = element.metadata.category_depth
    if kind is ElementKind.TITLE and (depth is None or (slides and depth > 0)):
        return ElementKind.TEXT  # a guess from the wording alone
    return kind


def _add(builder: TextBuilder, element: Element, kind: ElementKind) -> None:
    table = element.metadata.text_as_html
    if kind is ElementKind.TABLE and table:
        builder.add(kind, rows_to_text(rows_from_html(table)), html=table)
        return
    level = (element.metadata.category_depth or 0) + 1 if kind is ElementKind.TITLE else 0
    indent = "  " * _nesting(element) if kind is ElementKind.LIST else ""
    builder.add(kind, indent + clean(element.text), level=level)


def _nesting(element: Element) -> int:
    return 0
