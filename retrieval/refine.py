"""What happens to a ranking before it is shown: chunks looked up, reranked, collapsed, made diverse, with neighbours.

Each stage but the first is optional and leaves the others as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from corpus.catalog import Catalog
from corpus.errors import Damaged, UserError
from corpus.records import Hit
from retrieval.diversity import collapsed, diverse
from retrieval.expansion import with_neighbours
from retrieval.index import Reader
from retrieval.ranking import Ranking
from retrieval.rerank import CrossEncoder
from retrieval.settings import MAX_NEIGHBOURS, RetrievalSettings
from retrieval.timing import Clock

if TYPE_CHECKING:
    from retrieval.protocols import Array

__all__ = ["Refinement", "Refiner", "Stages"]


class Refinement(TypedDict, total=False):
    """What one search wants of its hits; what it leaves out, or ``None``, is as the settings say."""

    rerank: bool | None
    collapse: bool | None
    diversity: float | None
    neighbours: int | None


@dataclass(frozen=True, slots=True)
class Stages:
    """What happens to the hits of one search.

    Args:
        rerank: with the cross-encoder that the settings name.
        collapse: hits of nearly the same text become one.
        diversity: of maximal marginal relevance, 0 (all for being different) to 1 (all for relevance); ``None``: off.
        neighbours: chunks shown before and after each hit.
    """

    rerank: bool
    collapse: bool
    diversity: float | None
    neighbours: int

    @staticmethod
    def of(settings: RetrievalSettings, asked: Refinement) -> Stages:
        """The stages that the settings name, but for what is asked.

        Raises:
            UserError: a number out of its range, or a reranker wanted where none is set.
        """
        stages = Stages(
            settings.rerank_model is not None,
            settings.collapse,
            settings.diversity,
            settings.neighbours,
        )
        said: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        stages = replace(stages, **said)  # which refuses a name that is none
        if stages.rerank and settings.rerank_model is None:
            raise UserError(
                "no reranker is set; set retrieval.rerank_model to the folder of a cross-encoder"
            )
        if not 0 <= (stages.diversity or 0) <= 1:
            raise UserError(f"diversity is {stages.diversity}; give a number from 0 to 1")
        if not 0 <= stages.neighbours <= MAX_NEIGHBOURS:
            raise UserError(
                f"neighbours is {stages.neighbours}; give a number from 0 to {MAX_NEIGHBOURS}"
            )
        return stages


class Refiner:
    """Makes hits of rankings. Safe to call from several threads.

    Args:
        catalog: of the chunks.
        settings: which stages there are by default.
    """

    def __init__(self, catalog: Catalog, settings: RetrievalSettings) -> None:
        self._catalog = catalog
        self._settings = settings
        self._cross_encoder: CrossEncoder | None = None
        self._loading = threading.Lock()

    def hits(
        self,
        query: str,
        ranking: Ranking,
        k: int,
        reader: Reader,
        stages: Stages,
        clock: Clock,
    ) -> tuple[Hit, ...]:
        """The best ``k`` hits after every stage that is asked for, ranked from 1.

        Raises:
            Damaged: the ranking holds a chunk that the catalog has not.
            OperatorError: the reranker cannot be loaded.
        """
        chooses = stages.rerank or stages.diversity is not None
        size = max(k, self._settings.pool) if chooses else k
        hits = self._fetched(ranking, 0, size, reader.number)
        clock.lap("fetch")
        if stages.rerank:
            hits = self._reranker().rerank(query, hits)
            clock.lap("rerank")
        if stages.collapse:
            hits = self._collapsed(hits, ranking, size, reader)
        if stages.diversity is not None:
            hits = diverse(hits, _vectors(hits, reader), k, stages.diversity)
        ranked = enumerate(hits[:k], 1)
        hits = [hit if hit.rank == rank else replace(hit, rank=rank) for rank, hit in ranked]
        if stages.neighbours:
            hits = with_neighbours(hits, stages.neighbours, self._catalog, reader.number)
        clock.lap("fetch")
        return tuple(hits)

    def _collapsed(self, hits: list[Hit], ranking: Ranking, size: int, reader: Reader) -> list[Hit]:
        """``size`` hits that differ, if the ranking has so many: more are looked up for those that fell away."""
        kept, seen = collapsed(hits, _vectors(hits, reader)), len(hits)
        while len(kept) < size and seen < len(ranking.keys):
            more = self._fetched(ranking, seen, seen + size - len(kept), reader.number)
            hits, seen = [*hits, *more], seen + len(more)
            kept = collapsed(hits, _vectors(hits, reader))
        return kept

    def _reranker(self) -> CrossEncoder:
        with self._loading:
            if self._cross_encoder is None:
                assert self._settings.rerank_model is not None
                self._cross_encoder = CrossEncoder(self._settings.rerank_model)
            return self._cross_encoder

    def _fetched(self, ranking: Ranking, start: int, end: int, snapshot: int) -> list[Hit]:
        """The hits at these places of the ranking, with chunk and document."""
        keys = ranking.keys[start:end].tolist()
        ids = [f"{key:016x}" for key in keys]
        chunks = self._catalog.chunks(ids, snapshot)
        documents = self._catalog.documents_by_id((c.document for c in chunks.values()), snapshot)
        hits = []
        scored = zip(ids, keys, ranking.scores[start:end].tolist(), strict=True)
        for rank, (id, key, score) in enumerate(scored, start + 1):
            chunk = chunks.get(id)
            if chunk is None or chunk.document not in documents:
                raise Damaged(
                    f"snapshot {snapshot} holds chunk {id!r}, the catalog does not; run `alcove doctor`"
                )
            dense_rank, cosine = ranking.dense.get(key, (None, None))
            lexical_rank, bm25 = ranking.lexical.get(key, (None, None))
            found = (dense_rank, lexical_rank, cosine, bm25)
            hits.append(Hit(chunk, documents[chunk.document], score, rank, *found))
        return hits


def _vectors(hits: Sequence[Hit], reader: Reader) -> Array:
    return reader.dense.vectors_of(np.array([hit.chunk.key for hit in hits], dtype=np.int64))
