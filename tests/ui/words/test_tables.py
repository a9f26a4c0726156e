"""Tables of a document's text, as tables again."""

from __future__ import annotations

from ui.words.tables import holds_tables, with_tables

TEXT = "Prices\nitem | price\nDrive | 612.40\nCable |  5.00"


def test_lines_with_bars_become_a_table_and_the_row_of_the_span_is_marked() -> None:
    start = TEXT.index("Drive")
    nodes = with_tables(TEXT, start, start + len("Drive | 612.40"))
    head = ["thead", ["tr", ["th", "item"], ["th", "price"]]]
    rows = [
        ["tr", ["td", ["mark", "Drive"]], ["td", ["mark", "612.40"]]],
        ["tr", ["td", "Cable"], ["td", " 5.00"]],
    ]
    assert nodes == [["div", "Prices"], ["table", head, ["tbody", *rows]]]


def test_the_head_of_a_long_table_stands_above_the_part_that_is_shown() -> None:
    nodes = with_tables("Cable | 5.00", 0, 5, "item | price")
    assert nodes[0][1] == ["thead", ["tr", ["th", "item"], ["th", "price"]]]
    assert nodes[0][2] == ["tbody", ["tr", ["td", ["mark", "Cable"]], ["td", "5.00"]]]


def test_a_row_that_ends_in_empty_cells_is_as_wide_as_the_others() -> None:
    nodes = with_tables("a | b | c\nd\ne | f | g\nh | i", 0, 0)
    assert nodes[0][0] == "div"  # one line alone is no table
    assert nodes[2][2] == ["tbody", ["tr", ["td", "h"], ["td", "i"], ["td", ""]]]


def test_text_without_bars_stays_text_with_its_span_marked() -> None:
    assert with_tables("one two three", 4, 7) == [["div", "one ", ["mark", "two"], " three"]]


def test_only_formats_that_have_tables_are_read_so() -> None:
    assert holds_tables("text/csv")
    assert holds_tables("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    assert not holds_tables("text/plain")
    assert not holds_tables("application/pdf")
