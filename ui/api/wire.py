"""The JSON that the service sends to the page, as types: only the keys the page reads.

Steps, passages and citations have their own readers in ``agents.records.steps``.
"""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = [
    "AlikeJson",
    "CollectionJson",
    "ComparisonJson",
    "DifferenceJson",
    "DocumentJson",
    "EvaluationJson",
    "JobFileJson",
    "JobJson",
    "MeJson",
    "PageJson",
    "QueriesJson",
    "QueryJson",
    "QuestionSetJson",
    "ReportJson",
    "StatusJson",
    "SystemJson",
    "TextJson",
]


class _CollectionJson(TypedDict):
    name: str
    documents: int
    chunks: int


class CollectionJson(_CollectionJson, total=False):
    """A collection, its size, and who may read it; in the status without those. Nobody named: everyone."""

    readers: list[str]


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


class AlikeJson(TypedDict):
    """Another document with the same content."""

    id: str
    source: str
    collection: str


class DocumentJson(_DocumentJson, total=False):
    """A document; these keys only come with a single one, where ``duplicates`` are those documents."""

    strategy: str
    added: str | None
    duplicates: int | list[AlikeJson]
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


class _JobJson(TypedDict):
    id: str
    state: str
    done: int
    total: int
    files: list[JobFileJson]
    error: str | None


class JobJson(_JobJson, total=False):
    """An ingestion job, how far it is, and the seconds that are left if that can be known."""

    eta_s: float | None


class MeJson(TypedDict):
    """Who is signed in; ``name`` is empty where there are no users."""

    name: str
    owner: bool
    signed_in: bool


class _EngineJson(TypedDict):
    name: str
    model: str
    url: str
    label: str


class _EncoderJson(TypedDict):
    name: str
    dimension: int
    note: str


class _StatusJson(TypedDict):
    version: str
    home: str
    snapshot: int | None
    engine: _EngineJson
    encoder: _EncoderJson
    collections: list[CollectionJson]
    states: dict[str, int]


class StatusJson(_StatusJson, total=False):
    """What runs, what it holds, and the largest file (MiB) that it reads."""

    max_file_mib: int


class _QuestionSetJson(TypedDict):
    name: str
    origin: str
    questions: int
    answerable: int
    error: str | None


class QuestionSetJson(_QuestionSetJson, total=False):
    """A question set; of the one from feedback, how many verdicts are no question, by reason."""

    left_out: dict[str, int]


class _SystemJson(TypedDict):
    name: str
    metrics: dict[str, float]
    ci95: dict[str, list[float]]
    latency_ms: dict[str, float | None]
    n: int


class SystemJson(_SystemJson, total=False):
    """What was measured of one system; the rest is left out where nobody looked."""

    n_by_metric: dict[str, int]
    parts: dict[str, Any]
    facts: dict[str, float]
    losses: dict[str, int]
    missed: int


class DifferenceJson(TypedDict):
    """Whether system ``a`` differs from ``b`` in one measure; ``delta`` is ``a`` minus ``b``."""

    a: str
    b: str
    metric: str
    delta: float
    ci95: list[float]
    p: float
    p_holm: float | None
    n: int


class ReportJson(TypedDict):
    """What an evaluation found."""

    dataset: str
    metric: str | None
    metrics: list[str]
    baseline: str | None
    systems: list[SystemJson]
    tests: list[DifferenceJson]
    context: dict[str, Any]


class EvaluationJson(TypedDict):
    """An evaluation and how far it is; in the list of all of them ``report`` is null."""

    id: str
    name: str
    state: str
    created: str
    request: dict[str, Any]
    error: str | None
    doing: str
    done: int
    total: int
    report: ReportJson | None


class _QueryJson(TypedDict):
    system: str
    query: str
    text: str
    kind: str
    metrics: dict[str, float]
    missed: bool
    stage: str | None
    losses: list[dict[str, Any]]


class QueryJson(_QueryJson, total=False):
    """How one question did under one system; these keys only come when one question is asked for."""

    found: list[dict[str, Any]]
    gold: list[dict[str, Any]]
    answer: str


class QueriesJson(TypedDict):
    """A page of questions; ``next`` is where the following page begins."""

    queries: list[QueryJson]
    total: int
    next: int | None


class ComparisonJson(TypedDict):
    """Whether one system is better than another, in a sentence."""

    sentence: str
