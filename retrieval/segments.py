"""Segments: immutable sets of vectors on disk, the pieces the dense index is made of.

A segment *s* is ``s.keys.npy`` (int64, ascending: row numbers follow from keys), ``s.vectors.npy`` (one unit vector per
row), ``s.json`` (what it is) and, when it is approximate, ``s.faiss``. Keys and vectors are mapped, not read: the
files are never written again, and whoever opens them has compared their checksums. Small segments hold float32 and are
searched exactly; approximate ones hold float16, which halves what a search touches, and find their candidates with
``retrieval.ann``. Knows nothing of snapshots or of what was deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged
from retrieval import ann
from retrieval.settings import DenseSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["Part", "Rows", "Segment", "write_segment"]

BLOCK_ROWS = 16_384  # rows moved at once: bounds the memory of a build
SCALE = np.float32(2.0**112)
FIELDS = np.int32(~0x7000_1FFF)  # the sign, and what float16 has of exponent and fraction
LISTED_ROWS = 2_000  # so few rows, or so small a part of a segment, are compared one by one:
LISTED_FRACTION = 0.005  # that is exact, and no slower than an index that skips most of its codes


class Rows:
    """The rows of a segment that a search may return, as a list if they are few and as a bitmap for FAISS.

    Args:
        mask: shape (rows of the segment,), bool.
        is_scope: whether somebody asked for these rows alone; else the others are deleted.
    """

    def __init__(self, mask: np.ndarray[Any, np.dtype[np.bool_]], *, is_scope: bool) -> None:
        import faiss

        self.is_scope = is_scope
        self.count = int(np.count_nonzero(mask))
        self.fraction = self.count / max(len(mask), 1)
        is_small = self.count <= max(LISTED_ROWS, LISTED_FRACTION * len(mask))
        self.listed = np.flatnonzero(mask) if is_small else None
        bitmap: Any = faiss.IDSelectorBitmap  # its constructor takes an array in Python only
        self.selector: Any = bitmap(np.packbits(mask, bitorder="little"))


class Segment:
    """One segment, opened.

    Raises:
        Damaged: the files are not what ``write_segment`` makes.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        try:
            self.inode = (folder / f"{name}.vectors.npy").stat().st_ino
            facts = json.loads((folder / f"{name}.json").read_bytes())
            self.keys: Keys = _mapped(folder / f"{name}.keys.npy")
            self.vectors: Any = _mapped(folder / f"{name}.vectors.npy")
            tuning = facts["ann"]
            is_whole = self.vectors.ndim == 2 and len(self.vectors) == len(self.keys)
        except (OSError, EOFError, ValueError, KeyError, TypeError) as exc:
            raise Damaged(_damaged(folder / name)) from exc
        if not is_whole:
            raise Damaged(_damaged(folder / name))
        self._ann = tuning and ann.Candidates(folder / f"{name}.faiss", tuning)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def kind(self) -> str:
        """How it is searched, in a few words."""
        return self._ann.name if self._ann else "exact"

    def files(self) -> list[str]:
        """Names of its files."""
        endings = ["json", "keys.npy", "vectors.npy", *(["faiss"] if self._ann else [])]
        return [f"{self.name}.{ending}" for ending in endings]

    def rows(self, keys: Keys) -> Any:
        """Row of each key, -1 where the key is not in this segment."""
        place = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place, -1)

    def held(self, keys: Keys) -> Any:
        """Rows of those of ``keys`` that are in this segment."""
        rows = self.rows(keys)
        return rows[rows >= 0]

    def cosines(self, rows: Any, query: Array) -> Array:
        """Inner product of ``query`` with each of ``rows``."""
        vectors = self.vectors.take(rows, axis=0)
        if vectors.dtype == np.float16:
            return _scaled_down(vectors) @ (query * SCALE)
        cosines: Array = vectors @ query
        return cosines

    def search(self, query: Array, k: int, among: Rows | None) -> tuple[Keys, Array]:
        """At most ``k`` keys and cosines in no particular order, from all rows or those of ``among``."""
        k = min(k, len(self) if among is None else among.count)
        if k < 1:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if among is not None and among.listed is not None:
            rows = among.listed
        elif self._ann is None:
            return self._exact(query, k, among)
        else:
            rows = self._ann(query, k, among)
        cosines = self.cosines(rows, query)
        if len(rows) > k:
            best = np.argpartition(-cosines, k - 1)[:k]
            rows, cosines = rows[best], cosines[best]
        return self.keys[rows], cosines

    def _exact(self, query: Array, k: int, among: Rows | None) -> tuple[Keys, Array]:
        import faiss

        cosines, rows = np.empty(k, np.float32), np.empty(k, np.int64)
        arrays = map(faiss.swig_ptr, (query, self.vectors, cosines, rows))
        x, y, scores, ids = arrays
        selector = among.selector if among else None
        shape = (len(query), 1, len(self), k)
        faiss.knn_inner_product(x, y, *shape, scores, ids, selector)
        return self.keys[rows], cosines


