"""Filters on documents as SQL: which metadata a document must have to be searched.

A filter names a column every document has, or a key of its metadata. Metadata values are text; a list is stored as
its items with ``, `` between, and a filter may name the whole or one item. Knows the tables of ``corpus.rows`` only.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FILTER_COLUMNS", "filter_sql"]

FILTER_COLUMNS = ("media_type", "title")


def filter_sql(filters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Conditions on ``documents d``, each after an AND, and the values of their parameters."""
    values = {f"key{n}": key for n, key in enumerate(filters)}
    values |= {f"value{n}": value for n, value in enumerate(filters.values())}
    return "".join(f" AND {_condition(n, key)}" for n, key in enumerate(filters)), values


def _condition(number: int, key: str) -> str:
    if key in FILTER_COLUMNS:
        return f"d.{key} = :value{number}"
    return f"""EXISTS (SELECT 1 FROM json_each(d.metadata) m WHERE m.key = :key{number}
               AND (m.value = :value{number} OR instr(', ' || m.value || ', ', ', ' || :value{number} || ', ')))"""
