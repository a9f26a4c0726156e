"""Cuts passages into units that can be quoted: sentences, list items, table rows, lines of code.

A unit keeps its span in the canonical text, so quoting it is exact by construction. Headings are
never units; they, a table's caption and a question just before (as in a list of questions and
answers) become a unit's ``context``.

Knows nothing of questions or scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from corpus.records import Element, ElementKind, Parsed, Passage, Span
from ingest.chunking.sentences import sentence_spans

__all__ = ["Unit", "units"]

_LONGEST_TERM = 5  # words
_PARAGRAPH_END = 3  # characters between two elements
_SHORT_ANSWER = 3  # words; "No." alone is no answer, so it goes with the sentence behind it


@dataclass(frozen=True, slots=True)
class Unit:
    """A quotable piece. ``text`` equals the canonical text at ``span``.

    ``shown`` is how an answer says it (one line; a table's row with the names of its columns), and
    ``context`` is what it is about, to be read before it, and ``lead`` that part of it which stands
    right before the piece and asks for it or names it. ``label`` marks what only announces: a
    question, or a term before its explanation.
    """

    passage: int
    span: Span
    text: str
    shown: str
    context: str = ""
    kind: ElementKind = ElementKind.TEXT
    page: int | None = None
    label: bool = False
    lead: str = ""

    @property
    def whole(self) -> str:
        """Context and text together: what is compared with a question."""
        return f"{self.context}: {self.shown}" if self.context else self.shown


def units(passage: Passage, parsed: Parsed | None = None) -> list[Unit]:
    """What of ``passage`` can be quoted, in reading order.

    With ``parsed`` (the document's elements) a piece that a chunk's border cut is whole again, and
    belongs to the passage that holds at least half of it; without, the passage is running text.
    """
    if parsed is None or not parsed.elements:
        alone = Element(ElementKind.TEXT, passage.text, passage.span, passage.page)
        return list(_of_element(passage, alone, " › ".join(passage.headings)))
    found: list[Unit] = []
    heading = " › ".join(passage.headings)
    for element in _overlapping(parsed.elements, passage.span):
        if element.kind is ElementKind.TITLE:
            heading = element.text
        else:
            found += _of_element(passage, element, heading)
    found = [unit for unit in found if _belongs(unit.span, passage.span)]
    return list(_labelled(found))


def _labelled(found: Sequence[Unit]) -> Iterator[Unit]:
    """The units, where a term stands alone before its explanation joined to that as context."""
    term = ""
    for unit, following in zip_longest(found, found[1:]):
        context = ": ".join(filter(None, [unit.context, term]))
        now = replace(unit, context=context, lead=term or unit.lead)
        announces = following is not None and _is_term(unit, following)
        term = unit.shown if announces else ""
        yield replace(now, label=True) if announces else now


def _is_term(unit: Unit, following: Unit) -> bool:
    """A few words without a full stop, right before a whole sentence."""
    prose = {ElementKind.TEXT, ElementKind.LIST}
    near = following.span.start - unit.span.end <= _PARAGRAPH_END
    short = len(unit.shown.split()) <= _LONGEST_TERM and unit.shown[-1:].isalnum()
    sentence = following.shown[-1:] in ".!" and len(following.shown.split()) > _LONGEST_TERM
    return near and short and sentence and {unit.kind, following.kind} <= prose


def _overlapping(elements: Sequence[Element], span: Span) -> Iterator[Element]:
    return (element for element in elements if element.span.overlaps(span))


def _belongs(span: Span, whole: Span) -> bool:
    shared = min(span.end, whole.end) - max(span.start, whole.start)
    return shared * 2 >= len(span)


def _of_element(passage: Passage, element: Element, heading: str) -> Iterator[Unit]:
    if element.kind is ElementKind.TABLE and " | " in element.text:
        return _rows(passage.number, element, heading)
    if element.kind is ElementKind.CODE:
        return _code(passage.number, element, heading)
    return _sentences(passage.number, element, heading)


def _sentences(number: int, element: Element, heading: str) -> Iterator[Unit]:
    asked = ""
    for span in _joined(element.text, sentence_spans(element.text)):
        text = element.text[span.start : span.end]
        asks = text.endswith(("?", "？", "؟"))
        context = f"{heading}: {asked}" if heading and asked else heading or asked
        unit = _unit(number, element, span, " ".join(text.split()), context, asks)
        yield replace(unit, lead=asked)
        asked = text if asks else asked


def _joined(text: str, spans: Sequence[Span]) -> Iterator[Span]:
    """The sentences, very short ones (``No.``) together with the one behind them."""
    start: int | None = None
    for index, span in enumerate(spans):
        begin = span.start if start is None else start
        words = len(text[begin : span.end].split())
        if words < _SHORT_ANSWER and index + 1 < len(spans) and text[span.end - 1] != "?":
            start = begin
            continue
        start = None
        yield Span(begin, span.end)


def _lines(text: str) -> Iterator[Span]:
    for match in re.finditer(r"[^\n]+", text):
        line = match.group()
        if line.strip():
            start = match.start() + len(line) - len(line.lstrip())
            yield Span(start, start + len(line.strip()))


def _rows(number: int, element: Element, heading: str) -> Iterator[Unit]:
    """The rows behind the header, which is the first line that has several cells."""
    lines = list(_lines(element.text))
    texts = [element.text[line.start : line.end] for line in lines]
    first = next(i for i, text in enumerate(texts) if " | " in text)
    names = _cells(texts[first])
    context = ": ".join(filter(None, [heading, *texts[:first]]))
    for line, text in list(zip(lines, texts, strict=True))[first + 1 :]:
        yield _unit(number, element, line, _row(names, _cells(text)), context)
    if len(lines) == first + 1:  # a table of one row has no header
        yield _unit(number, element, lines[first], ", ".join(names), context)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r" \| ?|^\| ?", row)]


def _row(names: Sequence[str], cells: Sequence[str]) -> str:
    """A row in words: ``month: 2026-04; team: analysis``; without names where they do not fit."""
    if len(cells) > len(names):
        return ", ".join(cell for cell in cells if cell)
    pairs = zip(names, cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _code(number: int, element: Element, heading: str) -> Iterator[Unit]:
    lines = list(_lines(element.text))
    top = element.text[lines[0].start : lines[0].end] if lines else ""
    for index, line in enumerate(lines):
        text = element.text[line.start : line.end]
        context = ": ".join(filter(None, [heading, top if index else ""]))
        yield _unit(number, element, line, " ".join(text.split()), context)


def _unit(
    number: int, element: Element, span: Span, shown: str, context: str, label: bool = False
) -> Unit:
    at = element.span.start
    where = Span(at + span.start, at + span.end)
    text = element.text[span.start : span.end]
    return Unit(number, where, text, shown, context, element.kind, element.page, label)
