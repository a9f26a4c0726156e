"""Tables of documents are listed, described and asked, and what is said of them can be cited."""

from __future__ import annotations

import re

import pytest

from agents.acting.commands import run_command
from agents.records.steps import Answered
from agents.tools import TOOLS, Desk
from agents.tools.tables import tables_of
from corpus.errors import NotFound, UserError
from corpus.records import Element, ElementKind, Parsed, Span
from ingest.parsing.grids import rows_to_html, rows_to_text
from tests.agents.shelf import Shelf

TABLE = TOOLS["query_table"]
COSTS = [
    ["Team", "Cost (EUR)", "Since"],
    ["red", "1,200", "1 May 2026"],
    ["blue", "300", "2 May 2026"],
]


def with_table(rows: list[list[str]], heading: str = "Costs", html: bool = True) -> Parsed:
    table = rows_to_text(rows)
    text = f"{heading}\n\n{table}\n"
    at = len(heading) + 2
    title = Element(ElementKind.TITLE, heading, Span(0, len(heading)), level=1)
    cells = rows_to_html(rows) if html else None
    element = Element(ElementKind.TABLE, table, Span(at, at + len(table)), html=cells)
    return Parsed(text, (title, element), media_type="text/csv")


@pytest.fixture
def desk() -> Desk:
    shelf = Shelf()
    shelf.put_parsed("/papers/costs.csv", with_table(COSTS))
    return Desk(shelf, shelf)


def test_documents_with_tables_are_listed(desk: Desk) -> None:
    said = TABLE({}, desk)
    assert "costs.csv (1 table)" in said
    assert "backups.pdf" not in said


def test_without_sql_the_columns_are_described(desk: Desk) -> None:
    said = TABLE({"documents": ["costs.csv"]}, desk)
    for part in (
        "t1: Costs (2 rows)",
        "cost_eur: number",
        "since: date",
        "since_text: text",
        "red |",
    ):
        assert part in said


@pytest.mark.parametrize("html", [True, False])
def test_columns_are_values_and_what_was_written(html: bool) -> None:
    shelf = Shelf()
    document = shelf.put_parsed("/papers/x.csv", with_table(COSTS, html=html))
    (table,) = tables_of(document, shelf.parsed(document.id))
    assert list(table.rows) == [
        ("red", 1200, "1,200", "2026-05-01", "1 May 2026"),
        ("blue", 300, "300", "2026-05-02", "2 May 2026"),
    ]
    text = shelf.text(document.id)
    assert [text[line.start : line.end].split(" | ")[0] for line in table.lines] == ["red", "blue"]


def test_rows_above_the_header_are_its_caption() -> None:
    shelf = Shelf()
    rows = [["Budget of 2026", "", ""], ["", "", ""], *COSTS]
    document = shelf.put_parsed("/papers/x.xlsx", with_table(rows, heading="Sheet"))
    (table,) = tables_of(document, shelf.parsed(document.id))
    assert (table.caption, len(table.cells)) == ("Budget of 2026", 2)
    assert shelf.text(document.id)[table.lines[0].start :].startswith("red")


def test_a_table_without_a_header_numbers_its_columns() -> None:
    shelf = Shelf()
    document = shelf.put_parsed("/papers/x.csv", with_table([["1", "2"], ["3", "4"]]))
    (table,) = tables_of(document, shelf.parsed(document.id))
    assert next(iter(table.columns)) == "column_1"
    assert len(table.cells) == 2


def test_an_answer_in_sql_shows_the_table_as_a_passage(desk: Desk) -> None:
    said = TABLE({"documents": "costs.csv", "sql": "SELECT sum(cost_eur) AS total FROM t1"}, desk)
    assert re.search(r"\|total\n..\|1500\n", said)
    (passage,) = desk.passages
    assert passage.text == rows_to_text(COSTS)
    assert (
        desk.library.text(passage.document.id)[passage.span.start : passage.span.end]
        == passage.text
    )


