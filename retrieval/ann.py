"""Approximate search of one segment: an inverted file of 4-bit product codes, whose best are compared exactly.

The vectors are clustered into lists (IVF); a search scans the lists nearest to the query by codes of 4 bits per pair of
dimensions with SIMD (André et al. 2015, https://doi.org/10.14778/2856318.2856324; in FAISS "PQ fast scan"), and whoever
calls compares the best of them by their vectors. How many lists and how many of the best that takes differs from corpus
to to corpus, so it is measured while the index is built: on queries made of the segment's own vectors, whose true
neighbours are computed by brute force. Row numbers are the ids.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import Damaged
from retrieval.settings import DenseSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys
    from retrieval.segments import Rows

__all__ = ["Candidates", "Plan", "blocks_of", "build", "nearest", "plan"]

_Matrix = np.ndarray[Any, np.dtype[np.float32]]

WIDTHS = (2, 4, 8)  # dimensions that one 4-bit code stands for: the first that fits in memory
LISTS_PER_ROOT = 2  # lists per square root of the vectors
TRAINING_PER_LIST = 40  # vectors, as FAISS's k-means asks for at least 39
BLOCK_ROWS = 16_384  # vectors handled at once
CODES = 16  # that 4 bits tell apart; they cannot be made of fewer vectors
K = 10  # neighbours that recall is measured at
QUERIES = 300
MIXED = 6  # vectors that a made query is the mean of
SCOPE_RECALL = 0.99  # what a search within a scope is set to find
ENOUGH_RECALL = 0.999  # at which no more lists are tried
COMPARED = (50, 100, 200, 400, 800, 1600)  # of the best codes, how many to compare exactly
COMPARISON_COST = 40  # codes that are scanned in the time of one exact comparison


@dataclass(frozen=True, slots=True)
class Plan:
    """How many lists to make, and how many dimensions a code stands for."""

    lists: int
    width: int


@dataclass(frozen=True, slots=True)
class Tuning:
    """How many lists a search scans and how many of the best it compares, with the recall measured so."""

    probes: int
    compared: int
    recall: float


def plan(count: int, dimension: int, settings: DenseSettings) -> Plan | None:
    """How to index ``count`` vectors; ``None``: not at all, comparing all of them is fast and they fit in memory."""
    room = settings.memory_mib * 2**20 / count
    fits = count <= settings.exact_vectors and 4 * dimension <= room
    if fits or count < CODES:
        return None
    widths = [width for width in WIDTHS if dimension % width == 0] or [1]
    fitting = [width for width in widths if dimension / width / 2 + 8 <= room]
    return Plan(max(1, int(LISTS_PER_ROOT * math.sqrt(count))), (fitting or widths[-1:])[0])


def build(path: Path, vectors: Any, plan: Plan, recall: float) -> Mapping[str, Any]:
    """Index ``vectors`` into the file ``path``.

    Args:
        vectors: shape (n, dimension), of any float type; indexed by slices and arrays of about a block.
        recall: share of the ten nearest that a search shall find.

    Returns:
        what ``Candidates`` needs to know, as JSON.

    Raises:
        OSError: the file cannot be written.
    """
    import faiss

    rng = np.random.default_rng(0)  # the same vectors give the same index
    count, dimension = vectors.shape
    codes = dimension // plan.width
    metric = faiss.METRIC_INNER_PRODUCT
    index: Any = faiss.index_factory(dimension, f"IVF{plan.lists},PQ{codes}x4fs", metric)
    wanted = min(count, plan.lists * TRAINING_PER_LIST)
    rows = np.sort(rng.choice(count, wanted, replace=False))
    parts = np.array_split(rows, count // BLOCK_ROWS + 1)
    sample = np.concatenate([vectors[part].astype(np.float32) for part in parts])
    _train(index, sample)
    queries = _made_queries(sample, rng)
    for _, block in blocks_of(vectors):
        index.add(block)
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as exc:  # FAISS does not pass errno on
        raise OSError(28 if "No space" in str(exc) else 5, str(exc), str(path)) from exc
    tunings = _tunings(index, queries, nearest(blocks_of(vectors), queries, K))
    whole, scope = _cheapest(tunings, recall), _cheapest(tunings, max(recall, SCOPE_RECALL))
    return {**asdict(plan), "all": asdict(whole), "scope": asdict(scope)}


class Candidates:
    """Names the rows of a segment that may be nearest to a query.

    Raises:
        Damaged: the file is not what ``build`` writes.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        import faiss

        try:
            self._index: Any = faiss.read_index(str(path))
            self._lists = int(facts["lists"])
            self._all, self._scope = Tuning(**facts["all"]), Tuning(**facts["scope"])
            self.name = f"IVF{self._lists},PQ{self._index.d // int(facts['width'])}x4fs,fp16"
        except (RuntimeError, KeyError, TypeError, ValueError) as exc:
            raise Damaged(
                f"{str(path)!r} is not a dense segment; run `alcove doctor --repair`"
            ) from exc

    def __call__(self, query: Array, k: int, among: Rows | None) -> Any:
        """Rows to compare for the best ``k``, from all rows or those of ``among``."""
        import faiss

        tuning = self._scope if among and among.is_scope else self._all
        probes = tuning.probes
        if among is not None:  # as many codes that count are scanned as without a scope
            probes = min(self._lists, math.ceil(probes / among.fraction))
        selector = among.selector if among else None
        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe, parameters.sel = probes, selector
        compared = max(tuning.compared, 2 * k)
        _, rows = self._index.search(query[None, :], compared, params=parameters)
        return rows[0][rows[0] >= 0]


