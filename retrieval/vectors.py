"""The vector store: embeddings by (embedding space, text), so that no text is ever embedded twice.

One SQLite file per space under ``vectors/``; every vector carries a checksum. Losing it costs time, never data: a
vector that is damaged is computed again, and a damaged file is set aside and begun anew. The file is opened at first
use, under the writer lock. Knows nothing of documents.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from corpus.crash import CrashPoint, crash_point
from corpus.database import Database
from corpus.errors import Damaged
from corpus.home import Home

if TYPE_CHECKING:
    from retrieval.protocols import Array, Encoder

__all__ = ["VectorStore", "check_vectors", "drop_vectors", "mend_vectors"]

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
# Files of the first release have no version and no checksums; their vectors are taken as they are.
SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
ALTER TABLE vectors ADD COLUMN checksum INTEGER;
"""
VERSION = 1
# SQLite keeps a row in its leaf only if a page holds four; from SQLite's own 4 KiB, every vector would overflow into a
# page of its own. This holds up to 2,000 dimensions.
PAGE_BYTES = 32_768
ROWS_AT_ONCE = 500  # values in one statement, well below what SQLite allows


class VectorStore:
    """Embeds passages through ``encoder``, keeping every vector.

    Raises (any method):
        DiskFull, OperatorError: the file cannot be written or opened.
    """

    def __init__(self, home: Home, encoder: Encoder) -> None:
        self.computed = 0  # texts embedded so far, as they were not in the store
        self._home = home
        self._encoder = encoder
        self._path = home.vectors / f"{encoder.fingerprint.key}.sqlite"
        self._db: Database | None = None

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def embed(
        self, texts: Sequence[str], batch: int = 256, advance: Callable[[int], None] | None = None
    ) -> Array:
        """Vectors of ``texts``, computing only those not stored yet.

        Args:
            batch: texts encoded between two writes (count).
            advance: called with the number of texts done since the last call.

        Returns:
            shape (len(texts), dimension), rows of length 1.
        """
        hashes = [_hash(text) for text in texts]
        known = self._stored(hashes)
        missing = {h: text for h, text in zip(hashes, texts, strict=True) if h not in known}
        if advance:
            advance(len(texts) - len(missing))
        todo = sorted(missing.items(), key=lambda item: -len(item[1]))
        for start in range(0, len(todo), batch):
            part = todo[start : start + batch]
            vectors = self._encoder.encode_passages([text for _, text in part])
            self._store([h for h, _ in part], vectors)
            known.update(zip((h for h, _ in part), vectors, strict=True))
            if advance:
                advance(len(part))
        dimension = self._encoder.fingerprint.dimension
        return np.array([known[h] for h in hashes], dtype=np.float32).reshape(len(texts), dimension)

    def prune(self, texts: Iterable[str]) -> None:
        """Forget every vector but those of ``texts``, and every other space's; nothing of them stays in the files."""
        for path in self._home.vectors.iterdir():
            if not path.name.startswith(self._path.name):
                path.unlink()
        hashes = json.dumps([_hash(text).hex() for text in texts])
        self._guarded(lambda db: _keep_only(db, hashes))
        crash_point(CrashPoint.VECTORS_PRUNED)

    def _stored(self, hashes: Sequence[bytes]) -> dict[bytes, Array]:
        found: dict[bytes, Array] = {}
        for start in range(0, len(hashes), ROWS_AT_ONCE):
            rows = self._guarded(partial(_select, hashes=hashes[start : start + ROWS_AT_ONCE]))
            for row in rows:
                if _is_intact(row):
                    found[row["hash"]] = np.frombuffer(row["vector"], dtype=np.float32)
                else:
                    _LOG.warning("a vector in %r is damaged and computed again", str(self._path))
        return found

    def _store(self, hashes: Sequence[bytes], vectors: Array) -> None:
        blobs = [(h, v.tobytes()) for h, v in zip(hashes, vectors, strict=True)]
        rows = [(h, blob, _checksum(h, blob)) for h, blob in blobs]
        self._guarded(lambda db: _insert(db, rows))
        self.computed += len(rows)
        crash_point(CrashPoint.VECTORS_STORED)

    def _guarded(self, work: Callable[[Database], _T]) -> _T:
        """Do ``work`` on the file; on another, empty one if that turns out to be damaged."""
        try:
            return work(self._open())
        except Damaged as exc:
            self.close()
            aside = _set_aside(self._home, self._path)
            _LOG.warning("%s; it was moved to %r, its vectors are computed again", exc, str(aside))
            return work(self._open())

    def _open(self) -> Database:
        if self._db is None:
            # Losing the last moments in a power cut costs no more than embedding them again.
            self._db = Database(
                self._path, SCHEMA, VERSION, synchronous="NORMAL", page_bytes=PAGE_BYTES
            )
        return self._db


