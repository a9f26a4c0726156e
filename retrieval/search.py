"""From a question to chunks: encode it, rank the chunks (``ranking``), look them up and refine the hits (``refine``).

One search reads one snapshot from beginning to end. A newer snapshot is picked up between searches, without failing
the ones under way. Knows nothing of parsing, prompts or HTTP.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from corpus.catalog import Catalog
from corpus.errors import Damaged, NotFound, UserError
from corpus.filters import check_text, filter_keys, matching
from corpus.home import Home
from corpus.records import SearchResult
from retrieval.index import Reader
from retrieval.live import PATIENCE_S, EncoderOf, LiveReader
from retrieval.protocols import Encoder, Scope
from retrieval.ranking import Question, Ranking, merged, rank
from retrieval.refine import Refinement, Refiner, Stages
from retrieval.settings import RetrievalSettings
from retrieval.timing import Clock

__all__ = ["MAX_K", "MODES", "Searcher", "check_query"]

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
        self._catalog = catalog
        self._settings = settings
        self._observe = observe
        self._refiner = Refiner(catalog, settings)
        self._scopes: tuple[Reader | None, dict[tuple[object, ...], Scope]] = (None, {})

    def reader(self, patience_s: float | None = PATIENCE_S) -> Reader | None:
        """The live snapshot; see ``LiveReader.pair``."""
        pair = self.live.pair(patience_s)
        return pair[0] if pair else None

    def _still_there(self, live: Reader, documents: Sequence[str] | None) -> Sequence[str] | None:
        """While an older snapshot stands in, what was removed since must not be found in it."""
        if not self.live.is_stand_in(live):
            return documents
        now = {document.id for document in self._catalog.documents()}
        return sorted(now if documents is None else now.intersection(documents))

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
        clock = Clock()
        queries = (query, *phrasings)
        self._check(queries, k, mode, pages)
        stages = Stages.of(self._settings, refinement)
        pair = self.live.pair()
        collections = self._readable(collection, reader)
        if pair is None:
            return SearchResult(query, 0, (), clock.timings_ms())
        live, encoder = pair
        chosen = self._chosen(live.number, collections, self._still_there(live, documents), filters)
        scope = self._scope(live, collections, chosen, pages)
        clock.lap("fetch")
        ranking = self._ranking(live, encoder, queries, k, mode, scope, clock)
        try:
            hits = self._refiner.hits(query, ranking, k, live, stages, clock)
        except Damaged:
            if self.reader(patience_s=None) is live:
                raise  # else the snapshot was replaced, and its rows forgotten, during this search
            scope_ = (collection, documents, filters, reader, pages)
            return self.search(query, k, mode, *scope_, phrasings, **refinement)
        timings = clock.timings_ms()
        self._observe(mode, timings)
        return SearchResult(query, live.number, hits, timings)

    def _check(
        self, queries: Sequence[str], k: int, mode: str, pages: tuple[int, int] | None
    ) -> None:
        for query in queries:
            check_query(query, self._settings.max_query_characters)
        if mode not in MODES:
            raise UserError(f"there is no search mode {mode[:80]!r}; use one of {', '.join(MODES)}")
        if not 1 <= k <= MAX_K:
            raise UserError(f"k is {k}; give a number from 1 to {MAX_K}")
        if pages is not None and not 1 <= pages[0] <= pages[1] < 2**31:
            raise UserError(
                f"the pages are {pages[0]} to {pages[1]}; give the first and the last, counted from 1"
            )

    def _ranking(
        self,
        live: Reader,
        encoder: Encoder,
        queries: Sequence[str],
        k: int,
        mode: str,
        scope: Scope | None,
        clock: Clock,
    ) -> Ranking:
        vectors: Iterable[Any] = itertools.repeat(None)
        if mode != "lexical" and len(live.dense):
            vectors = encoder.encode_queries(queries)
        clock.lap("embed")
        n = max(k, self._settings.candidates, self._settings.pool)
        asked = [
            Question(text, vector, mode, scope)
            for text, vector in zip(queries, vectors, strict=False)
        ]
        return merged([rank(live, question, n, self._settings, clock) for question in asked])

    def _readable(self, collection: str | None, reader: str | None) -> tuple[str, ...] | None:
        """The collections to search; ``None``: all of them. One that is not for ``reader`` is as good as none."""
        if collection is None and reader is None:
            return None
        readers = self._catalog.readers()
        open_ = [n for n, who in readers.items() if reader is None or not who or reader in who]
        if collection is None:
            return None if len(open_) == len(readers) else tuple(open_)
        if collection not in open_:
            raise NotFound(
                f"there is no collection {collection[:80]!r}; `alcove documents` lists what there is"
            )
        return (collection,)

    def _chosen(
        self,
        at: int,
        collections: tuple[str, ...] | None,
        documents: Sequence[str] | None,
        filters: Mapping[str, str] | None,
    ) -> tuple[str, ...] | None:
        """The documents to search; ``None``: all of them."""
        named = None if documents is None else set(documents)
        if filters:
            wanted = {key.lower(): value for key, value in filters.items()}
            found = matching(self._catalog.database, at, wanted, collections)
            if not found:
                self._check_filters(at, wanted, collections)
            named = set(found) if named is None else named.intersection(found)
        return None if named is None else tuple(sorted(named))

    def _check_filters(
        self, at: int, filters: Mapping[str, str], collections: tuple[str, ...] | None
    ) -> None:
        known = filter_keys(self._catalog.database, at, collections)
        for key in filters:
            if key not in known:
                raise UserError(
                    f"no document has the metadata {key[:80]!r}; filter by one of {', '.join(known)}"
                )

    def _scope(
        self,
        reader: Reader,
        collections: tuple[str, ...] | None,
        documents: tuple[str, ...] | None,
        pages: tuple[int, int] | None,
    ) -> Scope | None:
        """What is searched; ``None``: everything."""
        key = (collections, documents, pages)
        if key == (None, None, None):
            return None
        of, scopes = self._scopes
        if of is not reader:
            of, scopes = self._scopes = (reader, {})
        scope = scopes.get(key)
        if scope is None:
            ids = self._catalog.chunk_ids(reader.number, *key)
            keys = np.array([int(i, 16) for i in ids], dtype=np.int64)
            scope = Scope(keys, collections, documents, is_part=pages is not None)
            if len(scopes) < 64:
                scopes[key] = scope
        return scope
