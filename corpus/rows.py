"""How parsed documents are written as JSON: in the catalog, and between a parser's process and ours.

Element texts are not repeated: they are slices of the canonical text. Knows only the records.
"""

from __future__ import annotations

import json
from typing import Any

from corpus.records import Box, Element, ElementKind, Page, Parsed, Span

__all__ = ["decode_parsed", "encode_parsed"]


def encode_parsed(parsed: Parsed) -> str:
    """Everything of ``parsed`` but its text, as one JSON object."""
    return json.dumps(
        {
            "elements": [_element_row(e) for e in parsed.elements],
            "pages": [
                [p.number, p.span.start, p.span.end, p.origin, p.width, p.height]
                for p in parsed.pages
            ],
            "media_type": parsed.media_type,
            "title": parsed.title,
            "metadata": dict(parsed.metadata),
            "missing": list(parsed.missing),
        },
        ensure_ascii=False,
    )


def decode_parsed(text: str, encoded: str) -> Parsed:
    """The inverse of ``encode_parsed``, given the canonical text.

    Raises:
        ValueError, KeyError, TypeError: ``encoded`` is not what ``encode_parsed`` writes.
    """
    raw = json.loads(encoded)
    return Parsed(
        text=text,
        elements=tuple(_element(row, text) for row in raw["elements"]),
        pages=tuple(
            Page(n, Span(start, end), origin, w, h) for n, start, end, origin, w, h in raw["pages"]
        ),
        media_type=raw["media_type"],
        title=raw["title"],
        metadata=raw["metadata"],
        missing=tuple(raw["missing"]),
    )


def _element_row(e: Element) -> list[Any]:
    box = None if e.box is None else [e.box.x0, e.box.y0, e.box.x1, e.box.y1]
    return [str(e.kind), e.span.start, e.span.end, e.page, box, e.level, e.html]


def _element(row: list[Any], text: str) -> Element:
    kind, start, end, page, box, level, html = row
    return Element(
        ElementKind(kind),
        text[start:end],
        Span(start, end),
        page,
        None if box is None else Box(*box),
        level,
        html,
    )
