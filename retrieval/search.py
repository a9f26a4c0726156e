"""From a question to chunks: encode it, rank the chunks (``ranking``), look them up and refine the hits (``refine``).

One search reads one snapshot from beginning to end. A newer snapshot is picked up between searches, without failing
the ones under way. Knows nothing of parsing, prompts or HTTP.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

from corpus.catalog import Catalog
from corpus.errors import Damaged, UserError
from corpus.filters import check_pages, check_text
from corpus.home import Home
from corpus.records import SearchResult
from retrieval.index import Reader
from retrieval.limits import Limits, Scoping
from retrieval.live import PATIENCE_S, EncoderOf, LiveReader
from retrieval.protocols import Encoder, Scope
from retrieval.ranking import Question, Ranking, Tuning, depth, merged, rank, tuned
from retrieval.refine import Refinement, Refiner, Stages
from retrieval.settings import RetrievalSettings
from retrieval.timing import Clock

__all__ = ["MAX_K", "MODES", "Look", "Searcher", "check_query"]

MODES = ("dense", "lexical", "hybrid")
MAX_K = 1000


def check_query(query: str, longest: int) -> None:
    """Raises:
    UserError: the query is blank, longer than ``longest`` characters, or not text.
    """
    check_text(query)
    if not query.strip():
        raise UserError("the question is empty; type some words")
    if len(query) > longest:
        raise UserError(
            f"the question has {len(query)} characters, at most {longest} are allowed; shorten it"
        )


@dataclass(frozen=True, slots=True)
class Look:
    """One search with what it was made of: what was asked, and how it was ranked in which snapshot.

    ``limits``, ``settings`` and ``stages`` are those that were used; ``live`` and ``ranking`` are ``None`` where
    nothing was ever ingested.
    """

    result: SearchResult
    k: int
    mode: str
    limits: Limits
    settings: RetrievalSettings
    stages: Stages
    live: Reader | None = None
    ranking: Ranking | None = None


class Searcher:
    """Searches the live snapshot of one home. Safe to call from several threads.

    Args:
        encoder: of the index as it is now.
        observe: told of every search, its mode and how long each of its stages took (ms).
        encoder_of: gives another encoder once the index has moved to its space; ``None``: that is refused.
    """

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        encoder: Encoder,
        settings: RetrievalSettings,
        observe: Callable[[str, Mapping[str, float]], None] = lambda mode, timings_ms: None,
        encoder_of: EncoderOf | None = None,
    ) -> None:
        self.live = LiveReader(home, catalog, encoder, encoder_of)
        self.catalog = catalog
        self._settings = settings
        self._observe = observe
        self._refiner = Refiner(catalog, settings)
        self.scoping = Scoping(catalog)

    def reader(self, patience_s: float | None = PATIENCE_S) -> Reader | None:
        """The live snapshot; see ``LiveReader.pair``."""
        pair = self.live.pair(patience_s)
        return pair[0] if pair else None

    def _as_of(self, live: Reader, limits: Limits) -> Limits:
        """While an older snapshot stands in, what was removed since must not be found in it."""
        if not self.live.is_stand_in(live):
            return limits
        now = {document.id for document in self.catalog.documents()}
        kept = now if limits.documents is None else now.intersection(limits.documents)
        return replace(limits, documents=sorted(kept))

    def search(
        self,
        query: str,
        k: int = 10,
        mode: str = "hybrid",
        collection: str | None = None,
        documents: Sequence[str] | None = None,
        filters: Mapping[str, str] | None = None,
        reader: str | None = None,
        pages: tuple[int, int] | None = None,
        phrasings: Sequence[str] = (),
        **refinement: Unpack[Refinement],
    ) -> SearchResult:
        """The best ``k`` chunks for ``query``, from one collection or some documents if given.

        Args:
            filters: metadata that a document must have, value by key; applied before the search,
                so that the best k of those allowed are found.
            reader: the name of who asks, who sees only what they may read; ``None``: the owner of
                this machine, who sees everything.
            pages: the first and the last page that a chunk may stand on; applied before the search.
            phrasings: the query in other words; each is searched for, and the rankings fused.
            refinement: what happens to the hits then, where it is not as the settings say: ``rerank``,
                ``collapse``, ``diversity``, ``neighbours``; see ``retrieval.refine.Stages``.

        Raises:
            UserError: empty or over-long query, unknown mode or filter, or a number out of its range.
            NotFound: a collection that does not exist, or is not for this reader.
            Damaged, FingerprintMismatch: see ``reader``.
            OperatorError: the reranker cannot be loaded.
        """
        limits = Limits(collection, documents, filters or {}, reader, pages)
        return self.look(query, k, mode, limits, phrasings, **refinement).result

    def look(
        self,
        query: str,
        k: int,
        mode: str,
        limits: Limits,
        phrasings: Sequence[str] = (),
        tuning: Tuning | None = None,
        **refinement: Unpack[Refinement],
    ) -> Look:
        """As ``search``, with all that the hits were made of.

        Args:
            tuning: how both lists are made and joined, where it is not as the settings say.

        Raises:
            UserError, NotFound, Damaged, FingerprintMismatch, OperatorError: as ``search``.
        """
        clock = Clock()
        queries = (query, *phrasings)
        self._check(queries, k, mode, limits.pages)
        settings = tuned(self._settings, tuning or {})
        stages = Stages.of(settings, refinement)
        pair = self.live.pair()
        collections = self.scoping.collections(limits)
        if pair is None:
            nothing = SearchResult(query, 0, (), clock.timings_ms())
            return Look(nothing, k, mode, limits, settings, stages)
        live, encoder = pair
        limits_now = self._as_of(live, limits)
        scope = self.scoping.scope(live, limits_now, collections)
        clock.lap("fetch")
        ranking = self._ranking(live, encoder, queries, k, mode, scope, settings, clock)
        try:
            hits = self._refiner.hits(query, ranking, k, live, stages, clock)
        except Damaged:
            if self.is_newest(live):
                raise  # else the snapshot was replaced, and its rows forgotten, during this search
            return self.look(query, k, mode, limits, phrasings, tuning, **refinement)
        timings = clock.timings_ms()
        self._observe(mode, timings)
        result = SearchResult(query, live.number, hits, timings)
        return Look(result, k, mode, limits_now, settings, stages, live, ranking)

    def is_newest(self, live: Reader) -> bool:
        """Whether no snapshot has taken the place of this one."""
        return self.reader(patience_s=None) is live

    def _check(
        self, queries: Sequence[str], k: int, mode: str, pages: tuple[int, int] | None
    ) -> None:
        for query in queries:
            check_query(query, self._settings.max_query_characters)
        if mode not in MODES:
            raise UserError(f"there is no search mode {mode[:80]!r}; use one of {', '.join(MODES)}")
        if not 1 <= k <= MAX_K:
            raise UserError(f"k is {k}; give a number from 1 to {MAX_K}")
        check_pages(pages)

    def _ranking(
        self,
        live: Reader,
        encoder: Encoder,
        queries: Sequence[str],
        k: int,
        mode: str,
        scope: Scope | None,
        settings: RetrievalSettings,
        clock: Clock,
    ) -> Ranking:
        vectors: Iterable[Any] = itertools.repeat(None)
        if mode != "lexical" and len(live.dense):
            vectors = encoder.encode_queries(queries)
        clock.lap("embed")
        n = depth(k, settings)
        asked = [
            Question(text, vector, mode, scope)
            for text, vector in zip(queries, vectors, strict=False)
        ]
        return merged([rank(live, question, n, settings, clock) for question in asked])