def drop_vectors(home: Home, needed: Collection[str]) -> list[str]:
    """Delete the files of all spaces but the ``needed`` ones, given by key; returns the keys of those deleted."""
    gone = [path for path in sorted(home.vectors.glob("*.sqlite")) if path.stem not in needed]
    for path in gone:
        for suffix in ("-wal", "-shm", ""):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    return [path.stem for path in gone]


def check_vectors(path: Path) -> None:
    """Look at every page of a file of vectors, and at every vector's checksum.

    Raises:
        Damaged: the file is not a whole database, or a vector is not what was stored.
    """
    db = Database(path, SCHEMA, VERSION, synchronous="NORMAL")
    try:
        db.check()
        damaged = _damaged(db)
    finally:
        db.close()
    if damaged:
        raise Damaged(
            f"{len(damaged)} vectors in {str(path)!r} are damaged; run `alcove doctor --repair`"
        )


def mend_vectors(home: Home, path: Path) -> str:
    """Forget damaged vectors, or set the whole file aside if it is no database; says what was done, or nothing."""
    db = None
    try:
        db = Database(path, SCHEMA, VERSION, synchronous="NORMAL")
        db.check()
        damaged = _damaged(db)
        with db.transaction() as transaction:
            transaction.executemany("DELETE FROM vectors WHERE hash = ?", [(h,) for h in damaged])
        if _damaged(db):  # a damaged hash stands where no look-up finds it
            raise Damaged(f"{str(path)!r} is out of order")
        db.close()
    except Damaged as exc:
        if db is not None:
            db.close()
        return f"{exc}; it was moved to {str(_set_aside(home, path))!r}"
    return f"{len(damaged)} damaged vectors were deleted from {str(path)!r}" if damaged else ""


def _set_aside(home: Home, path: Path) -> Path:
    """Move a damaged file of vectors into quarantine; returns where it is now."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return home.set_aside(path)


def _damaged(db: Database) -> list[bytes]:
    return [row["hash"] for row in db.rows("SELECT * FROM vectors") if not _is_intact(row)]


def _select(db: Database, hashes: Sequence[bytes]) -> list[sqlite3.Row]:
    values = {f"h{n}": h for n, h in enumerate(hashes)}
    names = ", ".join(f":{name}" for name in values)
    return db.rows(f"SELECT * FROM vectors WHERE hash IN ({names})", values)


def _insert(db: Database, rows: Sequence[tuple[bytes, bytes, int]]) -> None:
    with db.transaction() as transaction:
        transaction.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)


def _keep_only(db: Database, hashes: str) -> None:
    with db.transaction() as transaction:
        transaction.execute(
            "DELETE FROM vectors WHERE lower(hex(hash)) NOT IN (SELECT value FROM json_each(?))",
            (hashes,),
        )
    db.vacuum()


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _checksum(key: bytes, vector: bytes) -> int:
    return zlib.crc32(key + vector)


def _is_intact(row: sqlite3.Row) -> bool:
    known = row["checksum"]
    return known is None or known == _checksum(row["hash"], row["vector"])
