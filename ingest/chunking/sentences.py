"""Where sentences end, by rules of our own: many scripts, no model, nothing to download.

Reads the text once, looking a few words back and ahead, so that a long text takes no more than its
length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.records import Element, Span

__all__ = ["sentence_spans", "sentences_of"]

_CLOSERS = "\"'”’»)]"
# A sentence ends at one of these, with closing quotes, before white space; some scripts use none.
_STOP = re.compile(rf"[.!?…][{re.escape(_CLOSERS)}]*(?=\s|$)|[。！？।؟]+|\n\s*\n")
_ABBREVIATION_LIST = """
    mr mrs ms dr prof sr jr st vs etc eg e.g ie i.e cf al ca approx nos nr pos fig figs eq eqs
    sec sect ch chap vol vols pp p ed eds est inc ltd co corp dept gen col lt sgt rev hon jan feb mar
    apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun min max tel ext ref resp incl
    u.s u.k a.m p.m z.b bzw usw ggf
"""
_ABBREVIATIONS = frozenset(_ABBREVIATION_LIST.split())
_LINE_START = re.compile(r"\s*(?:[-*•‣▪◦–]\s|\(?\d{1,3}[.)]\s|[A-Z][\w /-]{0,28}:\s)")
_SHORT_LINE = 60  # characters; shorter lines that end without punctuation are taken as they stand
_LOOK_BACK = 100  # characters in which the word before a full stop begins
_NEXT = re.compile(r"\s*(\S?)")


def sentence_spans(text: str) -> list[Span]:
    """The sentences of running text, without the white space around them."""
    spans, start = [], 0
    for end in [*_ends(text), len(text)]:
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = left + len(piece.strip())
        if right > left:
            spans.append(Span(left, right))
        start = end
    return spans


def sentences_of(start: int, elements: Sequence[Element]) -> list[Span]:
    """The sentences of ``elements`` in the canonical text; the first begins at ``start``, where the
    headings above it do.
    """
    found = [
        Span(element.span.start + span.start, element.span.start + span.end)
        for element in elements
        for span in sentence_spans(element.text)
    ]
    return [Span(start, found[0].end), *found[1:]] if found else []


def _ends(text: str) -> list[int]:
    stops = {m.end() for m in _STOP.finditer(text) if _is_end(text, m)}
    return sorted(stops | {m.start() for m in re.finditer(r"\n", text) if _breaks(text, m.start())})


def _is_end(text: str, stop: re.Match[str]) -> bool:
    """Whether a full stop ends its sentence: not in ``e.g. this``, ``J. Smith`` or ``1. item``."""
    if not stop.group().startswith("."):
        return True
    word = _word_before(text, stop.start()).lstrip("(\"'“[").lower()
    follows = _character_after(text, stop.end())
    if word == "no":  # "No. 5", but also the answer "No."
        return not follows.isdigit()
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return not follows
    line = _line_before(text, stop.start()).strip()
    if line.isdigit() and len(line) <= 3:
        return False
    return not follows.islower()


def _breaks(text: str, newline: int) -> bool:
    """Whether a line end also ends a sentence, as between items, ``Key: value`` and short lines."""
    line = _line_before(text, newline).rstrip()
    if _LINE_START.match(text, newline + 1) or line.endswith(":"):
        return True
    goes_on = text[newline + 1 : newline + 2].islower()
    return len(line) < _SHORT_LINE and line[-1:] not in {",", ";", "-"} and not goes_on


def _word_before(text: str, end: int) -> str:
    before = text[max(0, end - _LOOK_BACK) : end]
    return "" if before[-1:].isspace() else (before.split() or [""])[-1]


def _character_after(text: str, start: int) -> str:
    found = _NEXT.match(text, start)
    return found.group(1) if found else ""


def _line_before(text: str, end: int) -> str:
    """The end of the line that stands before ``end``; a long one is no different from a longer."""
    return text[max(text.rfind("\n", 0, end) + 1, end - _LOOK_BACK) : end]
