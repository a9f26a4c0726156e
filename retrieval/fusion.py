"""Joining a dense and a lexical result list into one ranking.

``calibrated``, the default, puts both scores on scales that mean the same for every query, so that a list without a
good hit cannot weigh as much as one that has one. ``convex`` divides each list by its own best hit. ``rrf`` uses ranks
alone. All order equal scores by key, and keep what each half gave to a score, so that it can be told. Knows nothing
of indexes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["Fused", "Parts", "calibrated", "convex", "reciprocal", "rrf"]

RRF_K = 60
STANDS_OUT = 6.0  # standard deviations above the mean of the corpus: a cosine that counts as 1
PER_WORD = 4.0  # BM25 per word of the query: a lexical score that counts as 1
LEAST_SPREAD = 1e-3  # of cosines; nearer ones are alike


@dataclass(frozen=True, slots=True)
class Parts:
    """What fused scores are made of: ``weights[0] * dense + weights[1] * lexical``.

    Args:
        dense, lexical: both halves on the scale of the fusion, each of shape (n,).
        cosines: of the query with each candidate, shape (n,); ``None`` where ranks alone were joined.
        weights: of the dense and of the lexical half.
    """

    dense: Array
    lexical: Array
    cosines: Array | None
    weights: tuple[float, float]


class Fused(NamedTuple):
    """The candidates, best first, with their scores and what these are made of, all of shape (n,)."""

    keys: Keys
    scores: Array
    parts: Parts


def rrf(rankings: Sequence[Keys], k: int = RRF_K) -> tuple[Keys, Array]:
    """Reciprocal rank fusion (Cormack et al. 2009, https://doi.org/10.1145/1571941.1572114): sum of 1 / (k + rank).

    Returns:
        every key of ``rankings`` once, best first, with its score.
    """
    keys, where = np.unique(np.concatenate(rankings), return_inverse=True)
    gains = np.concatenate([_gains(len(ranking), k) for ranking in rankings])
    scores = np.bincount(where, weights=gains, minlength=len(keys)).astype(np.float32)
    best = _best(keys, scores)
    return keys[best], scores[best]


def reciprocal(dense: Keys, lexical: Keys) -> Fused:
    """``rrf`` of two rankings; the parts are the gains of each, 0 where a ranking lacks the key."""
    keys, scores = rrf([dense, lexical])
    sorted_, parts = np.argsort(keys), []
    for ranking in (dense, lexical):
        part = np.zeros(len(keys), np.float32)
        part[sorted_[np.searchsorted(keys, ranking, sorter=sorted_)]] = _gains(len(ranking))
        parts.append(part)
    return Fused(keys, scores, Parts(parts[0], parts[1], None, (1.0, 1.0)))


def calibrated(
    keys: Keys,
    cosines: Array,
    bm25: Array,
    background: Array,
    words: int,
    dense_weight: float = 0.5,
) -> Fused:
    """Weighted mean of a cosine's z-score and of BM25 per word, each in units of an excellent hit.

    ``dense_weight * (cosine - mean) / (6 * deviation) + (1 - dense_weight) * bm25 / (4 * words)``, where mean and
    deviation are those of the query's cosines with the whole corpus: score standardisation (Webber et al. 2008,
    https://doi.org/10.1145/1390334.1390346) of one list, and the other by the most that a query of its length can
    earn. Dividing a list by its own best hit, as ``convex`` does, makes the best of a bad list as good as the best of
    a good one. Here the weights follow from the query. BM25 sums a word's rarity: a few rare words that a text has
    earn much per word, and lexical counts; common words, or words the texts put differently, earn little, and dense
    counts, the more so the further its best hits stand out from the rest of the corpus.

    The two constants were fitted once over many kinds of queries and texts, and hold for each of them.

    Args:
        keys: the candidates, shape (n,), each once.
        cosines: of the query with each candidate, shape (n,).
        bm25: score of each candidate, 0 where it holds none of the words, shape (n,).
        background: cosines of the query with a random sample of the corpus, shape (m,).
        words: how many the query has.
        dense_weight: 0 (lexical only) to 1 (dense only).

    Returns:
        the candidates, best first, with scores near 1 for an excellent hit; comparable between queries.
    """
    if not len(keys):
        return _joined(keys, cosines, cosines, bm25, dense_weight)
    spread = max(float(background.std()), LEAST_SPREAD)
    dense = (cosines - background.mean()) / (STANDS_OUT * spread)
    lexical = bm25 / (PER_WORD * max(words, 1))
    return _joined(keys, cosines, dense, lexical, dense_weight)


def convex(
    keys: Keys, cosines: Array, bm25: Array, background: Array, dense_weight: float = 0.5
) -> Fused:
    """Weighted mean of rescaled scores (cf. Bruch et al. 2023, https://doi.org/10.1145/3596512).

    A cosine is rescaled between the query's mean over the corpus (0) and its best hit (1), BM25 divided by its best.

    Args:
        keys, cosines, bm25, background, dense_weight: as for ``calibrated``.

    Returns:
        the candidates, best first, with scores of at most 1.
    """
    if not len(keys):
        return _joined(keys, cosines, cosines, bm25, dense_weight)
    mean = float(background.mean())
    dense = (cosines - mean) / max(float(cosines.max()) - mean, 1e-6)
    lexical = bm25 / max(float(bm25.max()), 1e-6)
    return _joined(keys, cosines, dense, lexical, dense_weight)


def _joined(keys: Keys, cosines: Array, dense: Array, lexical: Array, dense_weight: float) -> Fused:
    weights = (dense_weight, 1 - dense_weight)
    scores = (weights[0] * dense + weights[1] * lexical).astype(np.float32)
    best = _best(keys, scores)
    return Fused(
        keys[best], scores[best], Parts(dense[best], lexical[best], cosines[best], weights)
    )


def _gains(n: int, k: int = RRF_K) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What reciprocal rank fusion gives for each of the ranks 1 to ``n``."""
    return 1.0 / (k + 1 + np.arange(n))


def _best(keys: Keys, scores: Array) -> Keys:
    """The places of the best first; equal ones by key."""
    return np.lexsort((keys, -scores))