def _train(index: Any, sample: _Matrix) -> None:
    """Train the lists on all threads, the codes on one: threads would mostly wait in their many tiny clusterings."""
    import faiss

    # Ask for no more vectors than there are, without a word on standard error: recall is measured afterwards.
    index.cp.min_points_per_centroid = index.pq.cp.min_points_per_centroid = 1
    index.train_q1(len(sample), faiss.swig_ptr(sample), False, index.metric_type)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        index.train(sample)
    finally:
        faiss.omp_set_num_threads(threads)


def _tunings(index: Any, queries: _Matrix, true: Any) -> list[tuple[float, Tuning]]:
    """Cost and recall of many tunings.

    The candidates are compared exactly, so a true neighbour is found if it is among them.
    """
    import faiss

    rows: list[tuple[float, Tuning]] = []
    length = index.ntotal / index.nlist
    for probes in _steps(index.nlist):
        parameters: Any = faiss.SearchParametersIVF()
        parameters.nprobe = probes
        _, found = index.search(queries, COMPARED[-1], params=parameters)
        hits = (found[:, :, None] == true[:, None, :]).any(axis=2)
        for compared in COMPARED:
            recall = float(hits[:, :compared].sum() / true.size)
            cost = probes * length + COMPARISON_COST * compared
            rows.append((cost, Tuning(probes, compared, round(recall, 4))))
        if rows[-1][1].recall >= ENOUGH_RECALL:
            break
    return rows


def _cheapest(tunings: Sequence[tuple[float, Tuning]], target: float) -> Tuning:
    """The cheapest tuning that reaches ``target``; if none does, the one that comes nearest."""
    good = [row for row in tunings if row[1].recall >= target]
    if good:
        return min(good, key=lambda row: row[0])[1]
    return max(tunings, key=lambda row: (row[1].recall, -row[0]))[1]


def _steps(most: int) -> Iterator[int]:
    """2, 3, 4, 6, 8, 12, …, and ``most``."""
    steps = (n for e in itertools.count() for n in (2 * 2**e, 3 * 2**e))
    yield from itertools.takewhile(lambda n: n < most, steps)
    yield most


def _made_queries(sample: _Matrix, rng: np.random.Generator) -> _Matrix:
    """Queries that lie as far from the vectors as people's questions do.

    A vector of the segment itself, even with much noise, is found far too easily. A third are therefore drawn from the
    normal distribution with the mean and the covariance of the vectors, the others are means of a few vectors.
    """
    mean = sample.mean(axis=0)
    drawn = QUERIES // 3
    weights = rng.normal(size=(drawn, len(sample))).astype(np.float32) / math.sqrt(len(sample))
    normal = mean + weights @ sample - weights.sum(axis=1, keepdims=True) * mean
    mixed = sample[rng.integers(len(sample), size=(QUERIES - drawn, MIXED))].mean(axis=1)
    queries = np.concatenate([normal, mixed])
    return np.ascontiguousarray(queries / np.linalg.norm(queries, axis=1, keepdims=True))


def nearest(blocks: Iterable[tuple[Keys, _Matrix]], queries: _Matrix, k: int) -> Keys:
    """The ``k`` nearest of each query by brute force, best first, shape (len(queries), at most k).

    Args:
        blocks: vectors, some at a time, with their names.
    """
    import faiss

    cosines = np.empty((len(queries), 0), np.float32)
    names = np.empty((len(queries), 0), np.int64)
    for known, block in blocks:
        found = faiss.knn(queries, block, min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        cosines = np.hstack([cosines, found[0]])
        names = np.hstack([names, known[found[1]]])
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        cosines = np.take_along_axis(cosines, best, axis=1)
        names = np.take_along_axis(names, best, axis=1)
    return names


def blocks_of(vectors: Any) -> Iterator[tuple[Keys, _Matrix]]:
    """The vectors as float32, some at a time, with their rows."""
    for start in range(0, len(vectors), BLOCK_ROWS):
        block = np.ascontiguousarray(vectors[start : start + BLOCK_ROWS], dtype=np.float32)
        yield np.arange(start, start + len(block)), block
