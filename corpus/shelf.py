"""Looking along the shelf: a page of the documents that a person may read, found, filtered and put in order by SQL.

Also which of them are the same as others (the same bytes, or the same canonical text), and a page of the chunks of one.
Nothing here loads more rows than it returns. Works on the tables of ``corpus.rows``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from corpus.database import Database
from corpus.errors import UserError
from corpus.name_keys import folded
from corpus.records import Chunk, Document, State
from corpus.rows import Stored, read_chunk, read_document, read_stored

__all__ = ["Listed", "Page", "Sort", "Wanted", "chunk_page", "counts_of", "page_of", "same_as"]

Sort = Literal["name", "added", "size", "state"]
# What comes first in each order, as values that rise; the id makes it a whole order.
_KEYS: Mapping[Sort, tuple[str, str]] = {
    "name": ("d.name", "d.source"),
    "added": ("-COALESCE(d.at, 0)", "d.name"),
    "size": ("-d.size", "d.name"),
    "state": ("CASE d.state {} ELSE 0 END", "d.name"),
}
_WELL = {State.INDEXED_PARTIAL: 1, State.INDEXED: 2, State.UNCHANGED: 2}  # after all problems
_LIVE = "d.added <= :at AND (d.removed IS NULL OR d.removed > :at)"
_OTHER = "o.added <= :at AND (o.removed IS NULL OR o.removed > :at) AND o.id <> d.id"
_OPEN = "({0}.collection NOT IN (SELECT value FROM json_each(:hidden)))"
MOST_SAME = 100  # duplicates that are counted; with more, there is no telling them apart anyway
_SAME_BYTES = "d.sha256 <> '' AND d.size > 0 AND o.sha256 = d.sha256"
_SAME_TEXT = "d.text_key <> '' AND o.text_key = d.text_key"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents.

    Args:
        reader: who asks; ``None``: the owner of the machine, who reads everything.
        words: all of which the title or the source holds, in any case.
        states: any of these; none: any state.
        duplicates: only those that are the same as another that ``reader`` may read.
    """

    reader: str | None = None
    collection: str | None = None
    words: Sequence[str] = ()
    states: Sequence[str] = ()
    duplicates: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A document of a page, how many chunks it has now, and how many others are the same, ``MOST_SAME`` at most."""

    stored: Stored
    chunks: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of documents; ``next`` begins the one after it.

    ``states`` counts all that fit but for the wanted states, ``total`` all that fit.
    """

    documents: Sequence[Listed]
    total: int
    next: str | None
    states: Mapping[str, int] = field(default_factory=dict)


def page_of(
    catalog: Database,
    at: int,
    wanted: Wanted,
    sort: Sort = "name",
    limit: int | None = None,
    after: str | None = None,
) -> Page:
    """Documents that are live at a snapshot, in any state.

    Args:
        limit: at most so many; ``None``: all.
        after: what an earlier page called ``next``, of the same ``sort``.

    Raises:
        UserError: ``after`` is none of ours.
    """
    values = _values(catalog, at, wanted)
    where = _where(wanted)
    states = {
        row["state"]: row["n"]
        for row in catalog.rows(
            f"SELECT d.state, COUNT(*) AS n FROM documents d WHERE {where} GROUP BY d.state ORDER BY d.state",
            values,
        )
    }
    total = sum(n for state, n in states.items() if not wanted.states or state in wanted.states)
    rows = _rows(catalog, where, values, wanted, sort, limit, after)
    more = limit is not None and len(rows) > limit
    rows = rows[:limit]
    counts = counts_of(catalog, [row["id"] for row in rows], at)
    found = [Listed(read_stored(row), counts.get(row["id"], 0), row["same"]) for row in rows]
    return Page(found, total, _cursor(sort, rows[-1]) if more else None, states)


def _rows(
    catalog: Database,
    where: str,
    values: Mapping[str, Any],
    wanted: Wanted,
    sort: Sort,
    limit: int | None,
    after: str | None,
) -> list[Any]:
    one, two = _order(sort)
    if wanted.states:
        where += " AND d.state IN (SELECT value FROM json_each(:states))"
    more: dict[str, Any] = {"limit": -1 if limit is None else limit + 1}
    if after is not None:
        where += f" AND ({one}, {two}, d.id) > (:one, :two, :id)"
        more |= dict(zip(("one", "two", "id"), _place(sort, after), strict=True))
    # The page is chosen first, on what orders it alone; only its rows are looked at for duplicates.
    return catalog.rows(
        f"""WITH page AS (SELECT d.rowid AS row, {one} AS one, {two} AS two, d.id AS id FROM documents d
                WHERE {where} ORDER BY one, two, d.id LIMIT :limit)
            SELECT d.*, page.one AS one, page.two AS two, {_same_count()} AS same
            FROM page JOIN documents d ON d.rowid = page.row ORDER BY page.one, page.two, page.id""",
        {**values, **more},
    )


def _order(sort: Sort) -> tuple[str, str]:
    one, two = _KEYS[sort]
    return one.format(" ".join(f"WHEN '{state}' THEN {n}" for state, n in _WELL.items())), two


