"""Finds the quotes of the authored questions in the parsed documents and writes questions.jsonl.

``corpus/sample/build/questions.jsonl`` is what people edit: each gold entry names a document and
quotes the sentence or table cells that answer. Here every document is parsed as ingestion parses
it, each quote is looked up, and the quote is replaced by the verbatim text with its span
(half-open character offsets into the canonical text).

White space and the marks between table cells do not count when comparing; scans and pictures may
differ in a few letters. A gold entry may carry ``occurrence`` (1 is the first) when its quote
stands several times in the document. What gold means: for kinds *single* and *table* any one entry
answers the question, for *multi* one entry of each document is needed, *unanswerable* has none.
"""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

__all__ = ["Squeezed", "find_span", "read_text", "write_questions"]

_SIMILARITY = 85.0  # per cent; below it a scan's text is not the quote
_READ_BY_OCR = ("-scan.pdf", ".png")
_DROPPED = set("|*`•\u00ad")
_ALIKE = {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2011": "-"}


class Squeezed:
    """A text without its white space and table marks, and where each character came from."""

    def __init__(self, text: str) -> None:
        kept = [(at, char) for at, char in enumerate(text) if not _is_dropped(char)]
        self.text = "".join(_ALIKE.get(char, char) for _, char in kept)
        self._places = [at for at, _ in kept]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original text of characters ``[start, end)`` of the squeezed one."""
        return self._places[start], self._places[end - 1] + 1


def _is_dropped(char: str) -> bool:
    return char.isspace() or char in _DROPPED


def find_span(
    quote: str, document: Squeezed, *, occurrence: int = 0, roughly: bool = False
) -> tuple[int, int]:
    """Where ``quote`` stands in the text that ``document`` was made of.

    ``occurrence`` picks one of several (1 is the first; 0 insists that there is only one) and
    ``roughly`` allows for the reading errors of a scan. Raises ``ValueError`` if it is not there.
    """
    wanted = Squeezed(quote).text
    places = _occurrences(wanted, document.text)
    if not places and roughly:
        return _find_roughly(wanted, document)
    if not places:
        raise ValueError(f"The quote {quote!r} is not in the document.")
    if len(places) > 1 and not occurrence:
        raise ValueError(f"The quote {quote!r} stands {len(places)} times: give its occurrence.")
    start = places[max(occurrence, 1) - 1]
    return document.original(start, start + len(wanted))


def _occurrences(wanted: str, text: str) -> list[int]:
    places, at = [], text.find(wanted)
    while at >= 0:
        places.append(at)
        at = text.find(wanted, at + 1)
    return places


def _find_roughly(wanted: str, document: Squeezed) -> tuple[int, int]:
    match = fuzz.partial_ratio_alignment(wanted, document.text, score_cutoff=_SIMILARITY)
    if match is None:
        raise ValueError(f"The quote {wanted!r} is not in the document, not even roughly.")
    return document.original(match.dest_start, match.dest_end)


def read_text(path: Path) -> str:
    """The canonical text of the document at ``path``."""
    # By name: corpus may not import ingest, and nothing but this step needs the parser.
    parse_file = importlib.import_module("ingest.parsing").parse_file
    return str(parse_file(path).text)


def write_questions(sample: Path) -> None:
    """Write ``sample``/questions.jsonl from the authored questions.

    Raises ``ValueError`` with one line per question whose quote was not found.
    """
    documents = sample / "documents"

    @cache
    def squeezed(name: str) -> tuple[str, Squeezed]:
        text = read_text(documents / name)
        return text, Squeezed(text)

    problems: list[str] = []
    lines: list[str] = []
    for line in (sample / "build" / "questions.jsonl").read_text("utf-8").splitlines():
        question = json.loads(line)
        gold = []
        for entry in question["gold"]:
            try:
                gold.append(_located(entry, *squeezed(entry["document"])))
            except ValueError as problem:
                problems.append(f"{question['id']} in {entry['document']}: {problem}")
        lines.append(json.dumps({**question, "gold": gold}, ensure_ascii=False))
    if problems:
        raise ValueError("Correct these quotes:\n" + "\n".join(problems))
    (sample / "questions.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def _located(entry: dict[str, Any], text: str, squeezed: Squeezed) -> dict[str, Any]:
    name = entry["document"]
    start, end = find_span(
        entry["quote"],
        squeezed,
        occurrence=entry.get("occurrence", 0),
        roughly=name.endswith(_READ_BY_OCR),
    )
    return {"document": name, "quote": text[start:end], "start": start, "end": end}
