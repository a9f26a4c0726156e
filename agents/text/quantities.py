"""What is written in a cell or a question, as a value: numbers with their separators and units, and dates.

How separators are meant is decided for a whole column, since ``1.234`` alone may be either; a column
of dates of which none says whether the day or the month comes first stays text. Nothing is guessed:
what is read is what every cell allows. Knows nothing of tables or tools.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agents.text.words import MONTHS

__all__ = ["Column", "is_blank", "parse_date", "read_column"]

_BLANK = {"", "-", "–", "—", "n/a", "na", "none", "null", ".", "…", "?", "tbd", "not set"}
_CURRENCY = "€$£¥₹"
_SPACES = re.compile("[\\s\u00a0\u2009\u202f'’_]+")
_NUMBER = re.compile(
    rf"(?P<paren>\()?\s*(?P<sign>[-+−])?\s*(?P<before>[{_CURRENCY}]|[A-Z]{{3}}(?=[\s\d]))?\s*(?P<sign2>[-−])?"
    r"(?P<digits>\d[\d.,\s\u00a0\u2009\u202f'’_]*)"
    rf"(?P<unit>\s*(?:%|[{_CURRENCY}]|[^\W\d_][^\d]{{0,15}})?)(?P<end>\))?"
)
_MOST_CHARACTERS = 60
_POINT = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+(\.\d+)?")
_COMMA = re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?|\d+(,\d+)?")
_MONTHS = {
    name: number for number, month in enumerate(MONTHS, 1) for name in (month, month[:3])
} | {"sept": 9}
_DATES = (
    r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?:[t ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?z?)?",
    r"(?P<d>\d{1,2})\.? (?P<m>[a-z]+)\.?,? (?P<y>\d{4})",
    r"(?P<m>[a-z]+)\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?,? (?P<y>\d{4})",
    r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",
)
_SLASHED = {
    "d": r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})",
    "m": r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})",
}
_MOSTLY = 0.8


@dataclass(frozen=True, slots=True)
class Column:
    """The cells of a column as values: ``kind`` is number, date or text.

    ``unit`` is what every number is followed or preceded by; ``unread`` are cells of a column of
    numbers or dates that are neither, whose values are ``None``.
    """

    kind: str
    values: tuple[int | float | str | None, ...]
    unit: str = ""
    unread: tuple[str, ...] = ()


def is_blank(cell: str) -> bool:
    """Whether a cell says that there is nothing in it."""
    return cell.strip().lower() in _BLANK


def read_column(cells: Sequence[str]) -> Column:
    """The cells of one column as values of one kind.

    A column is of numbers or of dates when at least four fifths of its cells that are not blank are.
    """
    filled = [cell for cell in cells if not is_blank(cell)]
    for kind, read in (("date", _dates(filled)), ("number", _numbers(filled))):
        known = sum(value is not None for value, _ in read.values())
        if filled and sum(read[cell][0] is not None for cell in filled) >= _MOSTLY * len(filled):
            units = {unit for value, unit in read.values() if value is not None}
            if len(units) > 1 and not (units - {""} and len(units - {""}) == 1):
                continue  # 3 kW and 5 MB are no column of numbers
            values = tuple(None if is_blank(c) else read[c][0] for c in cells)
            unread = tuple(dict.fromkeys(c for c in filled if read[c][0] is None)) if known else ()
            return Column(kind, values, max(units, default=""), unread)
    return Column("text", tuple(cell or None for cell in cells))


def _numbers(cells: Sequence[str]) -> dict[str, tuple[int | float | None, str]]:
    parts = {cell: _split(cell) for cell in cells}
    digits = [found[1] for found in parts.values() if found]
    comma = not all(map(_POINT.fullmatch, digits)) and all(map(_COMMA.fullmatch, digits))
    return {
        c: (_value(*found, comma), found[2]) if found else (None, "") for c, found in parts.items()
    }


def _split(cell: str) -> tuple[bool, str, str] | None:
    """Whether it is negative, its digits with separators, and its unit."""
    text = cell.strip()
    if len(text) > _MOST_CHARACTERS:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None or bool(found["paren"]) != bool(found["end"]):
        return None
    written = found["digits"].strip()
    digits = _SPACES.sub("", written)
    if digits != written and not re.fullmatch(r"\d{1,3}(\D\d{3})+([.,]\d+)?", written):
        return None  # "12 05" is no number, "1 205" is one
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return None  # a code or a telephone number
    minus = (
        bool(found["paren"])
        or "-" in (s := (found["sign"] or "") + (found["sign2"] or ""))
        or "−" in s
    )
    return minus, digits, (found["before"] or found["unit"]).strip()


def _value(minus: bool, digits: str, unit: str, comma: bool) -> int | float | None:
    if not (_COMMA if comma else _POINT).fullmatch(digits):
        return None
    plain = digits.replace(".", "").replace(",", ".") if comma else digits.replace(",", "")
    number = Decimal(plain) * (-1 if minus else 1)
    if number == number.to_integral_value() and "." not in plain and abs(number) < 2**63:
        return int(number)
    return float(number)


def _dates(cells: Sequence[str]) -> dict[str, tuple[str | None, str]]:
    """As ISO dates; which part of 03/12/2026 is the day is seen from the whole column, or it is none."""
    slashed = [found for cell in cells if (found := re.fullmatch(_SLASHED["d"], cell.strip()))]
    days_first = any(int(found["d"]) > 12 for found in slashed)
    months_first = any(int(found["m"]) > 12 for found in slashed)
    order = (
        "d" if days_first and not months_first else "m" if months_first and not days_first else ""
    )
    read = {cell: parse_date(cell, order) for cell in cells}
    return {cell: (day.isoformat() if day else None, "") for cell, day in read.items()}


def parse_date(text: str, slashes: str = "") -> date | None:
    """The date that is written; ``None`` when it is none, or not plain which.

    Args:
        text: 2026-06-30, 30 June 2026, June 30, 2026, 30.6.2026; with ``slashes``, 30/6/2026 too.
        slashes: what comes first between slashes: ``d``, ``m``, or nothing when that is not known.
    """
    plain = " ".join(text.lower().split())
    for pattern in (*_DATES, *filter(None, [_SLASHED.get(slashes)])):
        if found := re.fullmatch(pattern, plain):
            try:
                return date(int(found["y"]), _month(found["m"]), int(found["d"]))
            except ValueError:
                return None
    return None


def _month(text: str) -> int:
    return _MONTHS.get(text) or int(text)
