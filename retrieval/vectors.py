"""The vector store: embeddings by (embedding space, text), so that no text is ever embedded twice.

One SQLite file per space under ``vectors/``. Losing it costs time, never data. Knows nothing of documents.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from corpus.database import sqlite_errors
from corpus.home import Home

if TYPE_CHECKING:
    from retrieval.protocols import Array, Encoder

__all__ = ["VectorStore"]


class VectorStore:
    """Embeds passages through ``encoder``, keeping every vector.

    Raises (any method):
        DiskFull, OperatorError, Damaged: the file cannot be written, opened or trusted.
    """

    def __init__(self, home: Home, encoder: Encoder) -> None:
        self._encoder = encoder
        self._path = home.vectors / f"{encoder.fingerprint.key}.sqlite"
        with sqlite_errors(self._path):
            self._db = sqlite3.connect(
                self._path, timeout=30, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS vectors (hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
            )

    def close(self) -> None:
        self._db.close()

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
        hashes = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
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

    def _stored(self, hashes: Sequence[bytes]) -> dict[bytes, Array]:
        found: dict[bytes, Array] = {}
        keys = json.dumps([h.hex() for h in hashes])
        sql = (
            "SELECT hash, vector FROM vectors WHERE hash IN (SELECT unhex(value) FROM json_each(?))"
        )
        if sqlite3.sqlite_version_info < (3, 41):  # no unhex() before 3.41
            self._db.create_function("unhex", 1, bytes.fromhex, deterministic=True)
        with sqlite_errors(self._path):
            for key, raw in self._db.execute(sql, (keys,)):
                found[key] = np.frombuffer(raw, dtype=np.float32)
        return found

    def _store(self, hashes: Sequence[bytes], vectors: Array) -> None:
        rows = [(h, v.tobytes()) for h, v in zip(hashes, vectors, strict=True)]
        with sqlite_errors(self._path):
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            self._db.execute("COMMIT")
