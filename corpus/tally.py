"""How much there is to be found: documents that have chunks, and their chunks, within some limits.

Knows the tables of ``corpus.rows`` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from corpus.database import Database
from corpus.filters import AMONG, as_json

__all__ = ["Tally", "tally"]


class Tally(NamedTuple):
    """Documents that have a chunk here, and the chunks (counts)."""

    documents: int
    chunks: int


def tally(
    catalog: Database,
    at: int,
    collections: Sequence[str] | None = None,
    documents: Sequence[str] | None = None,
    pages: tuple[int, int] | None = None,
) -> Tally:
    """What a search of snapshot ``at`` can find within some collections, documents and pages (first, last).

    ``None``, each: without that limit.
    """
    first, last = pages or (None, None)
    row = catalog.row(
        f"""SELECT COUNT(DISTINCT c.document) AS documents, COUNT(*) AS chunks
            FROM chunks c JOIN documents d ON d.id = c.document
            WHERE c.added <= :at AND (c.removed IS NULL OR c.removed > :at)
            AND d.added <= :at AND (d.removed IS NULL OR d.removed > :at)
            AND {AMONG}
            AND (:documents IS NULL OR d.id IN (SELECT value FROM json_each(:documents)))
            AND (:first IS NULL OR EXISTS
                 (SELECT 1 FROM json_each(c.pages) p WHERE p.value BETWEEN :first AND :last))""",
        {
            "at": at,
            "collections": as_json(collections),
            "documents": as_json(documents),
            "first": first,
            "last": last,
        },
    )
    return Tally(row["documents"], row["chunks"]) if row else Tally(0, 0)
