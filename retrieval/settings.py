"""Settings of the encoder, the indexes and the search. Reads nothing from the environment itself."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "BATCH_TOKENS",
    "MAX_NEIGHBOURS",
    "DenseSettings",
    "EmbeddingSettings",
    "RetrievalSettings",
]

BATCH_TOKENS = 4096
MAX_NEIGHBOURS = 20


class EmbeddingSettings(BaseModel):
    """Which encoder is used, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        default="auto",
        description="'auto', a name that `alcove models` lists, or a sentence-transformers folder",
    )
    precision: Literal["auto", "fp32", "bf16", "int8"] = Field(
        default="auto",
        description="arithmetic of the encoder; 'auto' takes what a measurement at first use finds"
        " fastest of fp32 and bf16; 'int8' needs `alcove reindex`, which rounds the weights",
    )
    runtime: Literal["auto", "openvino", "torch"] = Field(
        default="auto",
        description="library that computes; 'auto' takes the one measured to be faster at first use",
    )
    batch_tokens: int = Field(
        default=BATCH_TOKENS, ge=256, description="padded tokens per batch (count)"
    )
    prepared: Path | None = Field(
        default=None,
        description="folder for models converted for this machine; default: 'prepared' in the home",
    )
    cache: Path | None = Field(
        default=None,
        description="hub cache folder searched for models; default: the hub library's own",
    )


class DenseSettings(BaseModel):
    """How the dense index is laid out when a part of it is written. It is exact while that is fast and fits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exact_vectors: int = Field(
        default=30_000,
        ge=1,
        description="largest part of the index that is compared vector by vector (count)",
    )
    memory_mib: int = Field(
        default=1024,
        ge=1,
        description="memory for what every dense search reads; vectors beyond it are coded (MiB)",
    )
    recall: float = Field(
        default=0.96,
        gt=0,
        lt=1,
        description="share of the true ten best that an approximate part is set to find (0..1)",
    )


class RetrievalSettings(BaseModel):
    """How a query is answered from the indexes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fusion: Literal["calibrated", "convex", "rrf"] = Field(
        default="calibrated", description="how dense and lexical results are joined"
    )
    dense_weight: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="weight of the dense half in calibrated and convex fusion (0..1)",
    )
    candidates: int = Field(
        default=100, ge=10, description="hits taken from each index before fusion (count)"
    )
    rerank_model: Path | None = Field(
        default=None,
        description="folder of a sentence-transformers cross-encoder that reranks; default: none does",
    )
    pool: int = Field(
        default=50,
        ge=1,
        description="best hits that reranking and diversity choose from (count)",
    )
    collapse: bool = Field(
        default=False, description="show hits of nearly the same text as one, and name the others"
    )
    diversity: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="maximal marginal relevance: 0 (all for being different) to 1 (all for relevance)",
    )
    neighbours: int = Field(
        default=0,
        ge=0,
        le=MAX_NEIGHBOURS,
        description="chunks shown before and after each hit (count)",
    )
    max_query_characters: int = Field(
        default=20_000, ge=1, description="longest query accepted (characters)"
    )
    dense: DenseSettings = Field(
        default=DenseSettings(), description="how the dense index is laid out"
    )
