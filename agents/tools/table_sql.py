"""Asks tables in SQL, read-only and bounded: SQLite in memory, holding these tables and nothing else.

Once the tables are in it, an authorizer lets through SELECT, reading these tables and a list of
functions, and refuses everything else there is (PRAGMA, ATTACH, writing, transactions, extensions,
recursion). Time, rows, characters, the length of every value and the size of a statement have limits.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.tools.tables import Table
from corpus.errors import UserError

__all__ = ["FUNCTIONS", "Result", "query"]

_MOST_ROWS = 200
_MOST_CHARACTERS = 20_000
_MOST_SQL = 5_000
_STEPS = (
    200  # of SQLite's machine between two looks at the clock; one may be a LIKE over a long text
)
_MOST_TRIMMED = 100  # kinds of characters
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 2 * _MOST_SQL,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
FUNCTIONS = frozenset(
    {
        *("abs", "avg", "coalesce", "count", "date", "dense_rank", "first_value", "group_concat"),
        *("ifnull", "iif", "instr", "julianday", "lag", "last_value", "lead", "length"),
        *("like", "lower", "ltrim", "max", "min", "nullif", "ntile", "rank"),
        *("round", "row_number", "rtrim", "sign", "strftime", "substr", "substring", "sum"),
        *("total", "trim", "typeof", "upper"),
    }
)
"""What a statement may call."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave; ``more`` says that rows beyond the limits were left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int | float | str | None, ...], ...]
    more: bool


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)  # None: no transaction of its own


def query(
    tables: Sequence[Table],
    sql: str,
    seconds: float = 2.0,
    connect: Callable[[], sqlite3.Connection] = _memory,
) -> Result:
    """The rows that one SELECT over these tables gives.

    Args:
        seconds: after which it is given up.
        connect: opens the empty database.

    Raises:
        UserError: it is no single SELECT, is wrong, asks for what is not allowed, or takes too long.
    """
    if len(sql) > _MOST_SQL:
        raise UserError(f"the statement has {len(sql)} characters, at most {_MOST_SQL} are allowed")
    database = connect()
    try:
        _load(database, tables)
        _confine(database, tables, time.monotonic() + seconds)
        return _result(database.execute(sql))
    except (sqlite3.Error, sqlite3.Warning, ValueError, UnicodeEncodeError) as exc:
        raise UserError(_sentence(exc, seconds, tables)) from exc
    finally:
        database.close()


def _load(database: sqlite3.Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        names = ", ".join(f'"{name}"' for name in table.columns)  # slugs: letters, digits, _
        marks = ", ".join("?" * len(table.columns))
        database.execute(f'CREATE TABLE "{table.name}" ({names})')
        database.executemany(f'INSERT INTO "{table.name}" VALUES ({marks})', table.rows)


def _confine(database: sqlite3.Connection, tables: Sequence[Table], end: float) -> None:
    names = {table.name for table in tables}

    def allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and (first in names or second == ""):
            return sqlite3.SQLITE_OK  # no column of a named subquery is asked for, only its rows
        if action == sqlite3.SQLITE_FUNCTION and str(second).lower() in FUNCTIONS:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    for name, count, function in _OURS:
        database.create_function(name, count, function, deterministic=True)
    for limit, value in _LIMITS.items():
        database.setlimit(limit, value)
    database.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    database.set_authorizer(allowed)


def _instr(text: object, part: object) -> int | None:
    if text is None or part is None:
        return None
    return str(text).find(str(part)) + 1


def _trimmer(strip: Callable[[str, str], str]) -> Callable[[object, object], str | None]:
    def trim(text: object, characters: object) -> str | None:
        if text is None or characters is None:
            return None
        kinds = "".join(set(str(characters)))
        if len(kinds) > _MOST_TRIMMED:
            raise ValueError(f"at most {_MOST_TRIMMED} characters can be trimmed")
        return strip(str(text), kinds)

    return trim


# In place of SQLite's, which take the product of two lengths for one call, in which the clock is not looked at.
_OURS: tuple[tuple[str, int, Callable[[object, object], int | str | None]], ...] = (
    ("instr", 2, _instr),
    ("trim", 2, _trimmer(str.strip)),
    ("ltrim", 2, _trimmer(str.lstrip)),
    ("rtrim", 2, _trimmer(str.rstrip)),
)


def _result(cursor: sqlite3.Cursor) -> Result:
    if cursor.description is None:
        raise UserError("that is no SELECT; ask with SELECT … FROM …")
    columns = tuple(str(column[0]) for column in cursor.description)
    rows: list[tuple[int | float | str | None, ...]] = []
    left = _MOST_CHARACTERS
    for row in cursor:
        left -= sum(len(str(cell)) for cell in row)
        if len(rows) == _MOST_ROWS or left < 0:
            return Result(columns, tuple(rows), more=True)
        rows.append(tuple(str(c) if isinstance(c, bytes) else c for c in row))
    return Result(columns, tuple(rows), more=False)


def _sentence(exc: Exception, seconds: float, tables: Sequence[Table]) -> str:
    said = str(exc)
    if "interrupted" in said:
        return (
            f"the statement took longer than {seconds:g} seconds; ask for less, or join on a column"
        )
    if "not authorized" in said or "prohibited" in said:
        return (
            f"only SELECT over {', '.join(table.name for table in tables)} is allowed, with the"
            f" functions {', '.join(sorted(FUNCTIONS))} ({said})"
        )
    return f"the statement cannot be run ({said}); ask with one SELECT over the tables shown"
