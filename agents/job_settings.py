"""What the ingestion process is told of the settings; it knows its own folders' and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

    from agents.settings import Settings

__all__ = ["job_settings"]


def job_settings(settings: Settings) -> dict[str, object]:
    """The sections that ``python -m ingest`` reads, as JSON values."""
    sections: dict[str, BaseModel] = {
        "corpus": settings.corpus,
        "ingest": settings.ingest,
        "embedding": settings.embedding,
        "dense": settings.retrieval.dense,
    }
    return {name: section.model_dump(mode="json") for name, section in sections.items()}