@dataclass(frozen=True, slots=True)
class Part:
    """Vectors that go into a segment: row ``rows[i]`` of ``vectors`` under ``keys[i]``."""

    keys: Keys
    vectors: Any
    rows: Any


def write_segment(
    folder: Path, name: str, parts: Sequence[Part], dimension: int, settings: DenseSettings
) -> None:
    """Write the segment ``name``; no more than a block of vectors is in memory at a time.

    Args:
        parts: with no key twice.

    Raises:
        OSError: the files cannot be written.
    """
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys)
    plan = ann.plan(len(keys), dimension, settings)
    dtype = np.dtype(np.float32 if plan is None else np.float16)
    np.save(folder / f"{name}.keys.npy", keys[order], allow_pickle=False)
    path = folder / f"{name}.vectors.npy"
    with path.open("wb") as handle:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (len(keys), dimension)}
        np.lib.format.write_array_header_1_0(handle, header)
        for block in _gathered(parts, order, dimension, dtype):
            handle.write(block.data)
    tuning: Mapping[str, Any] | None = None
    if plan is not None:
        tuning = ann.build(folder / f"{name}.faiss", _Stored(path), plan, settings.recall)
    (folder / f"{name}.json").write_text(json.dumps({"ann": tuning}))


class _Stored:
    """An array in a file, mapped anew by every read, so that what was read does not stay in this process's memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.shape = _mapped(path).shape

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> Any:
        return np.array(_mapped(self._path)[rows])


def _gathered(
    parts: Sequence[Part], order: Any, dimension: int, dtype: np.dtype[Any]
) -> Iterator[np.ndarray[Any, Any]]:
    """The vectors of all parts in the order of ``order``, block by block."""
    owner = np.repeat(np.arange(len(parts)), [len(part.keys) for part in parts])
    rows = np.concatenate([part.rows for part in parts])
    for start in range(0, len(order), BLOCK_ROWS):
        picked = order[start : start + BLOCK_ROWS]
        block = np.empty((len(picked), dimension), dtype)
        for number, part in enumerate(parts):
            here = owner[picked] == number
            block[here] = part.vectors[rows[picked[here]]]
        yield block


def _scaled_down(halves: Any) -> Array:
    """Float16 as float32, divided by ``SCALE``: exact for all but infinities, and five times as fast as NumPy's cast.

    Moves the bits of sign, exponent and fraction to their places; the exponents' offsets differ by 112
    (F. Giesen 2012, https://fgiesen.wordpress.com/2012/03/28/half-to-float-done-quic/).
    """
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= FIELDS
    scaled: Array = bits.view(np.float32)
    return scaled


def _mapped(path: Path) -> Any:
    """The array in a file, mapped; as a plain array, which is quicker to index than ``np.memmap``."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _damaged(path: Path) -> str:
    return f"{str(path)!r} is not a dense segment; run `alcove doctor --repair`"
