"""HTTP routes of search and embeddings. Assembled into the service by ``agents.service``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import UserError
from corpus.records import Hit, SearchResult
from retrieval.protocols import Encoder
from retrieval.search import Searcher

__all__ = ["router", "search_json"]

MAX_TEXTS = 256


class SearchRequest(BaseModel):
    """Body of ``POST /v1/search``."""

    model_config = ConfigDict(extra="forbid")

    query: str
    k: int = 10
    mode: str = "hybrid"
    collection: str | None = None
    filters: dict[str, str] = Field(default_factory=dict, description="metadata it must have")


class EmbeddingsRequest(BaseModel):
    """Body of ``POST /v1/embeddings``, in OpenAI's shape; ``input_type`` picks the model's prefix."""

    input: str | list[str]
    model: str = ""
    input_type: Literal["query", "passage"] = "passage"
    encoding_format: Literal["float"] = Field(default="float", description="only plain numbers")


def router(searcher: Callable[[], Searcher], encoder: Callable[[], Encoder]) -> APIRouter:
    """Routes under ``/v1``; both arguments are called per request, since models load after the start."""
    api = APIRouter(prefix="/v1", tags=["retrieval"])

    @api.post("/search")
    def search(body: SearchRequest) -> dict[str, Any]:
        """The best k passages for a query."""
        found = searcher().search(
            body.query, body.k, body.mode, body.collection, filters=body.filters
        )
        return search_json(found)

    @api.post("/embeddings")
    def embeddings(body: EmbeddingsRequest) -> dict[str, Any]:
        """Unit vectors of one or several texts."""
        return _embed(encoder(), body)

    return api


def search_json(result: SearchResult) -> dict[str, Any]:
    """The object that ``POST /v1/search`` returns and ``alcove search --json`` prints."""
    return {
        "query": result.query,
        "snapshot": result.snapshot,
        "hits": [_hit_json(hit) for hit in result.hits],
        "timings_ms": dict(result.timings_ms),
    }


def _hit_json(hit: Hit) -> dict[str, Any]:
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
    }


def _embed(encoder: Encoder, body: EmbeddingsRequest) -> dict[str, Any]:
    texts = [body.input] if isinstance(body.input, str) else body.input
    if not 1 <= len(texts) <= MAX_TEXTS:
        raise UserError(
            f"the request has {len(texts)} texts, 1 to {MAX_TEXTS} are allowed; send fewer"
        )
    encode = encoder.encode_queries if body.input_type == "query" else encoder.encode_passages
    rows = [
        {"object": "embedding", "index": i, "embedding": vector.tolist()}
        for i, vector in enumerate(encode(texts))
    ]
    tokens = sum(encoder.count_tokens(text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": encoder.fingerprint.model, "usage": usage}
