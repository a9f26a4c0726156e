"""The tables of ``chats.sqlite``: schema, migrations, and one thread-safe way to reach them.

Write-ahead logging with ``synchronous=FULL``: what was acknowledged survives a power cut. The
schema's version is SQLite's ``user_version``; each migration runs once, in order, inside one
transaction. Knows nothing of what the rows mean to a conversation (``agents.store.memory`` and
``agents.store.run_log``).
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from corpus.database import sqlite_errors
from corpus.errors import NotFound, OperatorError
from corpus.home import disk_errors

__all__ = ["ChatTables", "found", "id_of", "new_id", "now", "once", "one"]

_MIGRATIONS = (
    """
    CREATE TABLE threads (
        id TEXT PRIMARY KEY, title TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL
    );
    CREATE TABLE messages (
        id TEXT PRIMARY KEY,
        thread TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
        content TEXT NOT NULL,
        created TEXT NOT NULL,
        citations TEXT NOT NULL DEFAULT '[]',
        steps TEXT NOT NULL DEFAULT '[]',
        engine TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL DEFAULT '',
        abstained INTEGER NOT NULL DEFAULT 0,
        interrupted INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        run TEXT,
        UNIQUE (thread, position)
    );
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        thread TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
        message TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        question TEXT NOT NULL,
        mode TEXT NOT NULL,
        collection TEXT,
        state TEXT NOT NULL,
        created TEXT NOT NULL,
        finished TEXT
    );
    CREATE UNIQUE INDEX one_active_run ON runs (thread) WHERE state = 'running';
    CREATE INDEX runs_message ON runs (message);
    CREATE TABLE events (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        n INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, n)
    ) WITHOUT ROWID;
    CREATE TABLE feedback (
        message TEXT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
        rating INTEGER NOT NULL CHECK (rating IN (-1, 1)),
        comment TEXT NOT NULL DEFAULT '',
        created TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE threads ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE threads ADD COLUMN summary TEXT NOT NULL DEFAULT '';
    ALTER TABLE threads ADD COLUMN summarised INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE threads ADD COLUMN retold TEXT NOT NULL DEFAULT '';
    ALTER TABLE threads ADD COLUMN retold_to INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX threads_owner ON threads (owner, updated);
    ALTER TABLE messages ADD COLUMN claims TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE messages ADD COLUMN usage TEXT NOT NULL DEFAULT '{}';
    DROP INDEX one_active_run;
    CREATE UNIQUE INDEX one_active_run ON runs (thread) WHERE state IN ('running', 'waiting');
    CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        call TEXT NOT NULL,
        tool TEXT NOT NULL,
        wanted TEXT NOT NULL,
        arguments TEXT NOT NULL,
        labels TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'asked' CHECK (state IN
            ('asked', 'approved', 'rejected', 'expired', 'executing', 'executed', 'unknown')),
        asked TEXT NOT NULL,
        expires TEXT NOT NULL,
        decided TEXT,
        decided_by TEXT,
        reason TEXT NOT NULL DEFAULT '',
        result TEXT,
        ok INTEGER,
        UNIQUE (run, call)
    );
    CREATE INDEX approvals_state ON approvals (state, expires);
    CREATE TABLE memories (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL,
        created TEXT NOT NULL, updated TEXT NOT NULL
    );
    CREATE INDEX memories_owner ON memories (owner, updated);
    CREATE TABLE notes (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
        source TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL, UNIQUE (owner, title)
    );
    CREATE TABLE written (key TEXT PRIMARY KEY, time TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE audit (
        n INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, person TEXT NOT NULL,
        action TEXT NOT NULL, details TEXT NOT NULL
    );
    CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
        BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
    CREATE TRIGGER audit_is_true BEFORE UPDATE ON audit
        BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
    """,
    """
    ALTER TABLE feedback ADD COLUMN sources TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE feedback ADD COLUMN unanswerable INTEGER NOT NULL DEFAULT 0;
    """,
    """
    ALTER TABLE threads ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE threads ADD COLUMN hidden TEXT NOT NULL DEFAULT '';
    CREATE INDEX threads_hidden ON threads (hidden) WHERE hidden <> '';
    CREATE VIEW shown_threads AS SELECT rowid AS place, id, title, created, updated, owner, pinned
        FROM threads WHERE hidden = '';
    CREATE TABLE thread_words (
        thread TEXT PRIMARY KEY REFERENCES threads (id) ON DELETE CASCADE, words TEXT NOT NULL
    );
    ALTER TABLE runs ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
    """,
)


class ChatTables:
    """One connection to ``chats.sqlite`` behind a lock, so any thread may use it.

    Raises:
        OperatorError: the file cannot be opened, or was written by a newer Alcove.
        Damaged: the file is not a sound SQLite database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with sqlite_errors(path):
            self._connection = sqlite3.connect(path, check_same_thread=False, timeout=30.0)
            self._connection.row_factory = sqlite3.Row
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        # What is deleted is overwritten with zeros, in every connection that deletes.
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(_MIGRATIONS):
            raise OperatorError(
                f"{str(self._path)!r} was written by a newer Alcove;"
                " update this one or choose another --home"
            )
        for number, script in enumerate(_MIGRATIONS[version:], version + 1):
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;"
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, held alone inside one transaction; rolled back on error.

        Raises:
            DiskFull, OperatorError, Damaged: what SQLite says of the file, in our words.
        """
        with self._lock, sqlite_errors(self._path), self._connection:
            yield self._connection

    def forget(self) -> bool:
        """Empty the write-ahead log, so that what was deleted is not left in it either.

        While somebody else reads the file it has to wait; it says false then, and the next call empties the log.
        """
        with self._lock, sqlite_errors(self._path):
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    def close(self) -> None:
        """Close the connection; using the object afterwards is a bug."""
        with self._lock:
            self._connection.close()


def new_id() -> str:
    """A random id for a thread, message or run."""
    return uuid.uuid4().hex


def now() -> str:
    """The time, as ISO 8601 in UTC with milliseconds; sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def id_of(owner: str, key: str) -> str:
    """The id of what a person's call with this key makes: the same one whenever the call is repeated."""
    return hashlib.sha256(f"{owner}\0{key}".encode()).hexdigest()[:32]


def once(db: sqlite3.Connection, owner: str, key: str) -> bool:
    """Whether a person's call with this key is made for the first time; without a key, always."""
    if not key:
        return True
    query = "INSERT INTO written VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
    return db.execute(query, (id_of(owner, key), now())).rowcount == 1


def one(db: sqlite3.Connection, query: str, key: str, noun: str, *more: str) -> sqlite3.Row:
    """The only row that ``query`` (with the parameter ``key``, and ``more`` after it) finds.

    Raises:
        NotFound: it finds none; the message says which ``noun`` is missing.
    """
    return found(db.execute(query, (key, *more)).fetchone(), key, noun)


def found(row: sqlite3.Row | None, key: str, noun: str) -> sqlite3.Row:
    """``row``, which was looked for by ``key``.

    Raises:
        NotFound: there is none; the message says which ``noun`` is missing.
    """
    if row is None:
        raise NotFound(f"there is no {noun} {key!r}; list them to see which exist")
    return row
