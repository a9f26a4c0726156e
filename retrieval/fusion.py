"""Joining a dense and a lexical result list into one ranking.

``calibrated``, the default, puts both scores on scales that mean the same for every query, so that a list without a
good hit cannot weigh as much as one that has one. ``convex`` divides each list by its own best hit. ``rrf`` uses ranks
alone. All order equal scores by key. Knows nothing of indexes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["calibrated", "convex", "rrf"]

RRF_K = 60
STANDS_OUT = 6.0  # standard deviations above the mean of the corpus: a cosine that counts as 1
PER_WORD = 4.0  # BM25 per word of the query: a lexical score that counts as 1
LEAST_SPREAD = 1e-3  # of cosines; nearer ones are alike


def rrf(rankings: Sequence[Keys], k: int = RRF_K) -> tuple[Keys, Array]:
    """Reciprocal rank fusion (Cormack et al. 2009, https://doi.org/10.1145/1571941.1572114): sum of 1 / (k + rank).

    Returns:
        every key of ``rankings`` once, best first, with its score.
    """
    keys, where = np.unique(np.concatenate(rankings), return_inverse=True)
    gains = np.concatenate([1.0 / (k + 1 + np.arange(len(ranking))) for ranking in rankings])
    scores = np.bincount(where, weights=gains, minlength=len(keys)).astype(np.float32)
    return _ranked(keys, scores)


def calibrated(
    keys: Keys,
    cosines: Array,
    bm25: Array,
    background: Array,
    words: int,
    dense_weight: float = 0.5,
) -> tuple[Keys, Array]:
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
        return keys, cosines
    spread = max(float(background.std()), LEAST_SPREAD)
    dense = (cosines - background.mean()) / (STANDS_OUT * spread)
    lexical = bm25 / (PER_WORD * max(words, 1))
    return _ranked(keys, (dense_weight * dense + (1 - dense_weight) * lexical).astype(np.float32))


def convex(
    keys: Keys, cosines: Array, bm25: Array, background: Array, dense_weight: float = 0.5
) -> tuple[Keys, Array]:
    """Weighted mean of rescaled scores (cf. Bruch et al. 2023, https://doi.org/10.1145/3596512).

    A cosine is rescaled between the query's mean over the corpus (0) and its best hit (1), BM25 divided by its best.

    Args:
        keys, cosines, bm25, background, dense_weight: as for ``calibrated``.

    Returns:
        the candidates, best first, with scores of at most 1.
    """
    if not len(keys):
        return keys, cosines
    mean = float(background.mean())
    dense = (cosines - mean) / max(float(cosines.max()) - mean, 1e-6)
    lexical = bm25 / max(float(bm25.max()), 1e-6)
    return _ranked(keys, (dense_weight * dense + (1 - dense_weight) * lexical).astype(np.float32))


def _ranked(keys: Keys, scores: Array) -> tuple[Keys, Array]:
    best = np.lexsort((keys, -scores))
    return keys[best], scores[best]
