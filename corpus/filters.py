"""Filters on the documents of a catalog: which metadata a document must have to be searched.

A filter names a column every document has, or a key of its metadata. Metadata values are text; a list is stored as
its items with ``, `` between, and a filter may name the whole or one item. Knows the tables of ``corpus.rows`` only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from corpus.database import Database
from corpus.errors import UserError

__all__ = [
    "AMONG",
    "FILTER_COLUMNS",
    "READABLE",
    "as_json",
    "check_pages",
    "check_text",
    "filter_keys",
    "filter_values",
    "matching",
]

FILTER_COLUMNS = ("media_type", "title")
_LONGEST_VALUE = 200  # characters; a longer one is no choice in a list
AMONG = "(:collections IS NULL OR d.collection IN (SELECT value FROM json_each(:collections)))"
READABLE = """(:reader IS NULL OR NOT EXISTS (
    SELECT 1 FROM collections c WHERE c.name = documents.collection AND c.readers <> '[]'
    AND c.owner <> :reader AND :reader NOT IN (SELECT value FROM json_each(c.readers))))"""
"""Whether ``:reader`` (``NULL``: the owner of the machine) may read the collection of a row of ``documents``."""
_LIVE = "d.added <= :at AND (d.removed IS NULL OR d.removed > :at)"


def matching(
    catalog: Database, at: int, filters: Mapping[str, str], collections: Sequence[str] | None = None
) -> list[str]:
    """Ids of the documents, sorted, whose metadata has each key with that value (or with it in a list).

    Args:
        at: the snapshot whose documents are meant.
        filters: value by key; a key is one of ``FILTER_COLUMNS`` or of the metadata.
        collections: look only in these; ``None``: in all.

    Raises:
        UserError: a key or a value is not text.
    """
    for text in (*filters.keys(), *filters.values()):
        check_text(text)
    values = {f"key{n}": key for n, key in enumerate(filters)}
    values |= {f"value{n}": value for n, value in enumerate(filters.values())}
    wanted = "".join(f" AND {_condition(n, key)}" for n, key in enumerate(filters))
    rows = catalog.rows(
        f"SELECT d.id FROM documents d WHERE {_LIVE} AND {AMONG}{wanted} ORDER BY d.id",
        {"at": at, "collections": as_json(collections), **values},
    )
    return [row["id"] for row in rows]


def check_text(text: str) -> None:
    """Refuse halves of characters, which bytes that are not UTF-8 become on a command line: nothing can store them.

    Raises:
        UserError: there is one in ``text``.
    """
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        half = text[exc.start]
        raise UserError(
            f"{text[:80]!r} holds {half!r}, which is no character; write it in UTF-8"
        ) from exc


def check_pages(pages: tuple[int, int] | None) -> None:
    """Raises:
    UserError: they are not the first and the last page of a range.
    """
    if pages is not None and not 1 <= pages[0] <= pages[1] < 2**31:
        raise UserError(
            f"the pages are {pages[0]} to {pages[1]}; give the first and the last, counted from 1"
        )


def filter_keys(catalog: Database, at: int, collections: Sequence[str] | None = None) -> list[str]:
    """The keys that some document of these collections (or of any) can be filtered by, sorted."""
    rows = catalog.rows(
        f"""SELECT DISTINCT m.key FROM documents d, json_each(d.metadata) m
            WHERE {_LIVE} AND {AMONG}""",
        {"at": at, "collections": as_json(collections)},
    )
    return sorted({*FILTER_COLUMNS, *(row["key"] for row in rows)})


def filter_values(
    catalog: Database, at: int, collections: Sequence[str] | None = None, most: int = 50
) -> dict[str, list[str]]:
    """What searchable documents of these collections (or of any) can be filtered by, the most frequent values first.

    A list is given as its items where others have most of them too, else as the whole: ``, `` may also be part of a
    name or a date.

    Args:
        at: the snapshot whose documents are meant.
        most: values of each key.
    """
    columns = "".join(f", '{name}', d.{name}" for name in FILTER_COLUMNS)
    rows = catalog.rows(
        f"""SELECT m.key, m.value, COUNT(*) AS documents
            FROM documents d, json_each(json_patch(d.metadata, json_object({columns[2:]}))) m
            WHERE {_LIVE} AND {AMONG} AND d.content IS NOT NULL AND trim(m.value) <> ''
            AND length(m.value) <= {_LONGEST_VALUE} GROUP BY m.key, m.value""",
        {"at": at, "collections": as_json(collections)},
    )
    values: dict[str, Counter[str]] = {}
    for row in rows:
        values.setdefault(row["key"], Counter())[str(row["value"])] += row["documents"]
    for key in values.keys() - set(FILTER_COLUMNS):
        values[key] = _in_items(values[key])
    return {key: _most_frequent(values[key], most) for key in sorted(values)}


def _in_items(whole: Counter[str]) -> Counter[str]:
    items = Counter[str]()
    for value, documents in whole.items():
        for item in set(value.split(", ")):
            items[item] += documents
    counted = Counter[str]()
    for value, documents in whole.items():
        parts = set(value.split(", "))
        shared = sum(items[part] > documents for part in parts)
        for found in parts if 2 * shared > len(parts) else {value}:
            counted[found] = items.get(found, documents)
    return counted


def _most_frequent(counted: Counter[str], most: int) -> list[str]:
    ordered = sorted(counted, key=lambda value: (-counted[value], value.casefold(), value))
    return ordered[:most]


def as_json(values: Sequence[str] | None) -> str | None:
    """A list as SQLite's ``json_each`` takes it."""
    return None if values is None else json.dumps(list(values))


def _condition(number: int, key: str) -> str:
    if key in FILTER_COLUMNS:
        return f"d.{key} = :value{number}"
    return f"""EXISTS (SELECT 1 FROM json_each(d.metadata) m WHERE m.key = :key{number}
               AND (m.value = :value{number} OR instr(', ' || m.value || ', ', ', ' || :value{number} || ', ')))"""
