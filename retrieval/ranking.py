"""From a query to ranked keys: search both indexes of one snapshot and fuse what they found.

Knows keys and scores; nothing of texts, documents or the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from corpus.errors import UserError
from retrieval.fusion import Fused, Parts, calibrated, convex, reciprocal, rrf
from retrieval.index import Reader
from retrieval.protocols import Index, Scope
from retrieval.settings import RetrievalSettings
from retrieval.timing import Clock
from retrieval.words import count_words

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

    Found = tuple[Keys, Array]

__all__ = ["DEPTHS", "FUSIONS", "Question", "Ranking", "Tuning", "depth", "merged", "rank", "tuned"]

FUSIONS = ("calibrated", "convex", "rrf")
DEPTHS = (10, 1000)  # the fewest and the most hits that each index may be asked for


class Tuning(TypedDict, total=False):
    """How one search makes and joins its lists; what it leaves out is as the settings say."""

    fusion: str
    dense_weight: float
    candidates: int


def tuned(settings: RetrievalSettings, tuning: Tuning) -> RetrievalSettings:
    """The settings with these changes.

    Raises:
        UserError: there is no such fusion, or a number is out of its range.
    """
    fusion, weight = tuning.get("fusion"), tuning.get("dense_weight")
    if fusion is not None and fusion not in FUSIONS:
        raise UserError(f"there is no fusion {fusion[:80]!r}; use one of {', '.join(FUSIONS)}")
    if weight is not None and not 0 <= weight <= 1:
        raise UserError(f"the dense weight is {weight}; give a number from 0 to 1")
    if weight is not None and (fusion or settings.fusion) == "rrf":
        raise UserError("fusion 'rrf' counts ranks alone; leave out the weights, or choose another")
    if not DEPTHS[0] <= tuning.get("candidates", DEPTHS[0]) <= DEPTHS[1]:
        raise UserError(
            f"the depth is {tuning['candidates']}; give a number from {DEPTHS[0]} to {DEPTHS[1]}"
        )
    return settings.model_copy(update=dict(tuning)) if tuning else settings


def depth(k: int, settings: RetrievalSettings) -> int:
    """How many hits each index is asked for when ``k`` are wanted."""
    return max(k, settings.candidates, settings.pool)


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its vector (``None`` in lexical mode), and what to search for it."""

    text: str
    vector: Array | None
    mode: str
    scope: Scope | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Keys and fused scores, best first, with rank (from 1) and score of each key in each index that found it.

    ``parts`` is what the scores are made of, in the order of ``keys``; ``None`` where nothing was fused.
    """

    keys: Keys
    scores: Array
    dense: Mapping[int, tuple[int, float]]
    lexical: Mapping[int, tuple[int, float]]
    parts: Parts | None = None


def rank(
    reader: Reader, question: Question, n: int, settings: RetrievalSettings, clock: Clock
) -> Ranking:
    """Rank what the indexes hold, the best ``n`` of each."""
    none = (np.empty(0, np.int64), np.empty(0, np.float32))
    vector, scope = question.vector, question.scope
    dense = none if vector is None else reader.dense.search(vector, n, scope)
    clock.lap("dense")
    lexical = none
    if question.mode != "dense":
        lexical = _lexical(reader.lexical, question.text, n, scope)
    clock.lap("lexical")
    keys, scores = dense if question.mode == "dense" else lexical
    parts = None
    if vector is not None and question.mode == "hybrid":
        keys, scores, parts = _fused(reader, question.text, vector, dense, lexical, settings)
    clock.lap("fuse")
    return Ranking(keys, scores, _places(*dense), _places(*lexical), parts)


def merged(rankings: Sequence[Ranking]) -> Ranking:
    """The rankings of several phrasings of one question as one, by reciprocal rank; the first phrasing's scores win."""
    if len(rankings) == 1:
        return rankings[0]
    keys, scores = rrf([ranking.keys for ranking in rankings])
    dense: dict[int, tuple[int, float]] = {}
    lexical: dict[int, tuple[int, float]] = {}
    for ranking in reversed(rankings):
        dense |= ranking.dense
        lexical |= ranking.lexical
    return Ranking(keys, scores, dense, lexical)


def _lexical(index: Index, query: str, n: int, scope: Scope | None) -> Found:
    """The best ``n`` in the scope. An index that knows whole documents only is asked for more until it has them."""
    if scope is None or not scope.is_part:
        return index.search(query, n, scope)
    asked = n
    while True:
        keys, scores = index.search(query, asked, scope)
        inside = np.isin(keys, scope.keys)
        if len(keys) < asked or inside.sum() >= n:
            return keys[inside][:n], scores[inside][:n]
        asked *= 4


def _fused(
    reader: Reader,
    query: str,
    vector: Array,
    dense: Found,
    lexical: Found,
    settings: RetrievalSettings,
) -> Fused:
    if settings.fusion == "rrf":
        return reciprocal(dense[0], lexical[0])
    keys = np.union1d(dense[0], lexical[0])
    bm25 = np.zeros(len(keys), dtype=np.float32)
    bm25[np.searchsorted(keys, lexical[0])] = lexical[1]
    cosines = reader.dense.similarity(vector, keys)
    background = reader.dense.background @ vector
    if settings.fusion == "convex":
        return convex(keys, cosines, bm25, background, settings.dense_weight)
    words = count_words(query)
    return calibrated(keys, cosines, bm25, background, words, settings.dense_weight)


def _places(keys: Keys, scores: Array) -> dict[int, tuple[int, float]]:
    pairs = zip(keys.tolist(), scores.tolist(), strict=True)
    return {key: (rank, score) for rank, (key, score) in enumerate(pairs, start=1)}
