"""The two indexes of a snapshot, opened together and written together.

``Reader`` is one immutable snapshot; ``write_snapshot`` stages and publishes the next. Which documents and chunks
there are is the catalog's business; when to publish is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpus.crash import CrashPoint, crash_point
from corpus.errors import Damaged, OperatorError
from corpus.snapshot import Snapshot, SnapshotStore, Stamp
from retrieval.faiss_index import DenseIndex
from retrieval.fingerprint import Fingerprint
from retrieval.lexical import Entry, LexicalIndex
from retrieval.settings import DenseSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["Delta", "Entry", "Reader", "write_snapshot"]


EXACT_CHUNKS = (
    5_000  # an index of at most so many is written anew (0.3 s) whenever chunks are removed
)
MAX_STALE_FRACTION = 0.1  # of a larger one, removed chunks that BM25 may still count


class Reader:
    """The indexes of one published snapshot, verified against its manifest on opening.

    Args:
        previous: a reader of another snapshot of the same home; the files that both hold are not read again.
        is_new: this process has just written it, and knows what the files hold.

    Raises:
        Damaged: a file does not match the manifest.
        OperatorError: the files are whole, but another version of Alcove has written them.
    """

    def __init__(
        self, snapshot: Snapshot, previous: Reader | None = None, *, is_new: bool = False
    ) -> None:
        before: frozenset[Stamp] = previous.verified if previous else frozenset()
        self.verified: frozenset[Stamp] = snapshot.stamps() if is_new else snapshot.verify(before)
        try:
            self.fingerprint = Fingerprint.from_json(snapshot.body["fingerprint"])
        except KeyError as exc:
            raise Damaged(
                f"the manifest of snapshot {snapshot.number} names no embedding space; run `alcove doctor --repair`"
            ) from exc
        self.number, self.snapshot = snapshot.number, snapshot
        self.dense: DenseIndex = DenseIndex(
            snapshot.folder / "dense",
            self.fingerprint.dimension,
            previous.dense if previous else None,
        )
        self.lexical = LexicalIndex(snapshot.folder / "lexical")
        self._require_all_chunks()

    def _require_all_chunks(self) -> None:
        """Files that this version does not know are no reason to search among the rest."""
        chunks = self.snapshot.body.get("chunks")
        for name, index in (("dense", self.dense), ("lexical", self.lexical)):
            if chunks is not None and len(index) != chunks:
                raise OperatorError(
                    f"this version reads {len(index)} of the {chunks} chunks in the {name} index of snapshot"
                    f" {self.number}, which another Alcove has written; use that one, or choose another --home"
                )


@dataclass(frozen=True, slots=True)
class Delta:
    """What changes from one snapshot to the next.

    Args:
        keys: of the new chunks, shape (n,).
        vectors: of the new chunks, shape (n, dimension).
        entries: the new chunks, in any order; not asked for when ``whole`` is.
        removed: ids of documents with the keys of their chunks.
        whole: gives every entry of the next snapshot, for when an index is better written anew.
    """

    keys: Keys
    vectors: Array
    entries: Iterable[Entry]
    removed: Sequence[tuple[str, Sequence[int]]]
    whole: Callable[[], Iterable[Entry]]

    @property
    def dead(self) -> Keys:
        """Keys of the removed chunks."""
        return np.array([key for _, keys in self.removed for key in keys], dtype=np.int64)


def write_snapshot(
    store: SnapshotStore,
    previous: Reader | None,
    fingerprint: Fingerprint,
    delta: Delta,
    number: int,
    settings: DenseSettings | None = None,
    back: int | None = None,
) -> Reader:
    """Publish snapshot ``number``: ``previous`` (``None``: empty) changed by ``delta``.

    Args:
        number: above every number used before.
        settings: of the dense index; default: those of ``DenseSettings``.
        back: the snapshot from before everything was embedded or cut anew; ``None``: that of ``previous``.

    Returns:
        a reader of the snapshot, which is durable but not yet live.

    Raises:
        FingerprintMismatch: ``previous`` was embedded in another space. DiskFull, OperatorError: it cannot be written.
    """
    if previous is not None:
        previous.fingerprint.require(fingerprint)
    staging = store.stage()
    dense = previous.dense if previous else DenseIndex(None, fingerprint.dimension)
    keys, dead = delta.keys, delta.dead
    dense.write_next(staging / "dense", number, keys, delta.vectors, dead, settings)
    crash_point(CrashPoint.DENSE_WRITTEN)
    chunks = len(dense) - len(dead) + len(keys)
    stale = _write_lexical(staging / "lexical", previous, delta, chunks)
    crash_point(CrashPoint.LEXICAL_WRITTEN)
    before = previous.snapshot if previous else None
    body = {"fingerprint": fingerprint.to_json(), "chunks": chunks, "stale": stale}
    if back is None and before is not None:
        back = before.body.get("back")
    if back is not None:
        body["back"] = back
    snapshot = store.publish(staging, number, body, before)
    return Reader(snapshot, previous, is_new=True)


def _write_lexical(folder: Path, previous: Reader | None, delta: Delta, chunks: int) -> int:
    """Write the lexical index; returns how many removed chunks its statistics still count.

    BM25 counts documents and words, and tantivy forgets those of removed chunks only when it merges their segment. So
    that search agrees with an index built from scratch, a small index is written anew, a large one from time to time.
    """
    stale = len(delta.dead) + (previous.snapshot.body.get("stale", 0) if previous else 0)
    if previous and (not stale or EXACT_CHUNKS < chunks > stale / MAX_STALE_FRACTION):
        removed = [document for document, _ in delta.removed]
        previous.lexical.write_next(folder, delta.entries, removed)
        return stale
    LexicalIndex(None).write_next(folder, delta.whole(), [])
    return 0
