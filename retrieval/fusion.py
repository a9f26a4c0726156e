"""Joining a dense and a lexical result list into one ranking.

``convex`` averages scores put on one scale: a cosine is rescaled between the query's mean over the corpus (0) and its
best hit (1), a BM25 score is divided by the query's best. ``rrf`` uses ranks alone. Knows nothing of indexes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["convex", "rrf"]

RRF_K = 60


def rrf(rankings: list[Keys], k: int = RRF_K) -> tuple[Keys, Array]:
    """Reciprocal rank fusion (Cormack et al. 2009, https://doi.org/10.1145/1571941.1572114): sum of 1 / (k + rank).

    Returns:
        every key of ``rankings`` once, best first, with its score.
    """
    keys, where = np.unique(np.concatenate(rankings), return_inverse=True)
    gains = np.concatenate([1.0 / (k + 1 + np.arange(len(ranking))) for ranking in rankings])
    scores = np.bincount(where, weights=gains, minlength=len(keys)).astype(np.float32)
    return _ranked(keys, scores)


def convex(
    keys: Keys, cosines: Array, bm25: Array, mean_cosine: float, dense_weight: float = 0.5
) -> tuple[Keys, Array]:
    """Weighted mean of rescaled scores (cf. Bruch et al. 2023, https://doi.org/10.1145/3596512).

    Args:
        keys: the candidates, shape (n,), each once.
        cosines: of the query with each candidate, shape (n,).
        bm25: score of each candidate, 0 where it holds none of the words, shape (n,).
        mean_cosine: of the query with the whole corpus.
        dense_weight: 0 (lexical only) to 1 (dense only).

    Returns:
        the candidates, best first, with scores of at most 1.
    """
    if not len(keys):
        return keys, cosines
    spread = max(float(cosines.max()) - mean_cosine, 1e-6)
    dense = (cosines - mean_cosine) / spread
    lexical = bm25 / max(float(bm25.max()), 1e-6)
    return _ranked(keys, (dense_weight * dense + (1 - dense_weight) * lexical).astype(np.float32))


def _ranked(keys: Keys, scores: Array) -> tuple[Keys, Array]:
    best = np.lexsort((keys, -scores))
    return keys[best], scores[best]
