"""What a benchmark found, read from its results folder: the report, and its rows one page at a time.

The folder's format is that of the benchmarks (``report.json``, and ``queries.jsonl`` with one object per
system and question). A file of rows can be large: where each row stands, and what is searched in it, is kept
for the files that were read last; the rows themselves are read when they are asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from agents.records.record_json import Json
from corpus.errors import Damaged, NotFound

__all__ = ["LOST", "Asked", "html_report", "queries", "report"]

LOST = "lost"
"""As a stage: any stage; the rows of which something was lost."""

_HEAVY = ("found", "gold", "answer")  # only of use when one question is looked into


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows: of a system, lost at a stage, with some words in them, of one question; empty: any.

    ``after`` rows are passed over, and at most ``limit`` given.
    """

    system: str = ""
    stage: str = ""
    words: str = ""
    query: str = ""
    after: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class _Entry:
    start: int
    length: int
    system: str
    query: str
    stage: str
    text: str


def report(folder: Path) -> Json:
    """The report.

    Raises:
        Damaged: it is not there, or no JSON.
    """
    path = folder / "report.json"
    return _report(path, *_version(path))


def html_report(folder: Path) -> bytes:
    """The report to look at, one file.

    Raises:
        NotFound: the benchmark made none.
    """
    path = folder / "report.html"
    if not path.is_file():
        raise NotFound("this evaluation has no report to look at; run it again")
    return path.read_bytes()


def queries(folder: Path, asked: Asked) -> Json:
    """Rows of one benchmark: ``{"queries", "total", "next"}``; ``next`` is the ``after`` of the next page, or null.

    Rows of one question are given whole; of many, without the passages that were found.

    Raises:
        Damaged: the rows are not there, or no JSON.
    """
    path = folder / "queries.jsonl"
    found = [e for e in _index(path, *_version(path)) if _fits(e, asked)]
    page = found[asked.after : asked.after + asked.limit]
    end = asked.after + len(page)
    rows = _read(path, page)
    if not asked.query:
        rows = [{k: v for k, v in row.items() if k not in _HEAVY} for row in rows]
    return {"queries": rows, "total": len(found), "next": end if end < len(found) else None}


def _fits(entry: _Entry, asked: Asked) -> bool:
    return (
        asked.system in ("", entry.system)
        and asked.query in ("", entry.query)
        and (asked.stage in ("", entry.stage) or (asked.stage == LOST and bool(entry.stage)))
        and asked.words.casefold() in entry.text
    )


def _read(path: Path, entries: list[_Entry]) -> list[Json]:
    rows = []
    with path.open("rb") as stream:
        for entry in entries:
            stream.seek(entry.start)
            rows.append(json.loads(stream.read(entry.length)))
    return rows


def _version(path: Path) -> tuple[int, int]:
    try:
        seen = path.stat()
    except OSError as exc:
        raise _damaged(path) from exc
    return seen.st_mtime_ns, seen.st_size


@lru_cache(maxsize=16)
def _report(path: Path, changed: int, size: int) -> Json:
    try:
        found: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise _damaged(path) from exc
    if not isinstance(found, dict):
        raise _damaged(path)
    return found


@lru_cache(maxsize=4)
def _index(path: Path, changed: int, size: int) -> tuple[_Entry, ...]:
    entries, at = [], 0
    try:
        with path.open("rb") as stream:
            for line in stream:
                row = json.loads(line)
                system, query = row["system"], row["query"]
                text = f"{query}\n{row['text']}".casefold()
                entries.append(_Entry(at, len(line), system, query, row["stage"] or "", text))
                at += len(line)
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise _damaged(path) from exc
    return tuple(entries)


def _damaged(path: Path) -> Damaged:
    return Damaged(f"{path.name!r} of this evaluation is not there or damaged; run it again")
