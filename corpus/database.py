"""A SQLite file with a schema: one connection per thread, durable transactions, errors mapped to ours.

Knows nothing of what the tables mean. Write-ahead logging lets any number of readers go on while one writer commits;
``synchronous=FULL`` makes a commit survive a power cut.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from corpus.errors import Conflict, Damaged, DiskFull, OperatorError

__all__ = ["Database", "sqlite_errors"]

PRAGMAS = (
    "PRAGMA page_size={}; PRAGMA journal_mode=WAL; PRAGMA busy_timeout=30000; PRAGMA synchronous="
)


class Database:
    """One SQLite file.

    Args:
        schema: statements that make the tables of ``version``, each ending in ";" and a line break.
        upgrades: statements that bring a file of version n to n + 1, by n.
        synchronous: ``FULL``, or ``NORMAL`` where a power cut may undo the last commits.
        page_bytes: of a page, in a file that is made now.
        functions: of one row's values, which ``schema`` and ``upgrades`` call by these names.

    Raises (any method):
        DiskFull, OperatorError, Damaged: the file cannot be written, opened or trusted.
    """

    def __init__(
        self,
        path: Path,
        schema: str,
        version: int,
        upgrades: Mapping[int, str] | None = None,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        page_bytes: int = 4096,
        functions: Sequence[Callable[..., str]] = (),
    ) -> None:
        self.path = path
        self._pragmas = PRAGMAS.format(page_bytes) + synchronous
        self._functions = functions
        self._local = threading.local()
        self._all: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._opening = threading.Lock()
        with sqlite_errors(path):
            self._migrate(schema, version, upgrades or {})

    def close(self) -> None:
        """Close the connections of every thread."""
        while self._all:
            self._all.pop()[1].close()

    def check(self) -> None:
        """Look at every page.

        Raises:
            Damaged: the file is not a whole database.
        """
        found = self.rows("PRAGMA quick_check(1)")[0][0]
        if found != "ok":
            raise Damaged(f"{str(self.path)!r} is damaged ({found}); run `alcove doctor`")

    def vacuum(self) -> None:
        """Write the file anew, so that nothing deleted is left in it.

        Raises:
            Conflict: another process is reading it and did not end within half a minute.
        """
        with sqlite_errors(self.path):
            self._connection.execute("VACUUM")
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise Conflict(f"{str(self.path)!r} is in use; stop the service and try again")

    def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """All rows of a query."""
        with sqlite_errors(self.path):
            return self._connection.execute(sql, values or {}).fetchall()

    def row(self, sql: str, values: Mapping[str, Any] | None = None) -> sqlite3.Row | None:
        """The first row of a query, if there is one."""
        found = self.rows(sql, values)
        return found[0] if found else None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All statements in the block, or none of them."""
        with sqlite_errors(self.path):
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk has ended it already
                    connection.execute("ROLLBACK")
                raise

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.path, timeout=30, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.executescript(self._pragmas)
            for function in self._functions:
                connection.create_function(function.__name__, -1, function, deterministic=True)
            self._local.connection = connection
            self._remember(connection)
        return connection

    def _remember(self, connection: sqlite3.Connection) -> None:
        """Keep a connection to close; those of threads that have ended go now, or they would pile up."""
        with self._opening:
            ended = [pair for pair in self._all if not pair[0].is_alive()]
            for pair in ended:
                self._all.remove(pair)
                pair[1].close()
            self._all.append((threading.current_thread(), connection))

    def _migrate(self, schema: str, version: int, upgrades: Mapping[int, str]) -> None:
        with self.transaction() as db:  # two first starts at once: the second finds the tables made
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found > version:
                raise OperatorError(
                    f"{str(self.path)!r} was written by a newer Alcove (schema {found},"
                    f" this one knows {version}); upgrade, or choose another --home"
                )
            if found < version:
                steps = [upgrades[n] for n in range(found, version)] if found else [schema]
                for statement in ";\n".join(steps).split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version}")


@contextmanager
def sqlite_errors(path: object) -> Iterator[None]:
    """Map SQLite's failures to ours; a broken constraint is the caller's own and passes."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:  # extended codes carry the plain one
            raise DiskFull(f"no space left for {str(path)!r}; free some and try again") from exc
        if exc.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # our statements are right: a table is not
            raise Damaged(f"{str(path)!r} is damaged ({exc}); run `alcove doctor`") from exc
        raise OperatorError(
            f"{str(path)!r} cannot be used: {exc}; check its permissions and free space"
        ) from exc
    except sqlite3.DatabaseError as exc:
        raise Damaged(f"{str(path)!r} is damaged ({exc}); run `alcove doctor`") from exc
