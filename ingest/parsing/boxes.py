"""Where on its page a span of the canonical text stands, as rectangles to highlight.

For a PDF's text layer the rectangles follow the lines of the very words, found again among the
page's characters inside the box of the element that holds them; spaces, hyphens and punctuation do
not count, since paragraphs were joined from lines. Where the words cannot be found again
(recognised text), the element's whole box is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from corpus.records import Box, Element, Parsed, Span
from ingest.parsing.glyphs import Glyph, glyphs

__all__ = ["span_boxes"]

_SLACK = 1.5  # points by which a character may stand outside its element's box
_GAP_EM = 2.0  # a wider gap on a line parts two rectangles


def span_boxes(path: Path, parsed: Parsed, page: int, span: Span) -> list[Box]:
    """Rectangles of ``span`` on page ``page`` of the document at ``path`` (a PDF file or a
    picture).
    """
    elements = [e for e in parsed.elements if e.page == page and e.span.overlaps(span)]
    origin = next((p.origin for p in parsed.pages if p.number == page), "text")
    if parsed.media_type != "application/pdf" or origin != "text":
        return [element.box for element in elements if element.box]
    characters, width, height = _page_characters(path, page)
    found: list[Box] = []
    for element in elements:
        inked = _of_element(characters, element, width, height)
        hits = _matching(inked, element, span)
        lines = _lines(hits, width, height)
        found += lines or ([element.box] if element.box else [])
    return found


def _page_characters(path: Path, number: int) -> tuple[list[Glyph], float, float]:
    from ingest.parsing.pdf import open_pdf

    with open_pdf(path) as document:
        page = document[number - 1]
        textpage = page.get_textpage()
        width, height = page.get_size()
        characters = [glyph for glyph in glyphs(page, textpage) if glyph.text.isalnum()]
        textpage.close()
        page.close()
    return characters, width, height


def _of_element(
    characters: Sequence[Glyph], element: Element, width: float, height: float
) -> list[Glyph]:
    """The characters whose middle stands inside the element's box."""
    box = element.box
    if box is None:
        return list(characters)
    x0, y0 = box.x0 * width - _SLACK, box.y0 * height - _SLACK
    x1, y1 = box.x1 * width + _SLACK, box.y1 * height + _SLACK
    return [
        glyph
        for glyph in characters
        if x0 <= (glyph.x0 + glyph.x1) / 2 <= x1 and y0 <= (glyph.y0 + glyph.y1) / 2 <= y1
    ]


def _matching(inked: list[Glyph], element: Element, span: Span) -> list[Glyph]:
    """The characters of the element's part of ``span``: that occurrence of it which the span means."""
    start = max(span.start - element.span.start, 0)
    end = min(span.end - element.span.start, len(element.text))
    wanted, before = _letters(element.text[start:end]), _letters(element.text[:start])
    if not wanted:
        return []
    stream = _letters("".join(glyph.text for glyph in inked))
    if len(stream) != len(inked):
        return []  # a letter that folds to two would shift every place after it
    places = _occurrences(stream, wanted)
    if not places:
        return _by_line(inked, stream, element, start, end)
    place = min(places, key=lambda at: abs(at - len(before)))
    return inked[place : place + len(wanted)]


def _by_line(
    inked: list[Glyph], stream: str, element: Element, start: int, end: int
) -> list[Glyph]:
    """As ``_matching``, word by word, for text whose order on the page is not that of the file."""
    hits: list[Glyph] = []
    for word in element.text[start:end].split():
        letters = _letters(word)
        places = _occurrences(stream, letters) if letters else []
        if len(places) == 1 or (places and len(letters) > 3):
            hits += inked[places[0] : places[0] + len(letters)]
    return hits


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


def _occurrences(stream: str, wanted: str) -> list[int]:
    places, at = [], stream.find(wanted)
    while at >= 0:
        places.append(at)
        at = stream.find(wanted, at + 1)
    return places


def _lines(hits: Iterable[Glyph], width: float, height: float) -> list[Box]:
    """Neighbouring characters of one line under one rectangle."""
    lines: list[list[Glyph]] = []
    for glyph in hits:
        if lines and _same_line(lines[-1][-1], glyph):
            lines[-1].append(glyph)
        else:
            lines.append([glyph])
    return [
        Box(
            max(min(g.x0 for g in line) / width, 0.0),
            max(min(g.y0 for g in line) / height, 0.0),
            min(max(g.x1 for g in line) / width, 1.0),
            min(max(g.y1 for g in line) / height, 1.0),
        )
        for line in lines
    ]


def _same_line(last: Glyph, glyph: Glyph) -> bool:
    level = min(last.y1, glyph.y1) - max(last.y0, glyph.y0) > 0.3 * (glyph.y1 - glyph.y0)
    apart = max(glyph.x0 - last.x1, last.x0 - glyph.x1)
    return level and apart < _GAP_EM * max(glyph.size, 1.0)
