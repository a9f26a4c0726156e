"""What the ``documents`` and ``models`` commands list. Reads the catalog and the model folders; loads no model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.errors import AlcoveError
from corpus.home import Home
from ingest.coverage import coverage
from retrieval.models import MODELS, available
from retrieval.spaces import chosen, live_space

__all__ = ["collection_rows", "document_details", "document_rows", "model_rows"]


def document_rows(settings: Settings, collection: str | None) -> list[dict[str, Any]]:
    """Every document: id, source, title, collection, state, reason, pages, chunks."""
    catalog = Catalog(Home(settings.corpus.home))
    counts = catalog.chunk_counts()
    return [
        {
            "id": d.id,
            "source": d.source,
            "title": d.title,
            "collection": d.collection,
            "state": str(d.state),
            "reason": d.reason,
            "pages": d.pages,
            "chunks": counts.get(d.id, 0),
        }
        for d in catalog.documents(collection)
    ]


def collection_rows(settings: Settings) -> list[dict[str, Any]]:
    """Every collection: name, documents, chunks, readers."""
    return [asdict(info) for info in Catalog(Home(settings.corpus.home)).collections()]


def document_details(settings: Settings, id: str) -> dict[str, Any]:
    """One document with what was read of each page, its metadata, and its canonical text.

    Raises:
        NotFound: there is none with this id.
    """
    catalog = Catalog(Home(settings.corpus.home))
    document = catalog.document(id)
    return {
        "id": document.id,
        "source": document.source,
        "title": document.title,
        "collection": document.collection,
        "state": str(document.state),
        "reason": document.reason,
        "media_type": document.media_type,
        "pages": document.pages,
        "chunks": len(catalog.chunks_of(id)),
        **coverage(catalog, id),
        "text": catalog.text(id),
    }


def model_rows(settings: Settings) -> tuple[list[dict[str, Any]], str]:
    """Every encoder with its folder ("" when its files are not here), and which one is used and why."""
    home, embedding = Home(settings.corpus.home), settings.embedding
    rows = []
    for name, found in available(home, embedding.cache):
        megabytes = MODELS[name].megabytes if name in MODELS else 0
        folder = str(found.folder) if found else ""
        rows.append(
            {"name": name, "size": f"{megabytes} MB" if megabytes else "", "folder": folder}
        )
    try:
        used, _ = chosen(embedding, home, live_space(home))
    except AlcoveError as exc:
        return rows, str(exc)
    return rows, f"In use: {used.name}; {used.note}." if used.note else f"In use: {used.name}."
