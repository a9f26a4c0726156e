"""Renders tables as canonical text: one line per row, cells parted by `` | ``, the header row
first.

A row so written can be quoted as it stands and split between rows; the cells keep their order, and
an empty cell keeps its place. Also reads delimited text (CSV, TSV) and the HTML in which parsers
hand tables over.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder, one_line
from ingest.parsing.limits import Limits
from ingest.parsing.plain import read_text

__all__ = ["parse_delimited", "rows_from_html", "rows_to_html", "rows_to_text"]

_MIDNIGHT = re.compile(r"^(\d{4}-\d\d-\d\d) 00:00:00$")
_DELIMITERS = ",;\t|"
_SAMPLE = 16_384


def rows_to_text(rows: Iterable[Sequence[str]]) -> str:
    """The rows as lines; a column that is empty in every row, and an empty row, is left out."""
    table = [[_cell(cell) for cell in row] for row in rows]
    width = max((len(row) for row in table), default=0)
    table = [row + [""] * (width - len(row)) for row in table if any(row)]
    used = [any(row[column] for row in table) for column in range(width)]
    kept = ([cell for cell, keep in zip(row, used, strict=True) if keep] for row in table)
    return "\n".join(" | ".join(row).rstrip(" |") for row in kept)


def rows_to_html(rows: Iterable[Sequence[str]]) -> str:
    """The rows as an HTML table without attributes."""
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def rows_from_html(table: str) -> list[list[str]]:
    """The cells of the outermost table in ``table``; a cell that spans columns is followed by empty
    ones.
    """
    import lxml.html

    root = lxml.html.fromstring(table)
    outer = root if root.tag == "table" else root.find(".//table")
    if outer is None:
        return []
    lines = outer.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr")
    return [
        [text for cell in line.xpath("./td | ./th") for text in _spread(cell)] for line in lines
    ]


def _spread(cell: object) -> list[str]:
    text = str(cell.text_content())  # type: ignore[attr-defined]
    span = str(cell.get("colspan") or "1")  # type: ignore[attr-defined]
    return [text] + [""] * (min(int(span), 100) - 1 if span.isdigit() else 0)


def _cell(cell: str) -> str:
    return _MIDNIGHT.sub(
        r"\1", one_line(cell)
    )  # a spreadsheet's plain date comes with an empty time


def parse_delimited(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read CSV or TSV.

    The standard library reads it, not ``unstructured``: on ``../shared/data/parsing/csv`` the
    latter fails on three of nine files whose rows differ in length, and takes the letter ``y`` for
    the delimiter of a one-column file.
    """
    builder = TextBuilder()
    text = read_text(path, limits, builder.missing).replace("\0", "")
    # The default refuses a long note in a cell. The limit is the process's: it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    rows = list(csv.reader(io.StringIO(text, newline=""), dialect=_dialect(text, media_type)))
    builder.add(ElementKind.TABLE, rows_to_text(rows), html=rows_to_html(rows))
    return builder.build(media_type)


def _dialect(text: str, media_type: str) -> type[csv.Dialect]:
    class Delimited(csv.excel):
        delimiter = "\t" if media_type.endswith("tab-separated-values") else _delimiter(text)

    return Delimited


def _delimiter(text: str) -> str:
    """The delimiter that parts the first lines into the most columns, evenly; a comma when none
    does.
    """
    lines = [line for line in text[:_SAMPLE].splitlines()[:20] if line.strip()]
    header = lines[0] if lines else ""

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        return sum(count == counts[0] > 0 for count in counts), header.count(delimiter)

    best = max(_DELIMITERS, key=evenness, default=",")
    return best if best in header else ","
