"""The dense index: inner-product search over the immutable segments of one snapshot.

A snapshot holds a list of segments and the rows deleted from them, so a small edit writes a small segment. Segments are
merged by size, as in a log-structured merge tree (O'Neil et al. 1996, https://doi.org/10.1007/s002360050048): a vector
is rewritten O(log n) times in its life. Vectors are unit length, so inner product is cosine. Whoever opens an index has
compared the checksums of its files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged, InternalError, OperatorError
from corpus.home import disk_errors
from retrieval import ann
from retrieval.merging import to_merge
from retrieval.protocols import Scope
from retrieval.segments import Part, Rows, Segment, write_segment
from retrieval.settings import DenseSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["DenseIndex"]

FORMAT = 2  # of the folder; an older one is made anew from the catalog and the stored vectors
CONTENTS = (
    "segments.json"  # the format, and the segments' names with whether any of their rows are dead
)
BACKGROUND = 256  # vectors that stand for the whole index
SCOPES = 64  # scopes whose rows are remembered (count)


class DenseIndex:
    """Reads the segments of one snapshot; immutable and safe to share between threads.

    Args:
        folder: the snapshot's ``dense`` folder, already verified; ``None``: an empty index.
        dimension: of the vectors.
        previous: an index of the same home, whose segments need not be opened again.

    Raises:
        Damaged: the files are not those of an index. OperatorError: they are of a newer version.
    """

    def __init__(
        self, folder: Path | None, dimension: int, previous: DenseIndex | None = None
    ) -> None:
        self.dimension = dimension
        self.folder = folder
        self._segments: list[Segment] = []
        self._dead: list[Any] = []  # by segment: its dead rows, ascending
        if folder is not None:
            self._open(folder, previous)
        self._live = [
            Rows(_mask(len(s), dead, False), is_scope=False) if len(dead) else None
            for s, dead in zip(self._segments, self._dead, strict=True)
        ]
        self._scopes: dict[int, tuple[Scope, list[Rows | None]]] = {}
        self._size = sum(map(len, self._segments)) - sum(map(len, self._dead))

    def _open(self, folder: Path, previous: DenseIndex | None) -> None:
        at_hand = dict(previous._by_inode()) if previous else {}
        for name, has_dead in _contents(folder).items():
            # A mapped file keeps its inode: the same one is the same file, whatever its name.
            inode = (folder / f"{name}.vectors.npy").stat().st_ino
            self._segments.append(at_hand.get(inode) or Segment(folder, name))
            own = self._segments[-1].vectors.shape[1]
            if own != self.dimension:
                raise Damaged(
                    f"{str(folder / name)!r} holds vectors of dimension {own}, the manifest says dimension"
                    f" {self.dimension}; run `alcove doctor --repair`"
                )
            dead = folder / f"{name}.dead.npy"
            self._dead.append(np.load(dead, allow_pickle=False) if has_dead else np.empty(0, int))

    def _by_inode(self) -> list[tuple[int, Segment]]:
        return [(segment.inode, segment) for segment in self._segments]

    def __len__(self) -> int:
        return self._size

    @property
    def kind(self) -> str:
        """How the largest segment is searched, in a few words."""
        return max(self._segments, key=len).kind if self._segments else "exact"

    def search(self, query: Array, k: int, scope: Scope | None = None) -> tuple[Keys, Array]:
        """As ``Index.search``; ``query`` is one unit vector of shape (dimension,).

        Raises:
            OperatorError: the query has another dimension or is not made of numbers.
        """
        if query.shape != (self.dimension,) or not np.isfinite(query).all():
            raise OperatorError(
                f"a query vector of shape {query.shape} does not fit an index of {self.dimension} dimensions"
            )
        query = np.ascontiguousarray(query, dtype=np.float32)  # FAISS is handed its address
        among = self._live if scope is None else self._within(scope)
        found = [s.search(query, k, rows) for s, rows in zip(self._segments, among, strict=True)]
        keys = np.concatenate([keys for keys, _ in found] or [np.empty(0, np.int64)])
        cosines = np.concatenate([cosines for _, cosines in found] or [np.empty(0, np.float32)])
        best = np.lexsort((keys, -cosines))[:k]  # equal ones by key: the order is always the same
        return keys[best], cosines[best]

    def search_all(self, queries: Array, k: int) -> Keys:
        """The true best ``k`` of each query, found by comparing all vectors: shape (len(queries), at most k)."""
        return ann.nearest(self._live_blocks(), queries, k)

    def _live_blocks(self) -> Iterator[tuple[Keys, Array]]:
        for segment, dead in zip(self._segments, self._dead, strict=True):
            for rows, block in ann.blocks_of(segment.vectors):
                live = ~np.isin(rows, dead)
                if live.any():
                    yield segment.keys[rows[live]], block[live]

    def similarity(self, query: Array, keys: Keys) -> Array:
        """Cosine of ``query`` with each key, shape (len(keys),); NaN for a key that is not in the index."""
        out = np.full(len(keys), np.nan, dtype=np.float32)
        for (
            segment
        ) in self._segments:  # oldest first: a key that came back lives in the newest that has it
            rows = segment.rows(keys)
            here = rows >= 0
            out[here] = segment.cosines(rows[here], query)
        return out

    def vectors_of(self, keys: Keys) -> Array:
        """The vectors of some keys, shape (len(keys), dimension); NaN for a key that is not in the index."""
        out = np.full((len(keys), self.dimension), np.nan, dtype=np.float32)
        for segment in self._segments:  # oldest first, as in ``similarity``
            rows = segment.rows(keys)
            here = rows >= 0
            out[here] = segment.vectors.take(rows[here], axis=0)
        return out

    @cached_property
    def background(self) -> Array:
        """Vectors that stand for the whole index, shape (at most 256, dimension).

        They are those of the smallest keys: keys are hashes, so these are a random sample, which is always the same
        for the same chunks, however they came into the index.
        """
        smallest = [np.empty(0, np.int64)]
        for segment, dead in zip(self._segments, self._dead, strict=True):
            first = np.arange(min(len(segment), BACKGROUND + len(dead)))
            smallest.append(segment.keys[np.setdiff1d(first, dead)[:BACKGROUND]])
        return self.vectors_of(np.sort(np.concatenate(smallest))[:BACKGROUND])

    def _live_rows(self, keys: Keys) -> Iterator[tuple[Segment, Any]]:
        """Each segment with the rows of those of ``keys`` that live in it."""
        for segment, dead in zip(self._segments, self._dead, strict=True):
            rows = segment.held(keys)
            yield segment, rows[~np.isin(rows, dead, assume_unique=True)] if len(dead) else rows

    def _within(self, scope: Scope) -> list[Rows | None]:
        """The rows of a scope by segment, remembered: searches come in runs over the same scope."""
        known = self._scopes.get(id(scope))  # kept with the scope itself, so its id stays its own
        if known is None:
            masks = [_mask(len(s), rows, True) for s, rows in self._live_rows(scope.keys)]
            known = (scope, [Rows(mask, is_scope=True) for mask in masks])
            if len(self._scopes) < SCOPES:
                self._scopes[id(scope)] = known
        return known[1]

    def write_next(
        self,
        folder: Path,
        number: int,
        keys: Keys,
        vectors: Array,
        removed: Keys,
        settings: DenseSettings | None = None,
    ) -> None:
        """Write the segments of snapshot ``number`` into ``folder``: this index, less ``removed``, plus ``keys``.

        Args:
            keys: of shape (n,), not in the index unless also in ``removed``.
            vectors: of shape (n, dimension), rows of length 1.

        Raises:
            InternalError: a key occurs twice, or a vector has another dimension or is not made of numbers.
        """
        settings = settings or DenseSettings()
        self._check(keys, vectors, removed)
        dead = [
            np.union1d(rows, s.held(removed))
            for s, rows in zip(self._segments, self._dead, strict=True)
        ]
        live = [len(s) - len(rows) for s, rows in zip(self._segments, dead, strict=True)]
        sizes = [len(s) for s in self._segments]
        merged = to_merge(sizes, live, len(keys), len(removed), settings.exact_vectors)
        parts = [Part(keys, vectors, np.arange(len(keys)))] if len(keys) else []
        contents: dict[str, bool] = {}
        with disk_errors(folder):
            folder.mkdir()
            for n, segment in enumerate(self._segments):
                if n not in merged:
                    contents[segment.name] = self._keep(folder, n, dead[n])
                elif live[n]:
                    rows = np.flatnonzero(_mask(len(segment), dead[n], False))
                    parts.append(Part(segment.keys[rows], segment.vectors, rows))
            if parts:
                name = f"{number:06d}"
                write_segment(folder, name, parts, self.dimension, settings)
                contents[name] = False
            (folder / CONTENTS).write_text(json.dumps({"format": FORMAT, "segments": contents}))

    def _check(self, keys: Keys, vectors: Array, removed: Keys) -> None:
        if vectors.shape != (len(keys), self.dimension) or not np.isfinite(vectors).all():
            raise InternalError(
                f"vectors of shape {vectors.shape} cannot join an index of {self.dimension} dimensions"
            )
        staying = np.setdiff1d(keys, removed)
        alive = sum(
            len(np.setdiff1d(s.held(staying), dead))
            for s, dead in zip(self._segments, self._dead, strict=True)
        )
        if alive or len(np.unique(keys)) != len(keys):
            raise InternalError("a chunk key would be in the dense index twice")

    def _keep(self, folder: Path, n: int, dead: Any) -> bool:
        """Link segment ``n`` into ``folder`` and write its dead rows anew; returns whether there are any."""
        segment = self._segments[n]
        assert self.folder is not None
        for file in segment.files():
            os.link(self.folder / file, folder / file)
        if len(dead):
            np.save(folder / f"{segment.name}.dead.npy", dead, allow_pickle=False)
        return len(dead) > 0


def _contents(folder: Path) -> Mapping[str, bool]:
    """The segments of a folder, by name, with whether any of their rows are dead."""
    path = folder / CONTENTS
    try:
        raw = json.loads(path.read_bytes())
        format_, segments = raw["format"], dict(raw["segments"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise Damaged(
            f"{str(folder)!r} is not a dense index of this version; run `alcove doctor --repair`"
        ) from exc
    if format_ > FORMAT:
        raise OperatorError(
            f"{str(path)!r} was written by a newer Alcove (format {format_}, this one knows"
            f" {FORMAT}); upgrade, or choose another --home"
        )
    return segments


def _mask(size: int, rows: Any, value: bool) -> Any:
    """``value`` at ``rows``, its opposite elsewhere."""
    mask = np.full(size, not value)
    mask[rows] = value
    return mask
