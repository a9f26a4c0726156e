"""The page's way to looking into a search: its part of the HTTP API, and which search a session looks into.

Errors are those of ``ui.api.client``. Knows nothing of Streamlit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast
from urllib.parse import quote

from ui.api.client import Service
from ui.api.narrowing import Narrowed

__all__ = [
    "InspectService",
    "InspectedJson",
    "Inspecting",
    "InspectionJson",
    "ListedJson",
    "RemovedJson",
    "SettingsJson",
]


_LONGEST = 2000  # characters of a query that fit into an address


class _PassageJson(TypedDict):
    rank: int
    chunk: str
    document: str
    source: str
    collection: str
    title: str
    page: int | None
    start: int
    end: int
    text: str
    headings: list[str]
    score: float
    fused_rank: int | None


class ListedJson(_PassageJson):
    """An entry of one index's list; ``hit`` is the rank of the hit that shows it."""

    hit: int | None


class InspectedJson(_PassageJson):
    """A hit with what it is owed to."""

    dense_rank: int | None
    lexical_rank: int | None
    duplicates: list[dict[str, str]]
    fused_score: float
    dense_score: float | None
    lexical_score: float | None
    dense_part: float | None
    lexical_part: float | None
    rerank_score: float | None
    why: str


class RemovedJson(TypedDict):
    """What one limit left out; ``kind`` is collection, metadata or pages."""

    kind: str
    filter: str
    value: str
    documents: int
    chunks: int


class SettingsJson(TypedDict):
    """How the search was made."""

    k: int
    mode: str
    fusion: str | None
    weights: dict[str, float]
    depth: int
    rerank: bool
    collapse: bool
    reader: str | None


class InspectionJson(TypedDict):
    """A search looked into."""

    query: str
    snapshot: int
    settings: SettingsJson
    hits: list[InspectedJson]
    dense: list[ListedJson]
    lexical: list[ListedJson]
    removed: list[RemovedJson]
    searched: dict[str, int]
    timings_ms: dict[str, float]


@dataclass
class Inspecting(Narrowed):
    """The search that one session looks into, and the passage of it that is chosen.

    Args:
        show: opens the view.
        opened: counts how often another search was opened, so that what is typed starts afresh.
        saved: what the last saved question's set is called.
    """

    show: Callable[[], None]
    query: str = ""
    collection: str | None = None
    chosen: str | None = None
    opened: int = 0
    saved: str | None = None

    def open(
        self,
        query: str,
        collection: str | None = None,
        filters: Mapping[str, str] | None = None,
        pages: tuple[int, int] | None = None,
    ) -> None:
        """Look into a search: open the view, and search there as somebody did elsewhere."""
        self._take(query, collection, dict(filters or {}))
        self.pages = pages
        self.show()

    def ask(self, query: str) -> None:
        """Look into the search for another query."""
        self.query, self.chosen, self.saved = query.strip(), None, None

    def within(self, collection: str | None) -> None:
        """Search one collection or (``None``) all; what was filtered by may not be there."""
        self.collection, self.filters, self.chosen = collection, {}, None
        self.opened += 1

    def choose(self, chunk: str | None) -> None:
        """Show a passage, or (``None``) none."""
        self.chosen = chunk

    def address(self) -> dict[str, str]:
        """What of it stands in the page's address."""
        filters = json.dumps(self.filters, ensure_ascii=False) if self.filters else ""
        query = self.query if len(self.query) <= _LONGEST else ""
        held = {"q": query, "collection": self.collection or "", "filters": filters}
        return {key: value for key, value in held.items() if value}

    def follow(self, address: Mapping[str, str]) -> None:
        """Look into the search of an address; filters that are none are passed over."""
        try:
            told = json.loads(address.get("filters", "{}"))
        except ValueError:
            told = {}
        filters = told if isinstance(told, dict) else {}
        known = {key: value for key, value in filters.items() if isinstance(value, str)}
        wanted = (address.get("q", ""), address.get("collection"), known)
        if wanted != (self.query, self.collection, self.filters):
            self._take(*wanted)

    def asked(self) -> dict[str, Any]:
        """What is searched for, and where, as ``POST /v1/inspect`` takes it."""
        asked: dict[str, Any] = {"query": self.query, "filters": self.filters}
        if self.collection is not None:
            asked["collection"] = self.collection
        return asked | ({"pages": list(self.pages)} if self.pages else {})

    def _take(self, query: str, collection: str | None, filters: dict[str, str]) -> None:
        self.query, self.collection, self.filters = query, collection, filters
        self.pages, self.chosen, self.saved = None, None, None
        self.opened += 1


class InspectService:
    """The routes that look into a search, and keep it as a test question."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def inspect(self, asked: Mapping[str, Any]) -> InspectionJson:
        """Search and explain; ``asked`` is the body of ``POST /v1/inspect``."""
        found = self._service.ask_json("POST", "/v1/inspect", json=dict(asked))
        return cast(InspectionJson, found)

    def save(self, name: str, text: str, source: tuple[str, int, int] | None) -> dict[str, Any]:
        """Add a question to the set ``name``, with where its answer stands, as (document, start, end); ``None``: the
        documents do not say.
        """
        document, start, end = source or ("", 0, 0)
        places = [{"document": document, "start": start, "end": end}] if source else []
        body = {"text": text, "sources": places, "unanswerable": source is None}
        return self._service.ask_json(
            "POST", f"/v1/question-sets/{quote(name, '')}/questions", json=body
        )
