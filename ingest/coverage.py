"""What was read of a document, page by page: for whoever wants to know what an answer could miss."""

from __future__ import annotations

from typing import Any

from corpus.catalog import Catalog

__all__ = ["coverage"]


def coverage(catalog: Catalog, id: str) -> dict[str, Any]:
    """Characters of each page and where they came from, what is missing, and the metadata of a document.

    Raises:
        NotFound: there is none with this id.
    """
    document = catalog.document(id)
    parsed = catalog.parsed(id) if catalog.text(id) else None
    pages = [
        {"number": page.number, "origin": page.origin, "characters": len(page.span)}
        for page in (parsed.pages if parsed else ())
    ]
    missing = list(parsed.missing) if parsed else []
    return {"page_details": pages, "missing": missing, "metadata": dict(document.metadata)}
