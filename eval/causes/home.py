"""Looks at a home to tell where its search lost something: what was chunked, searched and ranked.

Everything comes from public calls of the catalog and the search, none of it from inside them. A query
is searched for again at most three times: in each index of its mode, and once without what comes after
fusion where the settings have any of that. Each of them goes as deep as the search it explains, so that
fusion joins the same candidates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from corpus.catalog import Catalog
from corpus.filters import matching
from corpus.records import Chunk, Document
from eval.causes.diagnosis import Held, Ranks
from retrieval.settings import RetrievalSettings

if TYPE_CHECKING:
    from retrieval.search import Searcher

__all__ = ["HomeLook", "Terms"]

INDEXES = {"dense": ("dense",), "lexical": ("lexical",), "hybrid": ("dense", "lexical")}


@dataclass(frozen=True, slots=True)
class Terms:
    """How the search was made that is to be explained: the arguments of ``Searcher.search``.

    ``documents`` names documents by id.
    """

    k: int = 10
    mode: str = "hybrid"
    collection: str | None = None
    documents: tuple[str, ...] | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    reader: str | None = None
    pages: tuple[int, int] | None = None

    @property
    def scope(self) -> dict[str, Any]:
        """What was searched, as arguments."""
        return {
            "collection": self.collection,
            "documents": self.documents,
            "filters": dict(self.filters) or None,
            "reader": self.reader,
            "pages": self.pages,
        }


class HomeLook:
    """A ``Look`` at one home and one way of searching it. Documents are named by their ``source``.

    Args:
        settings: those that the searcher has.
        terms: how the searches were made.
    """

    def __init__(
        self, catalog: Catalog, searcher: Searcher, settings: RetrievalSettings, terms: Terms
    ) -> None:
        self._catalog, self._searcher, self._terms = catalog, searcher, terms
        self._depth = max(terms.k, settings.candidates, settings.pool)
        self._off = _switched_off(settings)
        self._documents: dict[str, list[Document]] = defaultdict(list)
        self._by_id: dict[str, Document] = {}
        for document in catalog.documents():
            self._documents[document.source].append(document)
            self._by_id[document.id] = document
        self._readers = catalog.readers()
        self._matching: dict[str, frozenset[str]] = {}

    def held(self, document: str) -> Held:
        """The chunks of the documents with this source, in whatever collections."""
        found = self._documents.get(document, [])
        chunks = [c for entry in found for c in self._catalog.chunks_of(entry.id)]
        return Held(chunks, "" if chunks else _why_not(document, found))

    def excluded(self, chunk: Chunk) -> str:
        """Why the search was not of this chunk."""
        terms, document = self._terms, self._by_id[chunk.document]
        readers = self._readers.get(document.collection, ())
        if terms.collection not in (None, document.collection):
            return f"the search was of collection {terms.collection!r}, it is in {document.collection!r}"
        if terms.reader is not None and readers and terms.reader not in readers:
            return f"{terms.reader!r} may not read its collection {document.collection!r}"
        if terms.documents is not None and document.id not in terms.documents:
            return f"the search was of {len(terms.documents)} documents, and not of this one"
        for key, value in terms.filters.items():
            if document.id not in self._with(key, value):
                return f"the search was of documents with {key}={value!r}, which it does not have"
        return _off_the_pages(chunk, terms.pages)

    def ranks(self, query: str) -> Ranks:
        """The rankings of every index of the mode, and of all of them joined."""
        indexes = {name: self._places(query, name) for name in INDEXES[self._terms.mode]}
        if not self._off:
            return Ranks(indexes, self._depth)
        joined = self._places(query, self._terms.mode)
        return Ranks(indexes, self._depth, joined, " and ".join(self._off))

    def _places(self, query: str, mode: str) -> dict[str, int]:
        off: dict[str, Any] = {"neighbours": 0}
        for switched in self._off.values():
            off |= switched
        scope = self._terms.scope
        hits = self._searcher.search(query, self._depth, mode, **scope, **off).hits
        return {hit.chunk.id: rank for rank, hit in enumerate(hits, 1)}

    def _with(self, key: str, value: str) -> frozenset[str]:
        """The documents that have this metadata."""
        if key not in self._matching:
            wanted, at = {key.lower(): value}, self._catalog.snapshot
            self._matching[key] = frozenset(matching(self._catalog.database, at, wanted))
        return self._matching[key]


def _switched_off(settings: RetrievalSettings) -> dict[str, dict[str, Any]]:
    """What comes after fusion, by name, each with the arguments that leave it out."""
    found: dict[str, dict[str, Any]] = {}
    if settings.rerank_model is not None:
        found["reranking"] = {"rerank": False}
    if settings.collapse:
        found["collapsing"] = {"collapse": False}
    if settings.diversity is not None:
        found["diversity"] = {"diversity": 1.0}  # which leaves the order as it is
    return found


def _why_not(name: str, documents: Sequence[Document]) -> str:
    if not documents:
        return "there is no such document"
    (document, *_) = documents
    reason = f": {document.reason}" if document.reason else ""
    return f"the document has no chunks; it ended as {document.state.value}{reason}"


def _off_the_pages(chunk: Chunk, pages: tuple[int, int] | None) -> str:
    if pages is None or any(pages[0] <= page <= pages[1] for page in chunk.pages):
        return ""
    stands = f"on page {chunk.pages[0]}" if chunk.pages else "on no page"
    return f"the search was of pages {pages[0]} to {pages[1]}, it stands {stands}"
