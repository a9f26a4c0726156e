"""What was computed once, kept by content: a file per entry, named for everything that its value depends on.

An entry is gzipped JSON under its own SHA-256, replaced as a whole, so that an interrupted run finds what it had
finished. One that does not match its checksum is told of, computed again and never used. Writing the same value gives
the same bytes. Knows nothing of what the values mean.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.home import disk_errors, write_durably

__all__ = ["Cache", "key_of"]

_LOG = logging.getLogger(__name__)
LEVEL = 6  # of compression
DIGEST_BYTES = 64


class Cache:
    """The entries below one folder, which is made when there is something to keep.

    Raises (any method):
        DiskFull, OperatorError: the folder cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, kind: str, key: str) -> Mapping[str, Any] | None:
        """The value kept under ``key``; ``None`` if there is none, or none that can be trusted."""
        path = self._path(kind, key)
        with disk_errors(path):
            if not path.exists():
                return None
            raw = path.read_bytes()
        found = _opened(raw, key)
        if found is None:
            _LOG.warning("%r is damaged; what it held is computed again", str(path))
        return found

    def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        """Keep a value of plain JSON, in the place of what was there."""
        body = json.dumps({"key": key, "value": value}, separators=(",", ":")).encode()
        sealed = hashlib.sha256(body).hexdigest().encode() + body
        path = self._path(kind, key)
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(path, gzip.compress(sealed, LEVEL, mtime=0))

    def _path(self, kind: str, key: str) -> Path:
        return self._folder / f"{kind}-{key}.json.gz"


def _opened(raw: bytes, key: str) -> Mapping[str, Any] | None:
    try:
        sealed = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        return None  # told of by the caller
    digest, body = sealed[:DIGEST_BYTES], sealed[DIGEST_BYTES:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    held = json.loads(body)
    return held["value"] if held["key"] == key else None


def key_of(*parts: Any) -> str:
    """Thirty-two hexadecimal digits that name plain JSON values; paths are taken as texts."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
