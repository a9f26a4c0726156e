"""Tables in a document's text, made readable again, with a span marked in them.

Canonical text holds a table as one line for each row, its cells between ``" | "`` and empty cells at
the end left out (``ingest.parsing.grids``). Only formats whose parsers write tables so are read as
such: a bar in prose or code is just a bar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from agents.text.inert import inert
from ui.words.prose import Node

__all__ = ["holds_tables", "with_tables"]

_BAR = " | "
_OFFICE = ("application/vnd.openxmlformats", "application/vnd.oasis", "application/vnd.ms-")
_TABLES = ("text/csv", "text/tab-separated-values", "text/html", "text/markdown")
_MOST_CELLS = 60  # of a row; a line with more bars is no table a person reads


def holds_tables(media_type: str) -> bool:
    """Whether documents of this type may have tables in their text."""
    return media_type in _TABLES or media_type.startswith(_OFFICE)


def with_tables(text: str, start: int, end: int, header: str = "") -> list[Node]:
    """Text as it is, its tables as tables, with characters ``[start, end)`` of it marked.

    Args:
        text: part of a document's canonical text, from the start of a line to the end of one.
        header: the document's first line when the text begins further down in the same table.
    """
    nodes, at = list[Node](), 0
    rows = [(header, 0)] if header else []
    lines = _lines(text)
    for is_table, group in groupby(lines, key=lambda line: _BAR in line[0]):
        part = list(group)
        first, last = part[0][1], part[-1][1] + len(part[-1][0])
        if is_table and (len(part) + len(rows) > 1):
            nodes.append(_table(rows, part, start, end))
        else:
            nodes.append(["div", *_marked(text[first:last], start - first, end - first)])
        rows, at = [], last
    return nodes if at else [["div", inert(text)]]


def _lines(text: str) -> Iterator[tuple[str, int]]:
    at = 0
    for line in text.split("\n"):
        yield line, at
        at += len(line) + 1


def _table(
    above: Sequence[tuple[str, int]], lines: Sequence[tuple[str, int]], start: int, end: int
) -> Node:
    """A table; its first row is its head, and cells that the span touches are marked."""
    grid = [[(cell, 0, 0) for cell in line.split(_BAR)] for line, _ in above]
    grid += [list(_cells(line, at)) for line, at in lines]
    width = min(max(len(row) for row in grid), _MOST_CELLS)
    head, *body = (_row(row, width, start, end) for row in grid)
    return ["table", ["thead", ["tr", *(["th", *c] for c in head)]],
            ["tbody", *(["tr", *(["td", *c] for c in row)] for row in body)]]  # fmt: skip


def _cells(line: str, at: int) -> Iterator[tuple[str, int, int]]:
    for cell in line.split(_BAR):
        yield cell, at, at + len(cell)
        at += len(cell) + len(_BAR)


def _row(row: Sequence[tuple[str, int, int]], width: int, start: int, end: int) -> list[list[Node]]:
    cells = list[list[Node]]()
    for cell, first, last in row[:width]:
        hit = first < end and start < last
        cells.append([["mark", inert(cell)]] if hit and cell.strip() else [inert(cell)])
    return cells + [[""] for _ in range(width - len(cells))]


def _marked(text: str, start: int, end: int) -> list[Node]:
    start, end = max(0, start), min(len(text), end)
    if start >= end:
        return [inert(text)]
    return [inert(text[:start]), ["mark", inert(text[start:end])], inert(text[end:])]
