"""The tables of a document as relations: a name, typed columns, rows, and where each row stands.

The header is the first row of the table that names its columns; rows above it are its caption. A
column of numbers or dates (``agents.text.quantities``) has values, and beside it, as ``NAME_text``, what
was written. Knows nothing of SQL or of tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.text.quantities import Column, is_blank, read_column
from corpus.records import Document, Element, ElementKind, Parsed, Span

__all__ = ["Table", "tables_of"]

_MOST_ROWS = 20_000
_MOST_COLUMNS = 60
_MOST_TABLES = 40  # of one document
_HEADER_AMONG = 6  # rows
_CAPTION = 120  # characters
_NAME = 40
# Words that SQL would not take for a column's name.
_KEYWORD_LIST = """
    add all alter and as between by case check column commit create cross default delete desc
    distinct drop each else end escape except exists for foreign from full group having if in index
    inner insert into is isnull join left like limit match natural no not notnull null of offset on
    or order outer over primary references right row rows select set table then to transaction
    union unique update using values view when where window with
"""
_KEYWORDS = frozenset(_KEYWORD_LIST.split())


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``columns`` by name, in order; ``lines`` are the spans of its rows, as far as known."""

    name: str
    document: Document
    element: Element
    caption: str
    columns: dict[str, Column]
    cells: tuple[tuple[str, ...], ...]
    lines: tuple[Span, ...]
    left_out: int = 0  # rows beyond those that are worked with

    @property
    def rows(self) -> Iterator[tuple[int | float | str | None, ...]]:
        """The values of each row."""
        return zip(*(column.values for column in self.columns.values()), strict=True)


def tables_of(document: Document, parsed: Parsed, first: int = 1) -> list[Table]:
    """The tables of a document, in its order, named ``t1``, ``t2`` … from ``first`` on."""
    found: list[Table] = []
    heading = ""
    for element in parsed.elements:
        if element.kind is ElementKind.TITLE:
            heading = " ".join(element.text.split())[:_CAPTION]
        elif element.kind is ElementKind.TABLE and len(found) < _MOST_TABLES:
            table = _table(f"t{first + len(found)}", document, element, heading)
            if table is not None:
                found.append(table)
    return found


def _table(name: str, document: Document, element: Element, heading: str) -> Table | None:
    rows = [row for row in _cells(element) if any(cell for cell in row)]
    width = min(max(map(len, rows), default=0), _MOST_COLUMNS)
    at = _header(rows, width)
    body = rows[at + 1 : at + 1 + _MOST_ROWS]
    if not body or width < 1:
        return None
    above = " ".join(cell for row in rows[: max(at, 0)] for cell in row if cell)
    lines = _lines(element)
    matching = lines[at + 1 : at + 1 + len(body)] if len(lines) == len(rows) else []
    cells = tuple(tuple((*row, *[""] * width)[:width]) for row in body)
    return Table(
        name,
        document,
        element,
        (above or heading)[:_CAPTION],
        _columns(rows[at] if at >= 0 else (), cells, width),
        cells,
        tuple(matching),
        max(0, len(rows) - at - 1 - _MOST_ROWS),
    )


def _cells(element: Element) -> list[list[str]]:
    if element.html:
        from ingest.parsing.grids import rows_from_html

        return [[" ".join(cell.split()) for cell in row] for row in rows_from_html(element.html)]
    return [[cell.strip() for cell in line.split(" | ")] for line in element.text.split("\n")]


def _lines(element: Element) -> list[Span]:
    """Where the lines of a table stand in the canonical text; one line is one row that is not empty."""
    spans, start = [], element.span.start
    for line in element.text.split("\n"):
        if line.strip():
            spans.append(Span(start, start + len(line)))
        start += len(line) + 1
    return spans


def _header(rows: Sequence[Sequence[str]], width: int) -> int:
    """Which row names the columns: the first in which most cells are filled, and different words."""
    for at, row in enumerate(rows[:_HEADER_AMONG]):
        filled = [cell for cell in row if cell]
        numbers = sum(read_column([cell]).kind != "text" for cell in filled)
        if len(filled) * 5 >= width * 3 and numbers * 2 <= len(filled):
            return at
    return -1  # no row is a header; columns get numbers


def _columns(
    header: Sequence[str], cells: Sequence[Sequence[str]], width: int
) -> dict[str, Column]:
    named: dict[str, Column] = {}
    for at in range(width):
        written = [row[at] for row in cells]
        title = header[at] if at < len(header) else ""
        if not title and not any(map(bool, written)):
            continue  # a column that is empty throughout
        column = read_column(written)
        name = _unused(_slug(title) or f"column_{at + 1}", named)
        named[name] = column
        if column.kind != "text":
            texts = tuple(None if is_blank(cell) and not cell else cell for cell in written)
            named[_unused(f"{name}_text", named)] = Column("text", texts)
    return named


def _slug(title: str) -> str:
    words = (
        re.sub(r"\W+", "_", title.lower().replace("%", " percent ")).strip("_")[:_NAME].strip("_")
    )
    return f"c_{words}" if words[:1].isdigit() or words in _KEYWORDS else words


def _unused(name: str, taken: dict[str, Column]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
