"""Settings of ingestion. Reads nothing from the environment itself."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["IngestSettings"]


class IngestSettings(BaseModel):
    """How files are read, cut and committed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: str = Field(default="recursive", description="chunking strategy, by name")
    chunk_tokens: int = Field(
        default=200, ge=16, description="size of a chunk (tokens of the encoder)"
    )
    overlap_tokens: int = Field(
        default=30, ge=0, description="text repeated between neighbours (tokens)"
    )
    sentences: int = Field(
        default=1, ge=1, le=3, description="embedded together by sentence_window (count)"
    )
    include: tuple[str, ...] = Field(
        default=(), description="globs, as in .gitignore, one of which a file must match; none: any"
    )
    exclude: tuple[str, ...] = Field(
        default=(), description="globs, as in .gitignore, of files and folders to leave out"
    )
    gitignore: bool = Field(
        default=False, description="whether .gitignore files leave files out, as .alcoveignore do"
    )
    folders: tuple[Path, ...] = Field(
        default=(),
        description="folders below which the service may be asked to ingest; none: nowhere",
    )
    workers: int = Field(default=2, ge=1, le=64, description="parser processes (count)")
    commit_documents: int = Field(
        default=64,
        ge=1,
        description="documents in the first durable commit of an ingestion; later ones hold up to 4 times"
        " as many (count)",
    )
    commit_seconds: float = Field(
        default=10, ge=0, description="time after which what was read is committed anyway (seconds)"
    )
    max_mib: int = Field(default=200, ge=1, description="largest file read (MiB)")
    timeout_s: float = Field(
        default=300, gt=0, description="longest time one file may take (seconds)"
    )
    memory_mib: int = Field(
        default=2048, ge=256, description="address space of a parser process (MiB)"
    )
