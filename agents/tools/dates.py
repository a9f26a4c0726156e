"""The tool that knows the date: today and now, weekdays, days between dates, a date some days on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from pydantic import Field

from agents.text.quantities import parse_date
from agents.tools.tool import Arguments, Desk, Tool
from corpus.errors import UserError

__all__ = ["DATE", "DateArguments", "make_date_tool"]

_WORDS = {"today": 0, "tomorrow": 1, "yesterday": -1}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class DateArguments(Arguments):
    """Which date to look at, and how."""

    date: str = Field("today", description="2026-06-30, 30 June 2026, today, tomorrow, yesterday.")
    until: str = Field("", description="A second date: how many days there are between the two.")
    add_days: int | None = Field(
        None, ge=-1_000_000, le=1_000_000, description="Days to go on from the date, or back."
    )


def make_date_tool(clock: Callable[[], datetime]) -> Tool:
    """The tool, with ``clock`` for the time of this machine with its zone."""

    def run(arguments: DateArguments, desk: Desk) -> str:
        now = clock()
        day = _read(arguments.date, now.date())
        said = [f"{_said(day)}."]
        if day == now.date():
            said = [f"Today is {_said(day)}; it is {now:%H:%M} ({now.tzname() or 'local time'})."]
        if arguments.until:
            said.append(_between(day, _read(arguments.until, now.date())))
        if arguments.add_days is not None:
            said.append(_after(day, arguments.add_days))
        return " ".join(said)

    return Tool(
        name="date",
        description=(
            "Today's date and time, the weekday of a date, the days between two dates, or the date"
            " some days before or after."
        ),
        schema=DateArguments,
        run=run,
        labels=frozenset(),
    )


def _read(text: str, today: date) -> date:
    word = text.strip().lower()
    if word in _WORDS:
        return today + timedelta(days=_WORDS[word])
    found = parse_date(text)
    if found is None:
        raise UserError(f"{text[:80]!r} is not plainly a date; write it as 2026-06-30")
    return found


def _said(day: date) -> str:
    return f"{_DAYS[day.weekday()]}, {day.isoformat()}"


def _between(first: date, second: date) -> str:
    days = (second - first).days
    weeks, rest = divmod(abs(days), 7)
    whole = f" ({weeks} weeks and {rest} days)" if weeks else ""
    return f"From {_said(first)} to {_said(second)} it is {days} days{whole}."


def _after(day: date, days: int) -> str:
    try:
        return f"{days} days on it is {_said(day + timedelta(days=days))}."
    except OverflowError as exc:
        raise UserError(f"{days} days from {day} is beyond the calendar; give fewer") from exc


DATE = make_date_tool(lambda: datetime.now().astimezone())
