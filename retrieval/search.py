"""From a question to ranked chunks: encode, search both indexes, fuse, look the chunks up.

One search reads one snapshot from beginning to end. A newer snapshot is picked up between searches, without failing
the ones under way. Knows nothing of parsing, prompts or HTTP.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corpus.catalog import Catalog
from corpus.errors import Damaged, NotFound, UserError
from corpus.filters import check_text, filter_keys, matching
from corpus.home import Home
from corpus.records import Hit, SearchResult
from corpus.snapshot import SnapshotStore
from retrieval.fusion import convex, rrf
from retrieval.index import Reader
from retrieval.protocols import Encoder, Scope
from retrieval.settings import RetrievalSettings

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["MODES", "Searcher", "check_query"]

_LOG = logging.getLogger(__name__)

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
    """Searches the live snapshot of one home. Safe to call from several threads."""

    def __init__(
        self, home: Home, catalog: Catalog, encoder: Encoder, settings: RetrievalSettings
    ) -> None:
        self._store = SnapshotStore(home)
        self._catalog = catalog
        self._encoder = encoder
        self._settings = settings
        self._reader: Reader | None = None
        self._mark: bytes | None = None  # what CURRENT held when the reader was opened
        self._stand_in: Reader | None = None  # the reader, if it is not of the live snapshot
        self._fields: dict[tuple[object, ...], _Field] = {}
        self._lock = threading.Lock()

    def reader(self) -> Reader | None:
        """The live snapshot, opened and verified once; ``None`` before the first ingestion.

        If it is damaged, the newest older one that is whole stands in for it, until a writer has mended the index.

        Raises:
            Damaged: no snapshot's files match their checksums.
            FingerprintMismatch: it was embedded by another model or with other settings.
        """
        mark = self._store.mark()
        with self._lock:
            if mark is None and not self._catalog.snapshot:
                return None
            if self._reader is None or mark != self._mark:
                reader, is_stand_in = self._open(mark)
                reader.fingerprint.require(self._encoder.fingerprint)
                self._stand_in = reader if is_stand_in else None
                self._reader, self._mark, self._fields = reader, mark, {}
            return self._reader

    def _open(self, mark: bytes | None) -> tuple[Reader, bool]:
        """A reader of the live snapshot, or of the one that stands in for it, and which of the two."""
        try:
            snapshot = self._store.live()
            if snapshot is None:
                raise Damaged("the file 'CURRENT' is missing; run `alcove doctor --repair`")
            return Reader(snapshot), False
        except Damaged as exc:
            now = self._store.mark()
            if now != mark:  # it was not damaged, but replaced and cleared away while it was opened
                return self._open(now)
            return self._older(exc), True

    def _older(self, problem: Damaged) -> Reader:
        for number in reversed(self._store.numbers()):
            if number <= self._catalog.snapshot:
                try:
                    reader = Reader(self._store.open(number))
                except Damaged as exc:
                    _LOG.warning("snapshot %d cannot be used: %s", number, exc)
                else:
                    _LOG.warning("%s; until then snapshot %d answers", problem, number)
                    return reader
        raise problem

    def _still_there(self, live: Reader, documents: Sequence[str] | None) -> Sequence[str] | None:
        """While an older snapshot stands in, what was removed since must not be found in it."""
        if live is not self._stand_in:
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
            raise UserError(f"there is no search mode {mode[:80]!r}; use one of {', '.join(MODES)}")
        if not 1 <= k <= MAX_K:
            raise UserError(f"k is {k}; give a number from 1 to {MAX_K}")
        live = self.reader()
        collections = self._readable(collection, reader)
        if live is None:
            return SearchResult(query, 0, (), {"embed": 0.0, "search": 0.0, "total": _ms(started)})
        vector = None if mode == "lexical" else self._encoder.encode_queries([query])[0]
        embedded = time.perf_counter()
        there = self._still_there(live, documents)
        chosen = self._chosen(live.number, collections, there, filters)
        among = self._field(live, collections, chosen)
        ranking = self._rank(live, query, vector, max(k, self._settings.candidates), mode, among)
        try:
            hits = self._hits(ranking, k, live.number)
        except Damaged:
            if self.reader() is live:
                raise  # else the snapshot was replaced, and its rows forgotten, during this search
            return self.search(query, k, mode, collection, documents, filters, reader)
        timings = {
            "embed": (embedded - started) * 1e3,
            "search": _ms(embedded),
            "total": _ms(started),
        }
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

    def _field(
        self,
        reader: Reader,
        collections: tuple[str, ...] | None,
        documents: tuple[str, ...] | None,
    ) -> _Field:
        if collections is None and documents is None:
            return _Field(None, reader.dense.mean)
        key = (reader.number, collections, documents)
        among = self._fields.get(key)
        if among is None:
            ids = self._catalog.chunk_ids(reader.number, collections, documents)
            keys = np.array([int(i, 16) for i in ids], dtype=np.int64)
            among = _Field(Scope(keys, collections, documents), reader.dense.mean_of(keys))
            if len(self._fields) < 64:
                self._fields[key] = among
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
