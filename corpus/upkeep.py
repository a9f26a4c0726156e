"""What keeps a catalog small and sound: forgetting what no snapshot can see, and looking for damage.

Works on the tables of ``corpus.rows``. Whoever deletes holds the writer lock. Knows nothing of indexes.
"""

from __future__ import annotations

import time

from corpus.database import Database
from corpus.errors import Damaged
from corpus.records import Chunk
from corpus.rows import read_chunk
from corpus.undo import PENDING

__all__ = ["check_catalog", "content_hashes", "purge", "unreachable"]


_GONE = f"removed <= :oldest AND NOT {PENDING.format('documents.id', 'documents.removed')}"


def unreachable(catalog: Database, oldest: int) -> set[str]:
    """Content hashes of the documents that ``purge`` would delete and no other document has."""
    rows = catalog.rows(
        f"""SELECT sha256 FROM documents WHERE {_GONE} AND sha256 <> '' EXCEPT
            SELECT sha256 FROM documents WHERE removed IS NULL OR NOT ({_GONE})""",
        {"oldest": oldest, "now": time.time()},
    )
    return {row["sha256"] for row in rows}


def content_hashes(catalog: Database, *, read: bool = False) -> dict[str, str]:
    """The source of one document by its content hash, of all that some snapshot can see.

    Args:
        read: only of those that something was read from.
    """
    rows = catalog.rows(
        """SELECT sha256, MIN(source) AS source FROM documents
           WHERE sha256 <> '' AND (content IS NOT NULL OR NOT :read) GROUP BY sha256""",
        {"read": read},
    )
    return {row["sha256"]: row["source"] for row in rows}


def purge(catalog: Database, oldest: int) -> None:
    """Delete the rows that no snapshot from ``oldest`` on can see and that cannot be brought back any more."""
    at = {"oldest": oldest, "now": time.time()}
    gone = f"SELECT id FROM documents WHERE {_GONE}"
    if catalog.row(gone, at) is None:
        return
    waits = PENDING.format("chunks.document", "chunks.removed")
    with catalog.transaction() as db:
        db.execute(
            f"DELETE FROM chunks WHERE document IN ({gone}) AND removed <= :oldest AND NOT {waits}",
            at,
        )
        db.execute(f"DELETE FROM documents WHERE {_GONE}", at)
        db.execute("DELETE FROM undos WHERE until <= :now", at)
        db.execute(
            "DELETE FROM contents WHERE id NOT IN (SELECT content FROM documents WHERE content IS NOT NULL)"
        )


def check_catalog(catalog: Database) -> None:
    """Look at every page, and at every chunk, whose id is derived from its text and place.

    Raises:
        Damaged: the file is not a whole database, or a chunk is not what its id says.
    """
    catalog.check()
    for document in catalog.rows("SELECT id, MAX(source) AS source FROM documents GROUP BY id"):
        rows = catalog.rows("SELECT * FROM chunks WHERE document = :id", {"id": document["id"]})
        for chunk in map(read_chunk, rows):
            if chunk.id != Chunk.make_id(chunk.document, chunk.strategy, chunk.spans, chunk.text):
                raise Damaged(
                    f"a chunk of {document['source']!r} is damaged in {str(catalog.path)!r}; run"
                    f" `alcove documents remove {document['id']}`, then ingest the file again"
                )
