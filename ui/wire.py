"""The JSON that the service sends to the page, as types: only the keys the page reads.

Steps, passages and citations have their own readers in ``agents.steps``.
"""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = [
    "CollectionJson",
    "DocumentJson",
    "JobFileJson",
    "JobJson",
    "MeJson",
    "MessageJson",
    "PageJson",
    "StatusJson",
    "TextJson",
    "ThreadJson",
]


class CollectionJson(TypedDict):
    """A collection and its size."""

    name: str
    documents: int
    chunks: int


class PageJson(TypedDict):
    """One page of a document: where its text came from, and how much there is."""

    number: int
    origin: str
    characters: int


class _DocumentJson(TypedDict):
    id: str
    source: str
    title: str
    media_type: str
    collection: str
    pages: int
    state: str
    reason: str
    size: int
    chunks: int


class DocumentJson(_DocumentJson, total=False):
    """A document; these keys only come with a single one."""

    page_details: list[PageJson]
    missing: list[str]
    metadata: dict[str, str]
    gone: bool


class TextJson(TypedDict):
    """A stretch ``[start, end)`` of a canonical text of ``length`` characters."""

    text: str
    start: int
    end: int
    length: int


class JobFileJson(TypedDict):
    """A file of a job; ``state`` is empty until it ended in one."""

    source: str
    state: str | None
    reason: str | None


class JobJson(TypedDict):
    """An ingestion job and how far it is."""

    id: str
    state: str
    done: int
    total: int
    files: list[JobFileJson]
    error: str | None


class MeJson(TypedDict):
    """Who is signed in; ``name`` is empty where there are no users."""

    name: str
    owner: bool
    signed_in: bool


class MessageJson(TypedDict):
    """A question, or an answer with all that belongs to it."""

    id: str
    role: str
    content: str
    created: str
    citations: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    engine: str
    model: str
    abstained: bool
    interrupted: bool
    steps: list[dict[str, Any]]
    error: str | None
    run: str | None


class _ThreadJson(TypedDict):
    id: str
    title: str
    created: str
    updated: str


class ThreadJson(_ThreadJson, total=False):
    """A conversation; in the list of all of them ``messages`` is not asked for."""

    messages: list[MessageJson]
    active_run: str | None


class _EngineJson(TypedDict):
    name: str
    model: str
    url: str
    label: str


class _EncoderJson(TypedDict):
    name: str
    dimension: int
    note: str


class StatusJson(TypedDict):
    """What runs, and what it holds."""

    version: str
    home: str
    snapshot: int | None
    engine: _EngineJson
    encoder: _EncoderJson
    collections: list[CollectionJson]
    states: dict[str, int]