def _values(catalog: Database, at: int, wanted: Wanted) -> dict[str, Any]:
    words = {f"word{n}": folded(word) for n, word in enumerate(wanted.words)}
    hidden = json.dumps(_hidden_from(catalog, wanted.reader))
    states = json.dumps(list(wanted.states))
    return {
        "at": at,
        "collection": wanted.collection,
        "hidden": hidden,
        "states": states,
        **words,
    }


def _where(wanted: Wanted) -> str:
    parts = [_LIVE, _OPEN.format("d")]
    if wanted.collection is not None:
        parts.append("d.collection = :collection")
    parts += [f"instr(d.sought, :word{n}) > 0" for n in range(len(wanted.words))]
    if wanted.duplicates:
        either = (f"d.{key} IN ({_shared(key)})" for key in ("sha256", "text_key"))
        parts.append(f"({' OR '.join(either)})")
    return " AND ".join(parts)


def _shared(key: str) -> str:
    """The values of a column that more than one document has, found in one pass."""
    real = "o.sha256 <> '' AND o.size > 0" if key == "sha256" else "o.text_key <> ''"
    live = "o.added <= :at AND (o.removed IS NULL OR o.removed > :at)"
    return f"""SELECT o.{key} FROM documents o WHERE {real} AND {live} AND {_OPEN.format("o")}
               GROUP BY o.{key} HAVING COUNT(*) > 1"""


def _others(same: str) -> str:
    return f"FROM documents o WHERE {same} AND {_OTHER} AND {_OPEN.format('o')}"


def _same_count() -> str:
    found = " UNION ".join(f"SELECT o.id {_others(same)}" for same in (_SAME_BYTES, _SAME_TEXT))
    return f"(SELECT COUNT(*) FROM ({found} LIMIT {MOST_SAME}))"


def _hidden_from(catalog: Database, reader: str | None) -> list[str]:
    """Collections that this reader may not read."""
    if reader is None:
        return []
    rows = catalog.rows(
        """SELECT name FROM collections WHERE readers <> '[]' AND owner <> :reader
           AND :reader NOT IN (SELECT value FROM json_each(readers))""",
        {"reader": reader},
    )
    return [row["name"] for row in rows]


def _cursor(sort: Sort, row: Any) -> str:
    place = json.dumps([sort, row["one"], row["two"], row["id"]])
    return base64.urlsafe_b64encode(place.encode()).decode()


def _place(sort: Sort, after: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(after.encode()))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    flat = isinstance(found, list) and all(isinstance(v, str | int | float) for v in found)
    if not flat or len(found) != 4 or found[0] != sort or _is_huge(found):
        raise UserError(
            f"{after[:60]!r} is no page of this list; leave `after` out to begin at its start"
        )
    return list(found[1:])


def _is_huge(values: Sequence[object]) -> bool:
    """Whether a number is larger than SQLite's."""
    return any(isinstance(value, int) and abs(value) >= 2**63 for value in values)


def counts_of(catalog: Database, ids: Sequence[str], at: int) -> dict[str, int]:
    """Number of live chunks by document id (documents without any are absent)."""
    rows = catalog.rows(
        """SELECT document, COUNT(*) AS n FROM chunks WHERE document IN (SELECT value FROM json_each(:ids))
           AND added <= :at AND (removed IS NULL OR removed > :at) GROUP BY document""",
        {"ids": json.dumps(list(ids)), "at": at},
    )
    return {row["document"]: row["n"] for row in rows}


def same_as(
    catalog: Database, document: str, at: int, reader: str | None, limit: int = 50
) -> list[Document]:
    """Other live documents that ``reader`` may read and that have the same bytes or the same canonical text."""
    values = {"id": document, "at": at, "hidden": json.dumps(_hidden_from(catalog, reader))}
    found = " UNION ".join(f"SELECT o.rowid {_others(same)}" for same in (_SAME_BYTES, _SAME_TEXT))
    rows = catalog.rows(
        f"""WITH d AS (SELECT id, sha256, size, text_key FROM documents WHERE id = :id ORDER BY added DESC LIMIT 1)
            SELECT * FROM documents WHERE rowid IN ({found.replace("documents o", "documents o, d")})
            ORDER BY collection, name, source LIMIT :limit""",
        {**values, "limit": limit},
    )
    return [read_document(row) for row in rows]


def chunk_page(
    catalog: Database, document: str, at: int, after: int = 0, limit: int = 50
) -> tuple[list[Chunk], int]:
    """Chunks of a document in reading order, from the one after the first ``after``, and how many there are."""
    live = "document = :document AND added <= :at AND (removed IS NULL OR removed > :at)"
    values = {"document": document, "at": at, "after": after, "limit": limit}
    rows = catalog.rows(
        f"""SELECT * FROM chunks WHERE {live}
            ORDER BY json_extract(spans, '$[0][0]'), json_extract(spans, '$[#-1][1]'), id
            LIMIT :limit OFFSET :after""",
        values,
    )
    total = catalog.rows(f"SELECT COUNT(*) AS n FROM chunks WHERE {live}", values)[0]["n"]
    return [read_chunk(row) for row in rows], total
