"""The dense index: exact inner-product search over immutable FAISS segments.

A snapshot holds a list of segment files and the keys deleted from them (tombstones), so a small edit writes a small
file. Segments are merged by size, as in a log-structured merge tree (O'Neil et al. 1996,
https://doi.org/10.1007/s002360050048): a vector is rewritten O(log n) times in its life. Vectors are unit length, so
inner product is cosine. Files are read only after their checksums matched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged, InternalError, OperatorError
from corpus.home import disk_errors
from retrieval.protocols import Scope

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["DenseIndex"]

MAX_DEAD_FRACTION = 0.2  # tombstones per vector of a segment above which its rewrite pays
TOMBSTONES = "tombstones.npy"


class _Segment:
    """One FAISS file: its vectors (a view, no copy), their keys and sum, and where each key is."""

    def __init__(self, path: Path) -> None:
        import faiss

        try:
            index: Any = faiss.read_index(str(path))
            flat: Any = faiss.downcast_index(index.index)
        except (RuntimeError, AttributeError) as exc:
            raise Damaged(f"{str(path)!r} is not a dense segment; run `alcove doctor`") from exc
        self.name, self.index, self.inode = path.name, index, path.stat().st_ino
        self.keys: Keys = faiss.vector_to_array(index.id_map).astype(np.int64)
        self.vectors: Array = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(
            flat.ntotal, flat.d
        )
        self.total = self.vectors.sum(axis=0, dtype=np.float64)
        self._order = np.argsort(self.keys)

    def __len__(self) -> int:
        return len(self.keys)

    def rows(self, keys: Keys) -> Any:
        """Row of each key, -1 where the key is not in this segment."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        place = np.searchsorted(self.keys, keys, sorter=self._order).clip(max=len(self.keys) - 1)
        rows = self._order[place]
        return np.where(self.keys[rows] == keys, rows, -1)

    def held(self, keys: Keys) -> Any:
        """Rows of those of ``keys`` that are in this segment."""
        rows = self.rows(keys)
        return rows[rows >= 0]

    def without(self, dead: Keys) -> tuple[Keys, Array]:
        """The keys and vectors but for those of ``dead``."""
        rows = self.held(dead)
        return np.delete(self.keys, rows), np.delete(self.vectors, rows, axis=0)