def test_of_a_long_table_the_lines_of_the_rows_are_shown() -> None:
    shelf = Shelf()
    rows = [["Name", "Size"], *([f"row {n}", str(n * 7)] for n in range(2000))]
    shelf.put_parsed("/papers/long.csv", with_table(rows))
    desk = Desk(shelf, shelf)
    TABLE({"documents": "long.csv", "sql": "SELECT name, size FROM t1 WHERE size = 700"}, desk)
    assert [p.text for p in desk.passages] == ["row 100 | 700"]
    TABLE({"documents": "long.csv", "sql": "SELECT avg(size) FROM t1"}, desk)
    assert desk.passages[1].text.startswith("Name | Size\nrow 0 | 0")
    assert len(desk.passages[1].text) <= 3000


def test_cells_that_are_no_number_are_said() -> None:
    shelf = Shelf()
    rows = [["Name", "Size"], *([f"r{n}", str(n)] for n in range(9)), ["r9", "see the notes"]]
    shelf.put_parsed("/papers/x.csv", with_table(rows))
    said = TABLE({"documents": "x.csv", "sql": "SELECT sum(size) FROM t1"}, Desk(shelf, shelf))
    assert "cells that are no number count as empty: 'see the notes'" in said


def test_tables_of_several_documents_are_asked_together(desk: Desk) -> None:
    assert isinstance(desk.library, Shelf)
    desk.library.put_parsed(
        "/papers/heads.csv", with_table([["Team", "Heads"], ["red", "4"], ["blue", "2"]])
    )
    sql = "SELECT t1.team, cost_eur / heads FROM t1 JOIN t2 ON t1.team = t2.team ORDER BY 1"
    said = TABLE({"documents": ["costs.csv", "heads.csv"], "sql": sql}, desk)
    assert re.search(r"\|blue \| 150\n..\|red \| 300", said)
    assert len({p.document.id for p in desk.passages}) == 2


def test_a_document_without_tables_and_a_wrong_statement_are_said(desk: Desk) -> None:
    with pytest.raises(NotFound, match="has no table"):
        TABLE({"documents": "backups.pdf"}, desk)
    with pytest.raises(UserError, match="no such column: price"):
        TABLE({"documents": "costs.csv", "sql": "SELECT price FROM t1"}, desk)


def test_a_person_asks_with_a_command_and_gets_citations(desk: Desk) -> None:
    *_, last = run_command("/table costs.csv SELECT team FROM t1 WHERE cost_eur > 500", desk)
    assert isinstance(last, Answered)
    assert "red" in last.answer.text
    assert "<" not in last.answer.text
    assert [c.quote for c in last.answer.citations] == [rows_to_text(COSTS)]
    *_, last = run_command("/table", desk)
    assert isinstance(last, Answered)
    assert "costs.csv" in last.answer.text


def test_columns_named_like_words_of_sql_can_be_asked_for() -> None:
    shelf = Shelf()
    shelf.put_parsed(
        "/papers/x.csv", with_table([["Signal", "Limit", "When"], ["heat", "80", "now"]])
    )
    said = TABLE(
        {"documents": "x.csv", "sql": "SELECT c_limit, c_when FROM t1"}, Desk(shelf, shelf)
    )
    assert "|80 | now" in said


def test_a_row_of_totals_is_pointed_out_when_rows_are_added_up() -> None:
    shelf = Shelf()
    shelf.put_parsed(
        "/papers/x.csv", with_table([["Team", "Cost"], ["a", "1"], ["b", "2"], ["Total", "3"]])
    )
    desk = Desk(shelf, shelf)
    assert "leave it out" in TABLE({"documents": "x.csv", "sql": "SELECT sum(cost) FROM t1"}, desk)
    assert "leave it out" not in TABLE({"documents": "x.csv", "sql": "SELECT team FROM t1"}, desk)
