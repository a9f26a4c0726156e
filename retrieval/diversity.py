"""Fewer hits that say the same: near-duplicates as one, and a choice of hits that differ. Knows hits and vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from corpus.records import Hit

if TYPE_CHECKING:
    from retrieval.protocols import Array

__all__ = ["collapsed", "diverse"]

SAME_MEANING = 0.98  # cosine from which two texts can be the same
SAME_WORDS = 0.9  # and the share of words they must have in common

_WORD = re.compile(r"\w+")


def collapsed(hits: Sequence[Hit], vectors: Array) -> list[Hit]:
    """The hits without those that nearly repeat a better one, which names them as its ``duplicates``.

    Two texts are the same if their words are, in order, whatever stands between them, or if their vectors and most of
    their words agree.

    Args:
        hits: best first.
        vectors: of their chunks, shape (len(hits), dimension), rows of length 1.
    """
    words = [_WORD.findall(hit.chunk.text.casefold()) for hit in hits]
    cosines = vectors @ vectors.T
    kept: dict[int, list[Hit]] = {}  # place in hits -> its duplicates
    for i, hit in enumerate(hits):
        same = (j for j in kept if _is_same(words[i], words[j], float(cosines[i, j])))
        first = next(same, None)
        if first is None:
            kept[i] = []
        else:
            kept[first].append(hit)
    return [replace(hits[i], duplicates=tuple(repeats)) for i, repeats in kept.items()]


def _is_same(a: Sequence[str], b: Sequence[str], cosine: float) -> bool:
    if a == b:
        return True
    if cosine < SAME_MEANING:
        return False
    return len(set(a) & set(b)) >= SAME_WORDS * len(set(a) | set(b))


def diverse(hits: Sequence[Hit], vectors: Array, k: int, relevance: float) -> list[Hit]:
    """``k`` hits by maximal marginal relevance (Carbonell & Goldstein 1998, https://doi.org/10.1145/290941.291025).

    The next hit is the one with the greatest ``relevance * score - (1 - relevance) * s``, where ``s`` is its greatest
    cosine with a hit chosen before, and scores are rescaled to 0..1 over ``hits``.

    Args:
        hits: to choose from, best first.
        vectors: of their chunks, shape (len(hits), dimension), rows of length 1.
        relevance: 1: the first ``k``; 0: only being different counts, after the first.
    """
    scores = np.array([hit.score for hit in hits], dtype=np.float32)
    low, high = scores.min(initial=np.inf), scores.max(initial=-np.inf)
    gains = relevance * (scores - low) / max(high - low, 1e-6)
    nearest = np.zeros(len(hits), dtype=np.float32)
    left = np.ones(len(hits), dtype=bool)
    chosen: list[Hit] = []
    for _ in range(min(k, len(hits))):
        best = int(np.argmax(np.where(left, gains - (1 - relevance) * nearest, -np.inf)))
        chosen.append(hits[best])
        left[best] = False
        cosines = vectors @ vectors[best]
        nearest = cosines if len(chosen) == 1 else np.maximum(nearest, cosines)
    return chosen
