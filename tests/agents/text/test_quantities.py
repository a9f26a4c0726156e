"""Cells become numbers and dates only where the whole column says so."""

from __future__ import annotations

from datetime import date

import pytest

from agents.text.quantities import parse_date, read_column


@pytest.mark.parametrize(
    ("cells", "values", "unit"),
    [
        (["1", "2", "-3"], (1, 2, -3), ""),
        (["1,234", "12,345.50"], (1234, 12345.5), ""),
        (["1.234,50", "7,25"], (1234.5, 7.25), ""),
        (["1.5", "2.25"], (1.5, 2.25), ""),
        (["€1,200", "€300"], (1200, 300), "€"),
        (["1 200 EUR", "300 EUR"], (1200, 300), "EUR"),
        (["USD 12", "USD 13"], (12, 13), "USD"),
        (["12%", "3.5 %"], (12, 3.5), "%"),
        (["(500)", "−20"], (-500, -20), ""),
        (["640 kWh", "12 kWh", "–"], (640, 12, None), "kWh"),
        (["", "4", "n/a"], (None, 4, None), ""),
        (["$-5", "$5"], (-5, 5), "$"),
    ],
)
def test_numbers_are_read_with_separators_and_units(
    cells: list[str], values: tuple[object, ...], unit: str
) -> None:
    column = read_column(cells)
    assert (column.kind, column.values, column.unit) == ("number", values, unit)


@pytest.mark.parametrize(
    "cells",
    [
        ["Kim", "Lee"],
        ["3 kW", "5 MB"],
        ["007", "008"],
        ["12 05", "13 06"],
        ["03/04/2026", "05/06/2026"],
        ["1.2.3", "4.5.6"],
        ["1,23,4"],
        ["", "-"],
    ],
)
def test_what_is_not_plainly_a_value_stays_text(cells: list[str]) -> None:
    assert read_column(cells).kind == "text"


def test_a_few_cells_that_are_no_number_are_named() -> None:
    column = read_column(["1", "2", "3", "4", "about 5 or 6, see the notes"])
    assert (column.kind, column.values[-1]) == ("number", None)
    assert column.unread == ("about 5 or 6, see the notes",)


def test_which_part_is_the_day_is_seen_from_the_column() -> None:
    assert read_column(["03/04/2026", "25/04/2026"]).values == ("2026-04-03", "2026-04-25")
    assert read_column(["03/04/2026", "03/25/2026"]).values == ("2026-03-04", "2026-03-25")


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-30",
        "30 June 2026",
        "June 30, 2026",
        "30.6.2026",
        "30 Jun. 2026",
        "2026-06-30 00:00",
    ],
)
def test_dates_are_read_in_the_usual_forms(text: str) -> None:
    assert parse_date(text) == date(2026, 6, 30)


@pytest.mark.parametrize("text", ["31 June 2026", "2026-13-01", "soon", "6/7/2026", "30 Foo 2026"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None
