"""A SQLite file survives failing transactions, ended threads and damage, each said by name."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from corpus.database import Database
from corpus.errors import Damaged, DiskFull

SCHEMA = """
CREATE TABLE notes (text TEXT NOT NULL);
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "notes.sqlite", SCHEMA, 1)
    yield made
    made.close()


def add(database: Database, text: str | None) -> None:
    with database.transaction() as db:
        db.execute("INSERT INTO notes VALUES (?)", (text,))


def test_a_failed_transaction_changes_nothing_and_the_next_one_works(database: Database) -> None:
    add(database, "red")
    with pytest.raises(sqlite3.IntegrityError):
        add(database, None)
    add(database, "blue")
    assert [row["text"] for row in database.rows("SELECT text FROM notes")] == ["red", "blue"]


def test_a_full_disk_is_named_and_the_next_transaction_works(small_disk: Path) -> None:
    database = Database(small_disk / "notes.sqlite", SCHEMA, 1)
    with pytest.raises(DiskFull, match="no space left"):
        add(database, "x" * 2**24)
    add(database, "red")
    assert len(database.rows("SELECT text FROM notes")) == 1
    database.close()


def test_connections_of_ended_threads_do_not_pile_up(database: Database) -> None:
    for number in range(30):
        thread = threading.Thread(target=add, args=(database, str(number)))
        thread.start()
        thread.join()
    opened = [file.path for file in psutil.Process().open_files()]
    assert opened.count(str(database.path)) <= 3


def test_nothing_deleted_is_left_after_a_vacuum(database: Database) -> None:
    add(database, "zebraquartz" * 1000)
    with database.transaction() as db:
        db.execute("DELETE FROM notes")
    database.vacuum()
    files = database.path.parent.glob("notes.sqlite*")
    assert not [path for path in files if b"zebraquartz" in path.read_bytes()]


def test_a_table_that_is_gone_is_damage(database: Database) -> None:
    with pytest.raises(Damaged, match="no such table"):
        database.rows("SELECT * FROM none")
