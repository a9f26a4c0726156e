"""What one search may return: limits in, the scope of the indexes out, and what each limit leaves out.

Everything is decided before the search, so that the best of what is allowed is found. What the reader may not read is
as good as not there: it is in no scope and in no count. Knows the catalog; nothing of queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from corpus.catalog import Catalog
from corpus.errors import NotFound, UserError
from corpus.filters import filter_keys, matching
from corpus.tally import Tally, tally
from retrieval.index import Reader
from retrieval.protocols import Scope

__all__ = ["Limits", "Removed", "Scoping"]

_SCOPES = 64  # that are remembered of one snapshot (count)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a search may return; ``None``, each: without that limit.

    Args:
        collection: its name.
        documents: their ids.
        filters: metadata that a document must have, value by key.
        reader: the name of who asks, who sees only what they may read; ``None``: the owner, who sees everything.
        pages: the first and the last page that a chunk may stand on.
    """

    collection: str | None = None
    documents: Sequence[str] | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    reader: str | None = None
    pages: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """What one limit left out of what those before it had left.

    ``kind`` is ``collection``, ``metadata`` or ``pages``; ``name`` a metadata's key, else as ``kind``.
    """

    kind: str
    name: str
    value: str
    documents: int
    chunks: int


class Scoping:
    """Turns limits into scopes of one snapshot. Safe to call from several threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._scopes: tuple[Reader | None, dict[tuple[object, ...], Scope]] = (None, {})
        self._tallies: tuple[Reader | None, dict[tuple[object, ...], Tally]] = (None, {})

    def collections(self, limits: Limits) -> tuple[str, ...] | None:
        """The collections to search; ``None``: all of them. One that is not for the reader is as good as none.

        Raises:
            NotFound: there is no such collection for this reader.
        """
        collection, reader = limits.collection, limits.reader
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

    def scope(
        self, live: Reader, limits: Limits, collections: tuple[str, ...] | None
    ) -> Scope | None:
        """What is searched of a snapshot; ``None``: everything.

        Args:
            collections: as ``collections`` gives them.

        Raises:
            UserError: no document that may be read has a filter's key.
        """
        documents = self._chosen(live.number, collections, limits)
        key = (collections, documents, limits.pages)
        if key == (None, None, None):
            return None
        of, scopes = self._scopes
        if of is not live:
            of, scopes = self._scopes = (live, {})
        scope = scopes.get(key)
        if scope is None:
            ids = self._catalog.chunk_ids(live.number, *key)
            keys = np.array([int(i, 16) for i in ids], dtype=np.int64)
            scope = Scope(keys, collections, documents, is_part=limits.pages is not None)
            if len(scopes) < _SCOPES:
                scopes[key] = scope
        return scope

    def removed(self, live: Reader, limits: Limits) -> tuple[tuple[Removed, ...], Tally]:
        """What each limit left out, in the order collection, filters, pages; and what is left after all of them.

        Raises:
            NotFound, UserError: as ``collections`` and ``scope``.
        """
        found = []
        before: Tally | None = None
        for kind, name, value, limited in _widest_first(limits):
            left = self._left(live, limited)
            if before is not None:
                gone = (before.documents - left.documents, before.chunks - left.chunks)
                found.append(Removed(kind, name, value, *gone))
            before = left
        assert before is not None
        return tuple(found), before

    def _left(self, live: Reader, limits: Limits) -> Tally:
        collections = self.collections(limits)
        key = (collections, self._chosen(live.number, collections, limits), limits.pages)
        of, tallies = self._tallies
        if of is not live:
            of, tallies = self._tallies = (live, {})
        found = tallies.get(key)
        if found is None:
            found = tally(self._catalog.database, live.number, *key)
            if len(tallies) < _SCOPES:
                tallies[key] = found
        return found

    def _chosen(
        self, at: int, collections: tuple[str, ...] | None, limits: Limits
    ) -> tuple[str, ...] | None:
        """The documents to search; ``None``: all of them."""
        named = None if limits.documents is None else set(limits.documents)
        if limits.filters:
            wanted = {key.lower(): value for key, value in limits.filters.items()}
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


def _widest_first(limits: Limits) -> Iterator[tuple[str, str, str, Limits]]:
    """The limits with one more of them at each step, and what that one is; first what the reader may read."""
    documents, reader = limits.documents, limits.reader
    yield "", "", "", Limits(None, documents, {}, reader)
    collection = limits.collection
    if collection is not None:
        yield "collection", "collection", collection, Limits(collection, documents, {}, reader)
    filters: dict[str, str] = {}
    for key, value in limits.filters.items():
        filters = {**filters, key: value}
        yield "metadata", key, value, Limits(collection, documents, filters, reader)
    if limits.pages is not None:
        first, last = limits.pages
        yield "pages", "pages", f"{first}-{last}", limits
