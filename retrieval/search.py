"""From a question to ranked chunks: encode, search both indexes, fuse, look the chunks up.

One search reads one snapshot from beginning to end. A newer snapshot is picked up between searches, without failing
the ones under way. Knows nothing of parsing, prompts or HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corpus.catalog import Catalog
from corpus.errors import Damaged, NotFound, UserError
from corpus.filters import filter_keys, matching
from corpus.home import Home
from corpus.records import Hit, SearchResult
from retrieval.fusion import convex, rrf
from retrieval.index import Reader
from retrieval.live import PATIENCE_S, EncoderOf, LiveReader
from retrieval.protocols import Encoder, Scope
from retrieval.settings import RetrievalSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["MAX_K", "MODES", "Searcher", "check_query"]

MODES = ("dense", "lexical", "hybrid")
MAX_K = 1000


@dataclass(slots=True)
class _Ranking:
    """Keys and fused scores, best first, with what each index said of them."""

    keys: Keys
    scores: Array
    dense: dict[int, tuple[int, float]]  # key -> rank from 1, cosine
    lexical: dict[int, tuple[int, float]]  # key -> rank from 1, BM25


@dataclass(frozen=True, slots=True)
class _Field:
    """What one search is among: a scope (``None``: everything), and the mean of the vectors in it."""

    scope: Scope | None
    mean: Array


def check_query(query: str, longest: int) -> None:
    """Raises:
    UserError: the query is blank, or longer than ``longest`` characters.
    """
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
        self._fields: tuple[Reader | None, dict[tuple[object, ...], _Field]] = (None, {})

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
    ) -> SearchResult:
        """The best ``k`` chunks for ``query``, from one collection or some documents if given.

        Args:
            filters: metadata that a document must have, value by key; applied before the search,
                so that the best k of those allowed are found.
            reader: the name of who asks, who sees only what they may read; ``None``: the owner of
                this machine, who sees everything.

        Raises:
            UserError: empty or over-long query, unknown mode or filter, or k outside 1..1000.
            NotFound: a collection that does not exist, or is not for this reader.
            Damaged, FingerprintMismatch: see ``reader``.
        """
        started = time.perf_counter()
        check_query(query, self._settings.max_query_characters)
        if mode not in MODES:
            raise UserError(f"there is no search mode {mode!r}; use one of {', '.join(MODES)}")
        if not 1 <= k <= MAX_K:
            raise UserError(f"k is {k}; give a number from 1 to {MAX_K}")
        pair = self.live.pair()
        collections = self._readable(collection, reader)
        if pair is None:
            return SearchResult(query, 0, (), {"embed": 0.0, "search": 0.0, "total": _ms(started)})
        live, encoder = pair
        needs_vector = mode != "lexical" and len(live.dense) > 0
        vector = encoder.encode_queries([query])[0] if needs_vector else None
        embedded = time.perf_counter()
        there = self._still_there(live, documents)
        chosen = self._chosen(live.number, collections, there, filters)
        among = self._field(live, collections, chosen)
        ranking = self._rank(live, query, vector, max(k, self._settings.candidates), mode, among)
        try:
            hits = self._hits(ranking, k, live.number)
        except Damaged:
            if self.reader(patience_s=None) is live:
                raise  # else the snapshot was replaced, and its rows forgotten, during this search
            return self.search(query, k, mode, collection, documents, filters, reader)
        timings = {
            "embed": (embedded - started) * 1e3,
            "search": _ms(embedded),
            "total": _ms(started),
        }
        self._observe(mode, timings)
        return SearchResult(
            query, live.number, hits, {name: round(ms, 3) for name, ms in timings.items()}
        )

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
                f"there is no collection {collection!r}; `alcove documents` lists what there is"
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
                    f"no document has the metadata {key!r}; filter by one of {', '.join(known)}"
                )

    def _field(
        self,
        reader: Reader,
        collections: tuple[str, ...] | None,
        documents: tuple[str, ...] | None,
    ) -> _Field:
        if collections is None and documents is None:
            return _Field(None, reader.dense.mean)
        of, fields = self._fields
        if of is not reader:
            of, fields = self._fields = (reader, {})
        key = (collections, documents)
        among = fields.get(key)
        if among is None:
            ids = self._catalog.chunk_ids(reader.number, collections, documents)
            keys = np.array([int(i, 16) for i in ids], dtype=np.int64)
            among = _Field(Scope(keys, collections, documents), reader.dense.mean_of(keys))
            if len(fields) < 64:
                fields[key] = among
        return among

    def _rank(
        self,
        reader: Reader,
        query: str,
        vector: Array | None,
        n: int,
        mode: str,
        among: _Field,
    ) -> _Ranking:
        none = (np.empty(0, np.int64), np.empty(0, np.float32))
        dense = none if vector is None else reader.dense.search(vector, n, among.scope)
        lexical = none if mode == "dense" else reader.lexical.search(query, n, among.scope)
        keys, scores = dense if mode == "dense" else lexical
        if vector is not None and mode == "hybrid":
            mean = float(among.mean @ vector)
            keys, scores = self._fuse(reader, vector, mean, dense, lexical)
        return _Ranking(keys, scores, _ranks(*dense), _ranks(*lexical))

    def _fuse(
        self,
        reader: Reader,
        vector: Array,
        mean: float,
        dense: tuple[Keys, Array],
        lexical: tuple[Keys, Array],
    ) -> tuple[Keys, Array]:
        if self._settings.fusion == "rrf":
            return rrf([dense[0], lexical[0]])
        keys = np.union1d(dense[0], lexical[0])
        bm25 = np.zeros(len(keys), dtype=np.float32)
        bm25[np.searchsorted(keys, lexical[0])] = lexical[1]
        return convex(
            keys, reader.dense.similarity(vector, keys), bm25, mean, self._settings.dense_weight
        )

    def _hits(self, ranking: _Ranking, k: int, snapshot: int) -> tuple[Hit, ...]:
        ids = [f"{key:016x}" for key in ranking.keys[:k].tolist()]
        chunks = self._catalog.chunks(ids, snapshot)
        documents = self._catalog.documents_by_id((c.document for c in chunks.values()), snapshot)
        hits: list[Hit] = []
        for id, key, score in zip(
            ids, ranking.keys.tolist(), ranking.scores.tolist(), strict=False
        ):
            chunk = chunks.get(id)
            if chunk is None or chunk.document not in documents:
                raise Damaged(
                    f"snapshot {snapshot} holds chunk {id!r}, the catalog does not; run `alcove doctor`"
                )
            dense_rank, cosine = ranking.dense.get(key, (None, None))
            lexical_rank, bm25 = ranking.lexical.get(key, (None, None))
            found = (dense_rank, lexical_rank, cosine, bm25)
            hits.append(Hit(chunk, documents[chunk.document], score, len(hits) + 1, *found))
        return tuple(hits)


def _ranks(keys: Keys, scores: Array) -> dict[int, tuple[int, float]]:
    pairs = zip(keys.tolist(), scores.tolist(), strict=True)
    return {key: (rank, score) for rank, (key, score) in enumerate(pairs, start=1)}


def _ms(since: float) -> float:
    return (time.perf_counter() - since) * 1e3
