"""The HTTP route that looks into a search: ``POST /v1/inspect``. Assembled into the service by ``agents.service``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from corpus.errors import Conflict
from retrieval.caller import Caller
from retrieval.inspection import Inspected, Inspection, Listed, inspect
from retrieval.limits import Limits
from retrieval.ranking import DEPTHS, FUSIONS, Tuning
from retrieval.routes import HitReply, SearchRequest, hit_json, plain_number
from retrieval.search import Searcher

__all__ = ["inspection_json", "router"]

_OPENING = 300  # characters of a passage in the lists

_Weight = Annotated[float, BeforeValidator(plain_number), Field(ge=0, le=1e6, allow_inf_nan=False)]


class Weights(BaseModel):
    """How much each half of a fused score counts; only their proportion matters."""

    model_config = ConfigDict(extra="forbid")

    dense: _Weight
    lexical: _Weight

    @model_validator(mode="after")
    def _one_counts(self) -> Weights:
        if not self.dense + self.lexical:
            raise ValueError("one of the two must be above 0")
        return self

    @property
    def share(self) -> float:
        """The dense half's, 0..1."""
        return self.dense / (self.dense + self.lexical)


class InspectRequest(SearchRequest):
    """Body of ``POST /v1/inspect``: a search, and how its lists are made and joined; null, each: as it is set."""

    fusion: str | None = Field(default=None, json_schema_extra={"enum": [*FUSIONS, None]})
    weights: Weights | None = Field(default=None, description="not with fusion 'rrf'")
    depth: Annotated[int | None, BeforeValidator(plain_number)] = Field(
        default=None,
        description="hits that each list is asked for, at least",
        json_schema_extra={"minimum": DEPTHS[0], "maximum": DEPTHS[1]},
    )

    def tuning(self) -> Tuning:
        """What differs from the settings."""
        tuning: Tuning = {}
        if self.fusion is not None:
            tuning["fusion"] = self.fusion
        if self.weights is not None:
            tuning["dense_weight"] = self.weights.share
        if self.depth is not None:
            tuning["candidates"] = self.depth
        return tuning


class SettingsReply(BaseModel):
    """How the search was made; ``weights`` are those of the parts in a fused score."""

    k: int
    mode: str
    fusion: str | None = Field(description="null: one list alone was searched")
    weights: dict[str, float]
    depth: int = Field(description="hits that each list was asked for")
    rerank: bool
    collapse: bool
    diversity: float | None
    neighbours: int
    collection: str | None
    filters: dict[str, str]
    pages: tuple[int, int] | None
    reader: str | None = Field(description="whose documents were searched; null: all there are")


class InspectedReply(HitReply):
    """A hit with what it is owed to: ``weights.dense * dense_part + weights.lexical * lexical_part`` is its
    ``fused_score``.
    """

    collection: str
    title: str
    fused_rank: int = Field(description="its place before reranking, collapsing and diversity")
    fused_score: float
    dense_score: float | None = Field(description="cosine")
    lexical_score: float | None = Field(description="BM25")
    dense_part: float | None
    lexical_part: float | None
    rerank_score: float | None
    why: str = Field(description="why it stands where it does, in words")


class ListedReply(BaseModel):
    """An entry of the dense or the lexical list; ``text`` is how the passage begins."""

    rank: int
    score: float
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
    fused_rank: int | None = Field(description="its place when both lists were joined")
    hit: int | None = Field(description="the rank of the hit that shows it")


class RemovedReply(BaseModel):
    """What one limit left out of what those before it had left; never of what the caller may not read."""

    kind: str = Field(description="collection, metadata or pages")
    filter: str = Field(description="the name of the metadata, else as the kind")
    value: str
    documents: int
    chunks: int


class InspectReply(BaseModel):
    """What ``POST /v1/inspect`` returns: the hits of the same search, and how they came to be."""

    query: str
    snapshot: int
    settings: SettingsReply
    hits: list[InspectedReply]
    dense: list[ListedReply]
    lexical: list[ListedReply]
    removed: list[RemovedReply]
    searched: dict[str, int] = Field(description="documents and chunks that were searched")
    timings_ms: dict[str, float] = Field(description="as of a search; explain: what this took more")


def router(searcher: Callable[[], Searcher]) -> APIRouter:
    """The route under ``/v1``; the argument is called per request, since models load after the start."""
    api = APIRouter(prefix="/v1", tags=["retrieval"])

    @api.post("/inspect", responses={200: {"model": InspectReply}})
    def inspect_search(body: InspectRequest, person: Caller) -> dict[str, Any]:
        """A search with both lists, what each gave to the scores, what the limits left out, and why each hit
        stands where it does.
        """
        limits = Limits(body.collection, None, body.filters, person.reader, body.pages)
        found = inspect(
            searcher(), body.query, body.k, body.mode, limits, body.tuning(),
            rerank=body.rerank, collapse=body.collapse, diversity=body.diversity,
            neighbours=body.neighbours,
        )  # fmt: skip
        if not found.look.result.snapshot:
            raise Conflict(
                "there are no documents to search yet; add some with `alcove ingest` or POST /v1/documents"
            )
        return inspection_json(found)

    return api


def inspection_json(found: Inspection) -> dict[str, Any]:
    """An inspection as ``InspectReply``."""
    result = found.look.result
    return {
        "query": result.query,
        "snapshot": result.snapshot,
        "settings": _settings_json(found),
        "hits": [_inspected_json(hit) for hit in found.hits],
        "dense": [_listed_json(entry) for entry in found.dense],
        "lexical": [_listed_json(entry) for entry in found.lexical],
        "removed": [
            {
                "kind": limit.kind,
                "filter": limit.name,
                "value": limit.value,
                "documents": limit.documents,
                "chunks": limit.chunks,
            }
            for limit in found.removed
        ],
        "searched": found.searched._asdict(),
        "timings_ms": {**result.timings_ms, "explain": round(found.explain_ms, 3)},
    }


def _settings_json(found: Inspection) -> dict[str, Any]:
    look, limits, stages = found.look, found.look.limits, found.look.stages
    return {
        "k": look.k,
        "mode": look.mode,
        "fusion": look.settings.fusion if look.mode == "hybrid" else None,
        "weights": dict(zip(("dense", "lexical"), found.weights, strict=True)),
        "depth": found.depth,
        "rerank": stages.rerank,
        "collapse": stages.collapse,
        "diversity": stages.diversity,
        "neighbours": stages.neighbours,
        "collection": limits.collection,
        "filters": dict(limits.filters),
        "pages": limits.pages,
        "reader": limits.reader,
    }


def _inspected_json(found: Inspected) -> dict[str, Any]:
    document = found.hit.document
    return {
        **hit_json(found.hit),
        "collection": document.collection,
        "title": document.title,
        "fused_rank": found.fused_rank,
        "fused_score": round(found.fused_score, 6),
        "dense_score": _rounded(found.dense_score),
        "lexical_score": _rounded(found.lexical_score),
        "dense_part": _rounded(found.dense_part),
        "lexical_part": _rounded(found.lexical_part),
        "rerank_score": _rounded(found.rerank_score),
        "why": found.why,
    }


def _listed_json(entry: Listed) -> dict[str, Any]:
    chunk, document = entry.chunk, entry.document
    return {
        "rank": entry.rank,
        "score": round(entry.score, 6),
        "chunk": chunk.id,
        "document": document.id,
        "source": document.source,
        "collection": document.collection,
        "title": document.title,
        "page": chunk.page,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text[:_OPENING],
        "headings": list(chunk.headings),
        "fused_rank": entry.fused_rank,
        "hit": entry.hit,
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
