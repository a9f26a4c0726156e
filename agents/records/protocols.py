"""The roles that the answer path is built from, one Protocol each.

Knows nothing of any implementation; imports no framework.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

from agents.records.answers import Message, Written
from corpus.records import Document, Parsed, Passage, SearchResult

__all__ = ["Engine", "Finder", "Texts"]


class Engine(Protocol):
    """Writes an answer from passages. Safe to use from several threads at once."""

    @property
    def name(self) -> str:
        """Which kind it is: ``extractive`` or ``openai``."""
        ...

    @property
    def model(self) -> str:
        """The model behind it, as its server names it; for ``extractive`` the encoder's name."""
        ...

    @property
    def url(self) -> str:
        """The server's base URL; empty when there is none."""
        ...

    @property
    def label(self) -> str:
        """What a person is told the answers come from, in a few words."""
        ...

    def stream(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Message] = (),
        stop: threading.Event | None = None,
    ) -> Generator[str, None, Written]:
        """Pieces of the answer, with ``[n]`` naming the numbers of ``passages``.

        The generator returns what the answer cost and which of the passages the engine was shown.
        Closing the iterator, or setting ``stop`` from another thread, ends the work at once, also
        at the server.

        Raises:
            ModelError: the server failed; the pieces yielded before are the partial answer.
        """
        ...

    def condense(
        self, question: str, history: Sequence[Message], stop: threading.Event | None = None
    ) -> str:
        """One self-contained question to search for, from one asked in a conversation.

        Setting ``stop`` from another thread ends the work at once, with any question.

        Raises:
            ModelError: the server failed; the caller can go on with the question as it is.
        """
        ...

    def rephrase(
        self, question: str, count: int, stop: threading.Event | None = None
    ) -> Sequence[str]:
        """At most ``count`` other phrasings of a question; none from an engine without a model.

        Setting ``stop`` from another thread ends the work at once.

        Raises:
            ModelError: the server failed; the caller can go on with the question alone.
        """
        ...


class Finder(Protocol):
    """Finds chunks; ``retrieval.search.Searcher`` is one."""

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
        """The best ``k`` chunks for ``query``, which may be given in other ``phrasings`` too, from one snapshot.

        ``filters``, ``reader`` and ``pages`` are those of ``retrieval.search.Searcher.search``.
        """
        ...


class Texts(Protocol):
    """Stored documents, their elements and canonical texts; ``corpus.catalog.Catalog`` is one."""

    def document(self, document_id: str) -> Document:
        """The record of a document; raises ``NotFound``."""
        ...

    def parsed(self, document_id: str) -> Parsed:
        """Text, elements and pages of a document; raises ``NotFound``."""
        ...

    def text(self, document_id: str) -> str:
        """The canonical text that all spans index into; raises ``NotFound``."""
        ...
