"""One search looked into: both lists, what each gave to the fused scores, what the limits left out, and reasons.

It is made by the search itself (``Searcher.look``), which keeps what it had in hand; nothing is searched or scored a
second time, so it cannot tell another story than the hits. Knows nothing of HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

from corpus.errors import Damaged
from corpus.records import Chunk, Document, Hit
from corpus.tally import Tally
from retrieval.limits import Limits, Removed
from retrieval.ranking import Ranking, Tuning, depth
from retrieval.reasons import Facts, why
from retrieval.refine import Refinement
from retrieval.search import Look, Searcher

__all__ = ["Inspected", "Inspection", "Listed", "inspect"]

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Inspected:
    """A hit with what it is owed to; see ``Inspection.weights`` for how the parts make the fused score.

    ``dense_score`` is its cosine and ``lexical_score`` its BM25, ``None`` where that was not computed;
    ``rerank_score`` that of the reranker, if one was at work.
    """

    hit: Hit
    fused_rank: int
    fused_score: float
    dense_score: float | None
    lexical_score: float | None
    dense_part: float | None
    lexical_part: float | None
    rerank_score: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of one index's list; ``fused_rank`` is its place when both were joined, ``hit`` that among the hits."""

    chunk: Chunk
    document: Document
    rank: int
    score: float
    fused_rank: int | None
    hit: int | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """One search looked into.

    Args:
        hits: in the order of ``look.result.hits``.
        dense, lexical: the lists, best first; empty where the mode has no such list.
        weights: of the dense and the lexical part in a fused score, which is ``weights[0] * dense_part +
            weights[1] * lexical_part``.
        depth: how many hits each list was asked for (count).
        removed: what each limit left out, one after the other.
        searched: what was left to be searched.
        explain_ms: what the explanation took beyond the search (milliseconds).
    """

    look: Look
    hits: tuple[Inspected, ...]
    dense: tuple[Listed, ...]
    lexical: tuple[Listed, ...]
    weights: Pair
    depth: int
    removed: tuple[Removed, ...]
    searched: Tally
    explain_ms: float


def inspect(
    searcher: Searcher,
    query: str,
    k: int,
    mode: str,
    limits: Limits,
    tuning: Tuning | None = None,
    **refinement: Unpack[Refinement],
) -> Inspection:
    """Search, and tell how the hits came to be.

    Args:
        as for ``Searcher.look``.

    Raises:
        as ``Searcher.search``.
    """
    look = searcher.look(query, k, mode, limits, (), tuning, **refinement)
    began = time.perf_counter()
    ranking, live = look.ranking, look.live
    n = depth(k, look.settings)
    if ranking is None or live is None:
        return Inspection(look, (), (), (), _weights(None, mode), n, (), Tally(0, 0), 0.0)
    try:
        dense, lexical = _listed(searcher, look, ranking, live.number)
    except Damaged:
        if searcher.is_newest(live):
            raise  # else the snapshot was replaced, and its rows forgotten, while this looked at it
        return inspect(searcher, query, k, mode, limits, tuning, **refinement)
    places = {key: place for place, key in enumerate(ranking.keys.tolist())}
    hits = tuple(
        _inspected(hit, look, ranking, places[hit.chunk.key], n) for hit in look.result.hits
    )
    removed, searched = searcher.scoping.removed(live, look.limits)
    took = (time.perf_counter() - began) * 1e3
    return Inspection(
        look, hits, dense, lexical, _weights(ranking, mode), n, removed, searched, took
    )


def _weights(ranking: Ranking | None, mode: str) -> Pair:
    if ranking is not None and ranking.parts is not None:
        return ranking.parts.weights
    return {"dense": (1.0, 0.0), "lexical": (0.0, 1.0)}.get(mode, (0.5, 0.5))


def _inspected(hit: Hit, look: Look, ranking: Ranking, place: int, n: int) -> Inspected:
    parts, stages = ranking.parts, look.stages
    cosine, bm25 = hit.dense_score, hit.lexical_score
    dense_part, lexical_part = (None, None) if parts else (cosine, bm25)
    if parts is not None:
        dense_part, lexical_part = float(parts.dense[place]), float(parts.lexical[place])
        if parts.cosines is not None:
            cosine = float(parts.cosines[place])
    weights = _weights(ranking, look.mode)
    facts = Facts(
        hit.rank,
        place + 1,
        look.mode,
        look.settings.fusion,
        hit.dense_rank,
        hit.lexical_rank,
        None if parts is None or dense_part is None else weights[0] * dense_part,
        None if parts is None or lexical_part is None else weights[1] * lexical_part,
        n,
        len(ranking.lexical) < n,
        stages.rerank,
        stages.diversity is not None,
        len(hit.duplicates),
    )
    reranked = hit.score if stages.rerank else None
    score = float(ranking.scores[place])
    scores = (cosine, bm25, dense_part, lexical_part, reranked)
    return Inspected(hit, place + 1, score, *scores, why(facts))


def _listed(
    searcher: Searcher, look: Look, ranking: Ranking, snapshot: int
) -> tuple[tuple[Listed, ...], tuple[Listed, ...]]:
    """Both lists with their chunks and documents, looked up at once."""
    keys = ranking.dense.keys() | ranking.lexical.keys()
    chunks = searcher.catalog.chunks([f"{key:016x}" for key in keys], snapshot)
    documents = searcher.catalog.documents_by_id((c.document for c in chunks.values()), snapshot)
    if len(chunks) < len(keys):
        raise Damaged(
            f"snapshot {snapshot} holds chunks that the catalog does not; run `alcove doctor`"
        )
    fused = {key: rank for rank, key in enumerate(ranking.keys.tolist(), 1)}
    shown = _shown(look.result.hits)

    def entries(of: Mapping[int, tuple[int, float]]) -> tuple[Listed, ...]:
        found = []
        for key, (rank, score) in sorted(of.items(), key=lambda item: item[1][0]):
            chunk = chunks[f"{key:016x}"]
            where = (fused.get(key), shown.get(key))
            found.append(Listed(chunk, documents[chunk.document], rank, score, *where))
        return tuple(found)

    return entries(ranking.dense), entries(ranking.lexical)


def _shown(hits: Sequence[Hit]) -> dict[int, int]:
    """The rank of the hit that shows each chunk; one that was collapsed into another is shown there."""
    duplicates = {other.chunk.key: hit.rank for hit in hits for other in hit.duplicates}
    return duplicates | {hit.chunk.key: hit.rank for hit in hits}
