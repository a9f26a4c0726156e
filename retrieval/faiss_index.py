"""The dense index: exact inner-product search over immutable FAISS segments.

A snapshot holds a list of segment files (a big base, small deltas) and the keys deleted from them (tombstones), so a
small edit writes a small file. ``write_next`` merges the segments when deltas or tombstones outgrow their worth.
Vectors are unit length, so inner product is cosine. Files are read only after their checksums matched.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged, InternalError, OperatorError
from corpus.home import disk_errors
from retrieval.protocols import Scope

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["DenseIndex"]

MAX_SEGMENTS = 8
MAX_DEAD_FRACTION = 0.2  # tombstones per stored vector above which a rewrite pays
TOMBSTONES = "tombstones.npy"


class _Segment:
    """One FAISS file: its vectors (a view, no copy), their keys, and where each key is."""

    def __init__(self, path: Path) -> None:
        import faiss

        try:
            index: Any = faiss.read_index(str(path))
            flat: Any = faiss.downcast_index(index.index)
        except (RuntimeError, AttributeError) as exc:
            raise Damaged(f"{str(path)!r} is not a dense segment; run `alcove doctor`") from exc
        self.path, self.index = path, index
        self.keys: Keys = faiss.vector_to_array(index.id_map).astype(np.int64)
        self.vectors: Array = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(
            flat.ntotal, flat.d
        )
        self._order = np.argsort(self.keys)

    def rows(self, keys: Keys) -> Any:
        """Row of each key, -1 where the key is not in this segment."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        place = np.searchsorted(self.keys, keys, sorter=self._order).clip(max=len(self.keys) - 1)
        rows = self._order[place]
        return np.where(self.keys[rows] == keys, rows, -1)


class DenseIndex:
    """Reads the segments of one snapshot; immutable and safe to share between threads.

    Args:
        folder: the snapshot's ``dense`` folder, already verified.
        dimension: of the vectors.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        self.dimension = dimension
        self._segments = [_Segment(path) for path in sorted(folder.glob("*.faiss"))]
        path = folder / TOMBSTONES
        self._dead: Keys = (
            np.load(path, allow_pickle=False) if path.exists() else np.empty(0, np.int64)
        )
        self._live = [~np.isin(s.keys, self._dead) for s in self._segments]
        self.mean = self._mean()

    def __len__(self) -> int:
        return int(sum(mask.sum() for mask in self._live))

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

    def _mean(self) -> Array:
        total = np.zeros(self.dimension, dtype=np.float64)
        for segment, live in zip(self._segments, self._live, strict=True):
            total += segment.vectors[live].sum(axis=0, dtype=np.float64)
        return (total / max(len(self), 1)).astype(np.float32)

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
        stored = np.concatenate([s.keys for s in self._segments] or [np.empty(0, np.int64)])
        again = np.intersect1d(keys, stored)
        if len(np.unique(keys)) != len(keys) or len(np.setdiff1d(again, dead)):
            raise InternalError("a chunk key would be in the dense index twice")
        crowded = len(self._segments) + bool(len(keys)) > MAX_SEGMENTS
        wasteful = len(dead) > MAX_DEAD_FRACTION * max(len(stored) + len(keys), 1)
        # A key that comes back while its old vector is still stored would be dead and alive at once: merge.
        with disk_errors(folder):
            folder.mkdir()
            if crowded or wasteful or len(again):
                keys, vectors = self._merged(dead, keys, vectors)
                dead = np.empty(0, np.int64)
            else:
                for segment in self._segments:
                    os.link(segment.path, folder / segment.path.name)
            if len(keys):
                _write_segment(folder / f"{number:06d}.faiss", keys, vectors)
            if len(dead):
                np.save(folder / TOMBSTONES, dead, allow_pickle=False)

    def _merged(self, dead: Keys, keys: Keys, vectors: Array) -> tuple[Keys, Array]:
        live = [~np.isin(s.keys, dead) for s in self._segments]
        all_keys = [s.keys[mask] for s, mask in zip(self._segments, live, strict=True)]
        all_vectors = [s.vectors[mask] for s, mask in zip(self._segments, live, strict=True)]
        return np.concatenate([*all_keys, keys]), np.concatenate([*all_vectors, vectors])


def _write_segment(path: Path, keys: Keys, vectors: Array) -> None:
    import faiss

    flat = faiss.IndexFlatIP(vectors.shape[1])
    index = faiss.IndexIDMap2(flat)
    index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(keys))
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as exc:  # FAISS does not pass errno on
        raise OSError(28 if "No space" in str(exc) else 5, str(exc), str(path)) from exc
