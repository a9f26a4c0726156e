"""Files in TREC's formats: topics, judgements (qrels) and rankings (runs).

- Topics: ``<top> <num> 301 <title> … </top>``, with or without end tags, other sections ignored; or one
  ``id<TAB>text`` per line.
- Qrels: ``query iteration document grade``, separated by white space; the iteration is ignored.
- Runs: ``query Q0 document rank score tag``. The score ranks, as in TREC's own ``trec_eval``: the highest
  first, scores being 32-bit floats; equal ones by document id, the last of the alphabet first.

A file is read whole or refused: what is wrong raises a ``UserError`` that names file and line. Knows
nothing of measures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ctypes import c_float
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from corpus.datasets import Query
from corpus.errors import UserError
from corpus.lines import Place, grade_in, lines_of, whole_number
from corpus.records import Judgement

__all__ = ["Qrels", "Ranking", "load_qrels", "load_run", "load_topics"]

Ranking = list[tuple[str, float]]
"""Documents with their scores, best first."""


@dataclass(frozen=True, slots=True)
class Qrels:
    """Judgements in the order of their file, each with its line there."""

    places: Mapping[Judgement, Place]

    def grades(self) -> dict[str, dict[str, int]]:
        """Grades by query and document."""
        graded: dict[str, dict[str, int]] = {}
        for judgement in self.places:
            graded.setdefault(judgement.query, {})[judgement.document] = judgement.grade
        return graded


def load_qrels(path: Path) -> Qrels:
    """Read judgements; no document may be judged twice for a query.

    Raises:
        NotFound: there is no such file. UserError: as the module says; or it holds no judgement.
    """
    places: dict[Judgement, Place] = {}
    seen: dict[tuple[str, str], int] = {}
    for place, line in lines_of(path):
        query, _, document, grade = _fields(line, 4, "query iteration document grade", place)
        if (query, document) in seen:
            first = seen[query, document]
            raise place.error(
                f"document {document!r} of query {query!r} was judged on line {first}"
            )
        seen[query, document] = place.line
        number = grade_in(whole_number(grade, "the grade", place), place)
        places[Judgement(query, document, number)] = place
    if not places:
        raise UserError(f"{str(path)!r} holds no judgement; there is nothing to measure.")
    return Qrels(places)


def load_run(path: Path) -> dict[str, Ranking]:
    """Read a run: for each query its documents with their scores, best first.

    Raises:
        NotFound: there is no such file. UserError: as the module says; or it holds no result.
    """
    found: dict[str, Ranking] = {}
    seen: dict[tuple[str, str], int] = {}
    for place, line in lines_of(path):
        columns = "query Q0 document rank score tag"
        query, _, document, rank, score, _ = _fields(line, 6, columns, place)
        whole_number(rank, "the rank", place)
        if (query, document) in seen:
            first = seen[query, document]
            raise place.error(
                f"document {document!r} of query {query!r} was ranked on line {first}"
            )
        seen[query, document] = place.line
        found.setdefault(query, []).append((document, _score(score, place)))
    if not found:
        raise UserError(f"{str(path)!r} holds no result; there is nothing to measure.")
    return {query: _ranked(ranking) for query, ranking in found.items()}


def load_topics(path: Path) -> tuple[Query, ...]:
    """Read topics; ``text`` is the title, where there are several parts.

    Raises:
        NotFound: there is no such file. UserError: as the module says; or it holds no topic.
    """
    lines = list(lines_of(path))
    tagged = bool(lines) and lines[0][1].lstrip().startswith("<")
    queries: dict[str, Query] = {}
    first: dict[str, int] = {}
    for place, query in _tagged(lines) if tagged else map(_tabbed, lines):
        if query.id in queries:
            raise place.error(f"topic {query.id!r} stands already on line {first[query.id]}")
        queries[query.id], first[query.id] = query, place.line
    if not queries:
        raise UserError(f"{str(path)!r} holds no topic; there is nothing to ask.")
    return tuple(queries.values())


def _fields(line: str, count: int, columns: str, place: Place) -> list[str]:
    fields = re.split(r"[ \t]+", line.strip(" \t"))
    if len(fields) != count:
        raise place.error(f"{count} columns ({columns}) were expected, not {len(fields)}")
    return fields


def _score(text: str, place: Place) -> float:
    try:
        score = float(text)
    except ValueError:
        score = float("nan")
    if not isfinite(score):
        raise place.error(f"the score must be a finite number, not {text[:40]!r}")
    return score


def _ranked(ranking: Ranking) -> Ranking:
    last_first = sorted(ranking, key=lambda entry: entry[0], reverse=True)
    return sorted(last_first, key=lambda entry: -c_float(entry[1]).value)  # sorts stably


def _tabbed(entry: tuple[Place, str]) -> tuple[Place, Query]:
    place, line = entry
    fields = line.split("\t")
    if len(fields) != 2:
        raise place.error(f"an id and a text separated by one tab were expected: {line[:40]!r}")
    return place, _query(fields[0], fields[1], place)


def _query(id: str, text: str, place: Place) -> Query:
    if len(id.split()) != 1:
        raise place.error(f"an id is one word, not {id[:40]!r}")
    if not text.strip():
        raise place.error(f"topic {id.strip()!r} has no title; write what it asks")
    return Query(id.strip(), text.strip())


TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)(?:\s[^<>]*)?>")
LABELS = {"num": "Number:", "title": "Topic:"}  # that TREC's own files begin these sections with
SECTIONS = (*LABELS, "desc", "narr")  # that may follow one another on one line
ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}


@dataclass
class _Top:
    """One ``<top>`` as far as it was read; ``open`` is the section that text belongs to."""

    place: Place
    parts: dict[str, list[str]] = field(default_factory=dict)
    open: str = ""

    def begin(self, name: str, place: Place, first: bool) -> None:
        """Begin a section; ``first``: it is the first thing of its line."""
        if self.open in LABELS and not first and name not in SECTIONS:
            raise place.error(f"<{name}> stands inside of <{self.open}>; write < as &lt; there")
        if name in self.parts and name in LABELS:
            raise place.error(f"the topic of line {self.place.line} has a second <{name}>")
        self.parts.setdefault(name, [])
        self.open = name

    def query(self) -> tuple[Place, Query]:
        found = {}
        for name, label in LABELS.items():
            text = " ".join(" ".join(self.parts.get(name, [])).split()).removeprefix(label).strip()
            found[name] = re.sub("|".join(ENTITIES), lambda match: ENTITIES[match[0]], text)
        if not found["num"]:
            raise self.place.error("this topic has no <num>; give it one")
        return self.place, _query(found["num"], found["title"], self.place)


def _tagged(lines: list[tuple[Place, str]]) -> Iterator[tuple[Place, Query]]:
    """The topics of a file with tags; what stands around them may be tags, but no text."""
    top: _Top | None = None
    for place, line in lines:
        if top is None and re.match(r"\s*<[?!]", line):
            continue  # a declaration or a comment
        pieces = list(_pieces(line))
        for number, (tag, text) in enumerate(pieces):
            closing, name = tag.startswith("/"), tag.lstrip("/")
            if name == "top":
                if closing == (top is None):
                    raise place.error(f"<{tag}> does not belong here; every <top> ends in </top>")
                if top is not None:
                    yield top.query()
                top = None if closing else _Top(place)
            elif top is not None and name:
                top.open = "" if closing else top.open
                if not closing:
                    top.begin(name, place, number == 1 and not pieces[0][1].strip())
            if text.strip() and (top is None or not top.open):
                raise place.error(f"text outside of a section of a <top>: {text.strip()[:40]!r}")
            if top is not None and top.open:
                top.parts[top.open].append(text)
    if top is not None:
        raise top.place.error("this <top> has no </top>; the file is cut off")


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """The tags of a line, such as ``top`` and ``/top``, each with the text after it; first the text before."""
    at, tag = 0, ""
    for match in TAG.finditer(line):
        yield tag, line[at : match.start()]
        at, tag = match.end(), f"{match[1]}{match[2].lower()}"
    yield tag, line[at:]
