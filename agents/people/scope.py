"""The search and the documents as one person may see them: what they may not read is as good as not there.

Every run and every answer gets its finder and its library from here, so that tools and engines never think about
identity. The owner of the machine sees everything and is given the things themselves. Knows nothing of keys or HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.records.protocols import Finder
from agents.tools.tool import Desk
from corpus.catalog import Catalog
from corpus.identity import Person
from corpus.records import Document, Parsed, SearchResult

if TYPE_CHECKING:
    from agents.answering.answer import Answerer
    from agents.running.asked import Asked
    from agents.store.memory import Chats

__all__ = [
    "Limited",
    "Reading",
    "Searching",
    "answerer_for",
    "answerer_of",
    "desk_for",
    "finder_for",
    "finder_of",
    "library_for",
]


@dataclass(frozen=True, slots=True)
class Searching:
    """A ``Finder`` that finds for one reader, whoever it is told to find for."""

    finder: Finder
    name: str

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
        *,
        phrasings: Sequence[str] = (),
    ) -> SearchResult:
        """As ``Finder.search``, among what this reader may read; ``reader`` is passed over."""
        wanted = (query, k, mode, collection, documents, filters)
        return self.finder.search(*wanted, self.name, pages, phrasings=phrasings)


@dataclass(frozen=True, slots=True)
class Limited:
    """A ``Finder`` that finds in some documents and pages only, whatever else it is told to keep to."""

    finder: Finder
    filters: Mapping[str, str]
    pages: tuple[int, int] | None

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
        *,
        phrasings: Sequence[str] = (),
    ) -> SearchResult:
        """As ``Finder.search``, within these limits too; pages that do not meet them hold nothing."""
        both = {**(filters or {}), **self.filters}
        if pages and self.pages:
            pages = max(pages[0], self.pages[0]), min(pages[1], self.pages[1])
            if pages[0] > pages[1]:
                return SearchResult(query, 0, (), {})
        wanted = (query, k, mode, collection, documents, both, reader, pages or self.pages)
        return self.finder.search(*wanted, phrasings=phrasings)


@dataclass(frozen=True, slots=True)
class Reading:
    """The catalog as one reader sees it: a ``Library`` and a ``Texts``.

    Raises (each method with an id):
        NotFound: there is no such document, or it is not for this reader; the words are the same.
    """

    catalog: Catalog
    name: str

    def documents(self, collection: str | None = None) -> Sequence[Document]:
        """The live documents that they may read, of one collection or of all."""
        return self.catalog.documents(collection, reader=self.name)

    def document(self, document_id: str) -> Document:
        """The record of a document."""
        return self.catalog.document(document_id, self.name)

    def text(self, document_id: str) -> str:
        """The canonical text that all spans index into."""
        return self.catalog.text(document_id, self.name)

    def parsed(self, document_id: str) -> Parsed:
        """Text, elements and pages."""
        return self.catalog.parsed(document_id, self.name)


def finder_for(person: Person, finder: Finder) -> Finder:
    """What ``person`` may search."""
    return finder if person.is_owner else Searching(finder, person.name)


def finder_of(asked: Asked, finder: Finder) -> Finder:
    """What is searched for what was ``asked``: what the person may read, within the limits they set."""
    theirs = finder_for(asked.person, finder)
    return Limited(theirs, asked.filters, asked.pages) if asked.limits else theirs


def library_for(person: Person, catalog: Catalog) -> Catalog | Reading:
    """What ``person`` may read."""
    return catalog if person.is_owner else Reading(catalog, person.name)


def desk_for(asked: Asked, finder: Finder, catalog: Catalog, chats: Chats) -> Desk:
    """What the tools of one run may reach: the documents, memories and notes of whoever asked."""
    return Desk(
        finder_of(asked, finder),
        library_for(asked.person, catalog),
        asked.collection,
        person=asked.person,
        memories=chats.memories,
        notes=chats.notes,
        source=asked.thread,
    )


def answerer_for(person: Person, answerer: Answerer, finder: Finder, catalog: Catalog) -> Answerer:
    """``answerer``, answering from what ``person`` may read."""
    if person.is_owner:
        return answerer
    return answerer.over(finder_for(person, finder), library_for(person, catalog))


def answerer_of(asked: Asked, answerer: Answerer, finder: Finder, catalog: Catalog) -> Answerer:
    """``answerer``, answering what was ``asked`` from what may be read, within the limits set."""
    if asked.limits:
        return answerer.over(finder_of(asked, finder), library_for(asked.person, catalog))
    return answerer_for(asked.person, answerer, finder, catalog)
