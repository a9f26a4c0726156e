"""The tool that asks the documents' tables in SQL, read-only.

Without a document it lists those that have tables; without SQL it describes a document's tables; with
both it runs one SELECT and shows the lines that the rows stand on, or the table, as passages to cite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field, field_validator

from agents.tools.table_sql import Result, query
from agents.tools.tables import Table, tables_of
from agents.tools.tool import Arguments, Desk, Label, Tool
from corpus.errors import NotFound
from corpus.records import Document, ElementKind, Passage, Span

__all__ = ["QUERY_TABLE", "TableArguments"]

_LISTED = 40  # documents
_LOOKED_AT = 500  # documents whose elements are read for a list
_SHOWN = 3_000  # characters of a table shown whole
_LINES = 6  # rows shown as passages of their own, when a table is longer
_CELL = 200  # characters
_SAMPLES = 2  # rows in a description
_TOTALS = ("total", "sum", "all ", "overall", "subtotal", "gesamt", "summe")


class TableArguments(Arguments):
    """Which tables, and what to ask of them."""

    documents: tuple[str, ...] = Field(
        (),
        max_length=4,
        description="Ids, file names or titles; their tables are t1, t2 … in this order. None: list"
        " the documents that have tables.",
    )
    sql: str = Field(
        "", description="One SELECT in SQLite's SQL. Empty: describe the tables and their columns."
    )

    @field_validator("documents", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) and value else value or ()


def _run(arguments: TableArguments, desk: Desk) -> str:
    if not arguments.documents:
        return _list(desk)
    tables = _tables([desk.find_document(name) for name in arguments.documents], desk)
    if not arguments.sql.strip():
        return desk.quoted("tables", "\n\n".join(map(_description, tables)))
    result = query(tables, arguments.sql)
    asked = [table for table in tables if _names(table, arguments.sql)] or tables[:1]
    shown = [p for table in asked for p in _passages(table, result, desk)]
    notes = [note for table in asked for note in _notes(table, arguments.sql)]
    rows = desk.quoted("rows", "\n".join([_rows(result), *notes]))
    sources = "\n".join(desk.fenced(p) for p in shown)
    return "\n".join([rows, "The rows come from:", sources])


def _tables(documents: Sequence[Document], desk: Desk) -> list[Table]:
    found: list[Table] = []
    for document in documents:
        if not document.state.searchable:
            raise NotFound(f"{document.source!r} could not be read: {document.reason}")
        of = tables_of(document, desk.library.parsed(document.id), len(found) + 1)
        if not of:
            raise NotFound(f"{document.source!r} has no table; read it as text")
        found += of
    return found


def _list(desk: Desk) -> str:
    documents = [d for d in desk.library.documents(desk.collection) if d.state.searchable]
    lines: list[str] = []
    left = 0
    for document in documents[:_LOOKED_AT]:
        elements = desk.library.parsed(document.id).elements
        count = sum(element.kind is ElementKind.TABLE for element in elements)
        if count and len(lines) < _LISTED:
            lines.append(f"{document.id} {document.file_name} ({count} table{'s' * (count > 1)})")
        elif count:
            left += 1
    if not lines:
        return "No document in reach has a table."
    more = [f"({left} more documents have tables; name one of them.)"] if left else []
    unseen = len(documents) - _LOOKED_AT
    more += [f"({unseen} more documents were not looked at.)"] if unseen > 0 else []
    return "\n".join([desk.quoted("documents with tables", "\n".join(lines)), *more])


def _description(table: Table) -> str:
    lines = [f"{table.name}: {table.caption or 'a table'} ({len(table.cells)} rows), from "]
    lines[0] += table.document.file_name
    if table.element.page:
        lines[0] += f", page {table.element.page}"
    for name, column in table.columns.items():
        unit = f" in {column.unit}" if column.unit else ""
        lines.append(f"  {name}: {column.kind}{unit}")
    lines += [
        "  e.g. " + " | ".join(cell[:_CELL] for cell in row) for row in table.cells[:_SAMPLES]
    ]
    return "\n".join(lines)


def _names(table: Table, sql: str) -> bool:
    words = "".join(c if c.isalnum() or c == "_" else " " for c in sql.lower()).split()
    return table.name in words


def _notes(table: Table, sql: str) -> Iterator[str]:
    """What the rows do not tell: cells that are no value, rows that were left out."""
    for name, column in table.columns.items():
        if column.unread and name in sql.lower():
            cells = ", ".join(repr(cell[:40]) for cell in column.unread[:3])
            yield (
                f"(In {table.name}.{name}, cells that are no {column.kind} count as empty: {cells}.)"
            )
    totals = [row[0] for row in table.cells if row[0].lower().startswith(_TOTALS)]
    if totals and any(word in sql.lower() for word in ("sum", "avg", "count", "total")):
        yield f"({table.name} has the row {totals[0][:40]!r}; leave it out of what is added up.)"
    if table.left_out:
        yield f"({table.name} goes on: its last {table.left_out} rows were not asked.)"


def _rows(result: Result) -> str:
    lines = [" | ".join(result.columns)]
    lines += [" | ".join(map(_written, row)) for row in result.rows]
    if not result.rows:
        lines.append("(no row)")
    if result.more:
        lines.append("(and more rows; ask for fewer)")
    return "\n".join(lines)


def _written(cell: float | str | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.12g}" if abs(cell) < 1e12 else repr(cell)
    return " ".join(str(cell).split())[:_CELL]


def _passages(table: Table, result: Result, desk: Desk) -> list[Passage]:
    """The whole table when it is short, else the lines of the rows in the result, else its beginning."""
    span = table.element.span
    if len(span) <= _SHOWN:
        return [desk.show(table.document, span, table.element.page)]
    lines = _lines(table, result)
    if not lines:
        text = desk.library.text(table.document.id)[span.start : span.start + _SHOWN]
        lines = [Span(span.start, span.start + max(text.rfind("\n"), 1))]
    return [desk.show(table.document, line, table.element.page) for line in lines]


def _lines(table: Table, result: Result) -> list[Span]:
    """Where the rows stand that hold all the values of some row of the result."""
    found: list[Span] = []
    values = [set(row) for row in table.rows]
    for row in result.rows[:_LINES]:
        wanted = {cell for cell in row if cell is not None}
        fitting = [n for n, cells in enumerate(values) if wanted and wanted <= cells]
        if len(fitting) == 1 and fitting[0] < len(table.lines):
            found.append(table.lines[fitting[0]])
    return list(dict.fromkeys(found))


QUERY_TABLE = Tool(
    name="query_table",
    description=(
        "Ask the documents' tables in SQL (read-only): filter, sum, average, compare rows. First"
        " without sql, to see tables and columns; then with one SELECT. Cite the passages it shows"
        " as [n]."
    ),
    schema=TableArguments,
    run=_run,
    labels=frozenset({Label.READS_PRIVATE, Label.READS_UNTRUSTED}),
)
