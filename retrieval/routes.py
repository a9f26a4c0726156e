"""HTTP routes of search and embeddings. Assembled into the service by ``agents.service``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, field_validator

from corpus.errors import Conflict
from corpus.records import Hit, SearchResult
from retrieval.caller import Caller
from retrieval.protocols import Encoder
from retrieval.search import MAX_K, MODES, Searcher
from retrieval.settings import MAX_NEIGHBOURS

__all__ = [
    "Filters",
    "HitReply",
    "Pages",
    "SearchRequest",
    "hit_json",
    "plain_number",
    "router",
    "search_json",
]

MAX_TEXTS = 256


def plain_number(value: object) -> object:
    """A number as JSON has it, to be looked at by a validator after this."""
    if isinstance(value, bool | str):  # which would be taken for the number they look like
        raise ValueError("it must be a number")
    return value


_Page = Annotated[int, BeforeValidator(plain_number), Field(json_schema_extra={"minimum": 1})]
Pages: TypeAlias = tuple[_Page, _Page]
"""The first and the last page that is searched."""
Filters: TypeAlias = Annotated[dict[str, str], Field(max_length=32)]
"""Metadata that a document must have, value by key."""
_Text = Annotated[str, Field(min_length=1)]


class SearchRequest(BaseModel):
    """Body of ``POST /v1/search``. What the search itself checks, in its own words, is only told to OpenAPI here."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(
        description="some words; by default at most 20,000 characters",
        json_schema_extra={"minLength": 1, "pattern": r"\S"},
    )
    k: int = Field(
        default=10,
        description="most passages to return",
        json_schema_extra={"minimum": 1, "maximum": MAX_K},
    )
    mode: str = Field(default="hybrid", json_schema_extra={"enum": list(MODES)})
    collection: str | None = Field(
        default=None, max_length=200, description="search only this one; null: all"
    )
    filters: Filters = Field(default_factory=dict, description="metadata a document must have")
    pages: Pages | None = Field(
        default=None, description="first and last page a passage may stand on"
    )
    rerank: StrictBool | None = Field(
        default=None, description="with the cross-encoder that is set; null, here and below: as set"
    )
    collapse: StrictBool | None = Field(default=None, description="show near-duplicates as one")
    diversity: float | None = Field(
        default=None,
        description="0 (all for being different) to 1 (all for relevance)",
        json_schema_extra={"minimum": 0, "maximum": 1},
    )
    neighbours: int | None = Field(
        default=None,
        description="chunks shown before and after each passage",
        json_schema_extra={"minimum": 0, "maximum": MAX_NEIGHBOURS},
    )

    @field_validator("k", "diversity", "neighbours", mode="before")
    @classmethod
    def _is_number(cls, value: object) -> object:
        return plain_number(value)


class WindowReply(BaseModel):
    """A passage with its neighbours: a span of the document's text."""

    start: int
    end: int
    text: str


class HitReply(BaseModel):
    """A passage that was found; ``start`` and ``end`` are its span in its document's text."""

    rank: int
    score: float
    chunk: str
    document: str
    source: str
    page: int | None
    start: int
    end: int
    text: str
    headings: list[str]
    dense_rank: int | None
    lexical_rank: int | None
    duplicates: list[dict[str, str]] = Field(description="passages shown as this one")
    window: WindowReply | None = Field(description="what stands around it, if that was asked for")


class SearchReply(BaseModel):
    """What ``POST /v1/search`` returns; every hit belongs to the ``snapshot``."""

    query: str
    snapshot: int
    hits: list[HitReply]
    timings_ms: dict[str, float] = Field(description="how long each stage took")


class EmbeddingsRequest(BaseModel):
    """Body of ``POST /v1/embeddings``, in OpenAI's shape; ``input_type`` picks the model's prefix."""

    input: _Text | Annotated[list[_Text], Field(min_length=1, max_length=MAX_TEXTS)]
    model: str = Field(default="", description="passed over: there is one encoder")
    input_type: Literal["query", "passage"] = "passage"
    encoding_format: Literal["float"] = Field(default="float", description="only plain numbers")


class Embedding(BaseModel):
    """The unit vector of one text."""

    object: Literal["embedding"]
    index: int
    embedding: list[float]


class EmbeddingsReply(BaseModel):
    """What ``POST /v1/embeddings`` returns."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: dict[str, int]


def router(searcher: Callable[[], Searcher], encoder: Callable[[], Encoder]) -> APIRouter:
    """Routes under ``/v1``; both arguments are called per request, since models load after the start."""
    api = APIRouter(prefix="/v1", tags=["retrieval"])

    @api.post("/search", responses={200: {"model": SearchReply}})
    def search(body: SearchRequest, person: Caller) -> dict[str, Any]:
        """The best k passages for a query, or all there are if there are fewer."""
        found = searcher().search(**body.model_dump(), reader=person.reader)
        if not found.snapshot:
            raise Conflict(
                "there are no documents to search yet; add some with `alcove ingest` or POST /v1/documents"
            )
        return search_json(found)

    @api.post("/embeddings", responses={200: {"model": EmbeddingsReply}})
    def embeddings(body: EmbeddingsRequest) -> dict[str, Any]:
        """Unit vectors of one or several texts."""
        return _embed(encoder(), body)

    return api


def search_json(result: SearchResult) -> dict[str, Any]:
    """The object that ``POST /v1/search`` returns and ``alcove search --json`` prints."""
    return {
        "query": result.query,
        "snapshot": result.snapshot,
        "hits": [hit_json(hit) for hit in result.hits],
        "timings_ms": dict(result.timings_ms),
    }


def hit_json(hit: Hit) -> dict[str, Any]:
    """A hit as ``HitReply``."""
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "chunk": hit.chunk.id,
        "document": hit.document.id,
        "source": hit.document.source,
        "page": hit.chunk.page,
        "start": hit.chunk.start,
        "end": hit.chunk.end,
        "text": hit.chunk.text,
        "headings": list(hit.chunk.headings),
        "dense_rank": hit.dense_rank,
        "lexical_rank": hit.lexical_rank,
        "duplicates": [
            {
                "chunk": other.chunk.id,
                "document": other.document.id,
                "source": other.document.source,
            }
            for other in hit.duplicates
        ],
        "window": _window_json(hit),
    }


def _window_json(hit: Hit) -> dict[str, Any] | None:
    """The span and text around a hit, where its neighbours were asked for."""
    span = hit.chunk.window
    if span is None or not hit.context:
        return None
    return {"start": span.start, "end": span.end, "text": hit.context}


def _embed(encoder: Encoder, body: EmbeddingsRequest) -> dict[str, Any]:
    texts = [body.input] if isinstance(body.input, str) else body.input
    encode = encoder.encode_queries if body.input_type == "query" else encoder.encode_passages
    rows = [
        {"object": "embedding", "index": i, "embedding": vector.tolist()}
        for i, vector in enumerate(encode(texts))
    ]
    tokens = sum(encoder.count_tokens(text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": encoder.fingerprint.model, "usage": usage}