class DenseIndex:
    """Reads the segments of one snapshot; immutable and safe to share between threads.

    Args:
        folder: the snapshot's ``dense`` folder, already verified.
        dimension: of the vectors.
        previous: the index this one was written from, whose segments need not be read again.
    """

    def __init__(self, folder: Path, dimension: int, previous: DenseIndex | None = None) -> None:
        self.dimension = dimension
        self._folder = folder
        loaded = {(s.name, s.inode): s for s in previous._segments} if previous else {}
        self._segments: list[_Segment] = [
            loaded.get((path.name, path.stat().st_ino)) or _Segment(path)
            for path in sorted(folder.glob("*.faiss"))
        ]
        for segment in self._segments:
            if segment.vectors.shape[1] != dimension:
                raise Damaged(
                    f"{str(folder / segment.name)!r} holds vectors of dimension {segment.vectors.shape[1]}, the"
                    f" manifest says dimension {dimension}; run `alcove doctor --repair`"
                )
        path = folder / TOMBSTONES
        self._dead: Keys = (
            np.load(path, allow_pickle=False) if path.exists() else np.empty(0, np.int64)
        )
        self._size, self.mean = self._live_size_and_mean()

    def __len__(self) -> int:
        return self._size

    def search(self, query: Array, k: int, scope: Scope | None = None) -> tuple[Keys, Array]:
        """As ``Index.search``; ``query`` is one unit vector of shape (dimension,).

        Raises:
            OperatorError: the query has another dimension or is not made of numbers.
        """
        if query.shape != (self.dimension,) or not np.isfinite(query).all():
            raise OperatorError(
                f"a query vector of shape {query.shape} does not fit an index of {self.dimension} dimensions"
            )
        found = [self._search_segment(segment, query, k, scope) for segment in self._segments]
        keys = np.concatenate([keys for keys, _ in found] or [np.empty(0, np.int64)])
        scores = np.concatenate([scores for _, scores in found] or [np.empty(0, np.float32)])
        best = np.lexsort((keys, -scores))[
            :k
        ]  # equal scores: by key, so that the order is always the same
        return keys[best], scores[best]

    def similarity(self, query: Array, keys: Keys) -> Array:
        """Cosine of ``query`` with each key, shape (len(keys),); NaN for a key that is not in the index."""
        out = np.full(len(keys), np.nan, dtype=np.float32)
        for segment in self._segments:
            rows = segment.rows(keys)
            here = rows >= 0
            out[here] = segment.vectors[rows[here]] @ query
        return out

    def mean_of(self, keys: Keys) -> Array:
        """Mean of the vectors of some keys that are in the index, shape (dimension,); zero for none."""
        total = np.zeros(self.dimension, dtype=np.float64)
        for segment in self._segments:
            rows = segment.rows(keys)
            total += segment.vectors[rows[rows >= 0]].sum(axis=0, dtype=np.float64)
        return (total / max(len(keys), 1)).astype(np.float32)

    def _search_segment(
        self, segment: _Segment, query: Array, k: int, scope: Scope | None
    ) -> tuple[Keys, Array]:
        import faiss

        selector: Any = None
        if scope is not None:
            selector = faiss.IDSelectorBatch(scope.keys)
        elif len(self._dead):
            dead = faiss.IDSelectorBatch(self._dead)
            selector = faiss.IDSelectorNot(dead)
        parameters: Any = None
        if selector is not None:
            parameters = faiss.SearchParameters()
            parameters.sel = selector
        scores, keys = segment.index.search(
            query[None, :], min(k, len(segment.keys)), params=parameters
        )
        found = keys[0] >= 0
        return keys[0][found], scores[0][found]

    def _live_size_and_mean(self) -> tuple[int, Array]:
        size, total = 0, np.zeros(self.dimension, dtype=np.float64)
        for segment in self._segments:
            dead = segment.held(self._dead)
            size += len(segment) - len(dead)
            total += segment.total - segment.vectors[dead].sum(axis=0, dtype=np.float64)
        return size, (total / max(size, 1)).astype(np.float32)

    def write_next(
        self, folder: Path, number: int, keys: Keys, vectors: Array, removed: Keys
    ) -> None:
        """Write the segments of snapshot ``number`` into ``folder``: this index, less ``removed``, plus ``keys``.

        Args:
            keys: of shape (n,), not in the index unless also in ``removed``.
            vectors: of shape (n, dimension), rows of length 1.

        Raises:
            InternalError: a key occurs twice, or a vector has another dimension or is not made of numbers.
        """
        if vectors.shape != (len(keys), self.dimension) or not np.isfinite(vectors).all():
            raise InternalError(
                f"vectors of shape {vectors.shape} cannot join an index of {self.dimension} dimensions"
            )
        dead = np.union1d(self._dead, removed)
        again = [s for s in self._segments if len(s.held(keys))]
        alive = sum(len(s.held(np.setdiff1d(keys, dead))) for s in again)
        if alive or len(np.unique(keys)) != len(keys):
            raise InternalError("a chunk key would be in the dense index twice")
        # A key that comes back while its old vector is still stored would be dead and alive at once: merge.
        merged = _to_merge(self._segments, dead, len(keys), again)
        kept = [s for s in self._segments if s not in merged]
        size = len(keys) + sum(len(s) - len(s.held(dead)) for s in merged)
        parts = chain([(keys, vectors)], (s.without(dead) for s in merged))  # one copy at a time
        tombs = np.array([k for s in kept for k in s.keys[s.held(dead)]], dtype=np.int64)
        with disk_errors(folder):
            folder.mkdir()
            for segment in kept:
                os.link(self._folder / segment.name, folder / segment.name)
            if size:
                _write_segment(folder / f"{number:06d}.faiss", parts, self.dimension)
            if len(tombs):
                np.save(folder / TOMBSTONES, np.sort(tombs), allow_pickle=False)


def _to_merge(
    segments: Sequence[_Segment], dead: Keys, size: int, needed: Sequence[_Segment]
) -> list[_Segment]:
    """The segments to write anew together with ``size`` new vectors.

    Besides those ``needed``: those with too many dead vectors, and, smallest first, those that are not larger than
    all that is written already, so that each rewriting at least doubles the segment a vector is in.
    """
    live = {s.name: len(s) - len(s.held(dead)) for s in segments}
    merged = [s for s in segments if s in needed or live[s.name] < (1 - MAX_DEAD_FRACTION) * len(s)]
    size += sum(live[s.name] for s in merged)
    for segment in sorted(segments, key=len):
        if segment not in merged and len(segment) <= size:
            merged.append(segment)
            size += live[segment.name]
    return merged


def _write_segment(path: Path, parts: Iterable[tuple[Keys, Array]], dimension: int) -> None:
    import faiss

    flat = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIDMap2(flat)
    for keys, vectors in parts:
        index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(keys))
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as exc:  # FAISS does not pass errno on
        raise OSError(28 if "No space" in str(exc) else 5, str(exc), str(path)) from exc
