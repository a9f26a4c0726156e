"""A statement reads the tables it was given, and cannot do anything else."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.tools.table_sql import query
from agents.tools.tables import Table, tables_of
from corpus.errors import UserError
from corpus.records import Document, Element, ElementKind, Parsed, Span, State

TEXT = "team | cost\nred | 1,200\nblue | 300\ngreen | 500"
DOCUMENT = Document("d" * 16, "/papers/cost.csv", "", "text/csv", "Cost", "work", 0, State.INDEXED)


def tables(text: str = TEXT) -> list[Table]:
    element = Element(ElementKind.TABLE, text, Span(0, len(text)))
    return tables_of(DOCUMENT, Parsed(text, (element,)))


HOSTILE = [
    "INSERT INTO t1 VALUES ('x', 1, '1')",
    "UPDATE t1 SET cost = 0",
    "DELETE FROM t1",
    "REPLACE INTO t1 VALUES ('x', 1, '1')",
    "INSERT INTO t1 SELECT * FROM t1",
    "INSERT INTO t1 DEFAULT VALUES RETURNING *",
    "DELETE FROM t1 RETURNING *",
    "UPDATE t1 SET cost = 1 RETURNING cost",
    "WITH x AS (SELECT 1) DELETE FROM t1",
    "WITH x AS (SELECT 1) INSERT INTO t1 SELECT 1, 2, 3",
    "WITH x AS (SELECT 1) UPDATE t1 SET cost = 0",
    "DROP TABLE t1",
    "DROP TABLE IF EXISTS t1",
    "ALTER TABLE t1 RENAME TO t2",
    "ALTER TABLE t1 ADD COLUMN x",
    "ALTER TABLE t1 DROP COLUMN cost_text",
    "CREATE TABLE t2 (x)",
    "CREATE TEMP TABLE t2 (x)",
    "CREATE TABLE t2 AS SELECT * FROM t1",
    "CREATE INDEX i ON t1 (cost)",
    "CREATE VIEW v AS SELECT * FROM t1",
    "CREATE TEMP VIEW v AS SELECT * FROM t1",
    "CREATE TRIGGER g AFTER INSERT ON t1 BEGIN SELECT 1; END",
    "CREATE TEMP TRIGGER g AFTER INSERT ON t1 BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE f USING fts5 (x)",
    "CREATE VIRTUAL TABLE f USING rtree (a, b, c)",
    "REINDEX",
    "REINDEX t1",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO '{path}'",
    "ATTACH '{path}' AS other",
    "ATTACH DATABASE '{path}' AS other",
    "ATTACH ':memory:' AS other",
    "ATTACH 'file:{path}?mode=rwc' AS other",
    "DETACH main",
    "PRAGMA table_info(t1)",
    "PRAGMA writable_schema = 1",
    "PRAGMA journal_mode = WAL",
    "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA user_version = 5",
    "PRAGMA database_list",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_table_info('t1')",
    "SELECT name FROM pragma_function_list",
    "SELECT count(*) FROM pragma_compile_options",
    "SELECT * FROM sqlite_master",
    "SELECT sql FROM sqlite_schema",
    "SELECT name FROM sqlite_temp_master",
    "SELECT value FROM json_each('[1]')",
    "BEGIN",
    "BEGIN EXCLUSIVE",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "SELECT load_extension('{path}')",
    "SELECT readfile('{path}')",
    "SELECT writefile('{path}', 'x')",
    "SELECT edit('x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT randomblob(1000000000)",
    "SELECT zeroblob(1000000000)",
    "SELECT hex(zeroblob(100000000))",
    "SELECT printf('%.*c', 1000000000, 'x')",
    "SELECT format('%1000000000d', 1)",
    "SELECT replace(team, '', 'x') FROM t1",
    "SELECT sqlite_version()",
    "SELECT sqlite_source_id()",
    "SELECT sqlite_compileoption_get(1)",
    "SELECT last_insert_rowid()",
    "SELECT total_changes()",
    "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
    "WITH c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "SELECT 1; DROP TABLE t1",
    "SELECT 1; SELECT 2",
    "DROP TABLE t1; --",
    "SELECT * FROM t1 WHERE team = ''; DELETE FROM t1; --'",
    "/* x */ DELETE FROM t1",
    "-- only a remark",
    "",
    ";",
    "SELECT * FROM other",
    "SELECT * FROM '{path}'",
    "SELECT ?",
    "SELECT :name",
    "SELECT 'a\0b' FROM t1; DROP TABLE t1",
    "EXPLAIN DELETE FROM t1",
    ".read {path}",
    "SELECT " + "(" * 500 + "1" + ")" * 500,
    "SELECT " + " || ".join(["team"] * 1000) + " FROM t1",
    "SELECT 1 " + "UNION ALL SELECT 1 " * 200,
    "SELECT '" + "x" * 10_000 + "'",
    "\ud800",
]


WORDS = (
    *("SELECT", "DELETE", "FROM", "t1", "WHERE", "cost", "PRAGMA", "ATTACH", "INTO", "INSERT"),
    *("UPDATE", "SET", "=", "(", ")", ";", ",", "*", "1", "'x'", "WITH", "AS", "UNION", "JOIN"),
    *("CREATE", "TABLE", "DROP", "sqlite_master", "load_extension", "VALUES", "RETURNING"),
)


class Watched(sqlite3.Connection):
    """Keeps what it held when it was confined, and what it holds when it is closed."""

    before: list[str]
    after: list[str]

    def set_authorizer(self, callback: Any) -> None:
        self.before = list(self.iterdump())
        super().set_authorizer(callback)

    def close(self) -> None:
        super().set_authorizer(None)
        self.set_progress_handler(None, 0)
        self.after = list(self.iterdump())
        super().close()


@pytest.mark.parametrize("sql", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_statement_is_refused_and_changes_nothing(sql: str, tmp_path: Path) -> None:
    path = tmp_path / "outside.db"
    with sqlite3.connect(path) as outside:
        outside.execute("CREATE TABLE secret (x)")
    outside.close()
    before = path.read_bytes()
    seen: list[Watched] = []

    def connect() -> sqlite3.Connection:
        seen.append(sqlite3.connect(":memory:", isolation_level=None, factory=Watched))
        return seen[-1]

    with pytest.raises(UserError) as refused:
        query(tables(), sql.replace("{path}", str(path)), connect=connect)
    assert str(refused.value)
    assert [database.after for database in seen] == [database.before for database in seen]
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["outside.db"]


def test_there_are_enough_hostile_statements() -> None:
    assert len(set(HOSTILE)) >= 80


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT team FROM t1 WHERE cost > 400 ORDER BY cost", [("green",), ("red",)]),
        ("SELECT sum(cost), avg(cost), count(*) FROM t1", [(2000, 2000 / 3, 3)]),
        ("SELECT cost_text FROM t1 WHERE team = 'red'", [("1,200",)]),
        ("WITH big AS (SELECT * FROM t1 WHERE cost > 400) SELECT count(*) FROM big", [(2,)]),
        ("SELECT team, rank() OVER (ORDER BY cost DESC) FROM t1 LIMIT 1", [("red", 1)]),
        (
            "SELECT a.team FROM t1 a JOIN t1 b ON a.cost < b.cost GROUP BY 1 HAVING count(*) = 2",
            [("blue",)],
        ),
        ("SELECT max(cost) FROM (SELECT cost FROM t1 WHERE team LIKE '%e%')", [(1200,)]),
        ("SELECT upper(team) FROM T1 WHERE cost = 300;", [("BLUE",)]),
    ],
)
def test_a_select_gives_its_rows(sql: str, rows: list[tuple[object, ...]]) -> None:
    assert list(query(tables(), sql).rows) == rows


def test_a_statement_that_takes_too_long_is_given_up() -> None:
    many = tables("n\n" + "\n".join(map(str, range(1000))))
    began = time.process_time()
    with pytest.raises(UserError, match=r"longer than 0\.2 seconds"):
        query(many, "SELECT count(*) FROM t1 a, t1 b, t1 c, t1 d", seconds=0.2)
    assert time.process_time() - began < 2


LONG = (
    "WITH long AS (SELECT group_concat('a', '') a, group_concat('b', '') b FROM"
    " (SELECT 1 FROM t1 x, t1 y LIMIT 45000))"
)


@pytest.mark.parametrize(
    "sql",
    [
        f"{LONG} SELECT sum(length(trim(a, b || 'a' || n))) FROM long, t1",
        f"{LONG} SELECT sum(instr(a || b, substr(a, 1, 20000) || 'c' || n)) FROM long, t1",
        f"{LONG} SELECT sum(a LIKE '%{'_' * 95}b' || n) FROM long, t1",
        "SELECT length(group_concat('a', '')) FROM t1 x, t1 y",
    ],
)
def test_functions_of_long_texts_do_not_hold_the_clock_up(sql: str) -> None:
    many = tables("n\n" + "\n".join(map(str, range(1000))))
    began = time.process_time()
    with suppress(UserError):
        query(many, sql, seconds=0.2)
    assert time.process_time() - began < 1.5


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("instr('añb', 'b')", 3),
        ("instr('ab', 'c')", 0),
        ("instr('ab', '')", 1),
        ("instr(NULL, 'c')", None),
        ("instr(1234, 3)", 3),
        ("trim('xyaxy', 'yx')", "a"),
        ("ltrim('xa', 'x') || rtrim('bx', 'x')", "ab"),
        ("trim(' a ')", "a"),
        ("trim('a', NULL)", None),
        ("trim('a', '')", "a"),
    ],
)
def test_finding_and_trimming_is_as_in_sqlite(sql: str, value: object) -> None:
    with sqlite3.connect(":memory:") as database:
        assert database.execute(f"SELECT {sql}").fetchone() == (value,)
    database.close()
    assert query(tables(), f"SELECT {sql} FROM t1 LIMIT 1").rows == ((value,),)


def test_only_so_many_rows_and_characters_come_back() -> None:
    many = tables("n\n" + "\n".join(map(str, range(1000))))
    result = query(many, "SELECT n FROM t1")
    assert (len(result.rows), result.more) == (200, True)
    wide = query(many, f"SELECT '{'x' * 1000}' FROM t1")
    assert (len(wide.rows), wide.more) == (20, True)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.sampled_from(WORDS),
        max_size=12,
    ).map(" ".join)
)
def test_no_mix_of_words_changes_a_table(sql: str) -> None:
    seen: list[Watched] = []

    def connect() -> sqlite3.Connection:
        seen.append(sqlite3.connect(":memory:", isolation_level=None, factory=Watched))
        return seen[-1]

    with suppress(UserError):
        query(tables(), sql, connect=connect)
    assert [database.after for database in seen] == [database.before for database in seen]
