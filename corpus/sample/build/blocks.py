"""Reads the small Markdown that the binary sample documents are written in.

Known: ``#`` to ``###`` headings, paragraphs, ``-`` and ``1.`` lists, ``|`` tables (the first row is
the header), ``---`` for a new page or slide. Nothing inline: a star is a star. A list item or
paragraph may run over several lines. This is not a Markdown parser for anything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

__all__ = ["Block", "read_blocks"]

_ITEM = re.compile(r"(?:-|\d+\.) +")


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a page: ``kind`` is heading, paragraph, bullets, numbers, table or break."""

    kind: str
    text: str = ""
    level: int = 0
    items: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def read_blocks(source: str) -> list[Block]:
    """The blocks of ``source``, which are separated by blank lines."""
    lines = source.splitlines()
    runs = (list(run) for blank, run in groupby(lines, lambda line: not line.strip()) if not blank)
    return [_block(run) for run in runs]


def _block(lines: list[str]) -> Block:
    first = lines[0]
    if first == "---":
        return Block("break")
    if first.startswith("#"):
        marks, text = first.split(" ", 1)
        return Block("heading", text.strip(), level=len(marks))
    if first.startswith("|"):
        return Block("table", rows=tuple(_cells(line) for line in lines if not _is_rule(line)))
    if _ITEM.match(first):
        return Block("bullets" if first.startswith("-") else "numbers", items=_items(lines))
    return Block("paragraph", " ".join(line.strip() for line in lines))


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def _is_rule(line: str) -> bool:
    return not line.strip("|-: ")


def _items(lines: list[str]) -> tuple[str, ...]:
    items: list[str] = []
    for line in lines:
        marker = _ITEM.match(line)
        if marker:
            items.append(line[marker.end() :].strip())
        else:
            items[-1] += " " + line.strip()
    return tuple(items)
