"""The two indexes of a snapshot, opened together and written together.

``Reader`` is one immutable snapshot; ``write_snapshot`` stages and publishes the next. Which documents and chunks
there are is the catalog's business; when to publish is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import Damaged
from corpus.snapshot import Snapshot, SnapshotStore
from retrieval.faiss_index import DenseIndex
from retrieval.fingerprint import Fingerprint
from retrieval.lexical import Entry, LexicalIndex

if TYPE_CHECKING:
    from retrieval.protocols import Array

__all__ = ["Entry", "Reader", "write_snapshot"]


class Reader:
    """The indexes of one published snapshot, verified against its manifest on opening.

    Raises:
        Damaged: a file does not match the manifest.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        snapshot.verify()
        try:
            self.fingerprint = Fingerprint.from_json(snapshot.body["fingerprint"])
        except KeyError as exc:
            raise Damaged(
                f"the manifest of snapshot {snapshot.number} names no embedding space; run `alcove doctor`"
            ) from exc
        self.number = snapshot.number
        self.dense = DenseIndex(snapshot.folder / "dense", self.fingerprint.dimension)
        self.lexical = LexicalIndex(snapshot.folder / "lexical")


def write_snapshot(
    store: SnapshotStore,
    previous: Reader | None,
    fingerprint: Fingerprint,
    entries: Sequence[Entry],
    vectors: Array,
    removed: Sequence[tuple[str, Sequence[int]]],
    number: int,
) -> Snapshot:
    """Publish snapshot ``number``: ``previous`` less the removed documents, plus ``entries`` with their vectors.

    Args:
        vectors: one row per entry, shape (len(entries), dimension).
        removed: ids of documents with the keys of their chunks.
        number: above every number used before.

    Returns:
        the snapshot, durable but not yet live.

    Raises:
        FingerprintMismatch: ``previous`` was embedded in another space. DiskFull, OperatorError: it cannot be written.
    """
    if previous is not None:
        previous.fingerprint.require(fingerprint)
        dense, lexical = previous.dense, previous.lexical
    staging = store.stage()
    if previous is None:
        dense, lexical = DenseIndex(staging / "dense", fingerprint.dimension), LexicalIndex(None)
    keys = np.array([entry.key for entry in entries], dtype=np.int64)
    dead = np.array([key for _, chunk_keys in removed for key in chunk_keys], dtype=np.int64)
    dense.write_next(staging / "dense", number, keys, vectors, dead)
    lexical.write_next(staging / "lexical", entries, [document for document, _ in removed])
    body = {"fingerprint": fingerprint.to_json(), "chunks": len(dense) - len(dead) + len(keys)}
    return store.publish(staging, number, body)
