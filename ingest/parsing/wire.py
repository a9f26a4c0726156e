"""How a parsed document and a request travel between the parent and a parser process: framed JSON,
nothing executable.

A frame is its length in eight bytes, then UTF-8 JSON. The child is not trusted: an element's text
is not sent but cut from the canonical text at its span, so that the two agree whatever the child
says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.errors import FileProblem
from corpus.records import Box, Element, ElementKind, Page, Parsed, Span, State
from ingest.parsing.unpacking import Member

__all__ = [
    "HEADER_BYTES",
    "frame",
    "frame_length",
    "members_from_json",
    "members_to_json",
    "parsed_from_json",
    "parsed_to_json",
]

HEADER_BYTES = 8


def frame(message: dict[str, Any]) -> bytes:
    """``message`` with its length in front."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def frame_length(header: bytes) -> int:
    """Bytes of the body that follows ``header``."""
    return int.from_bytes(header, "big")


def parsed_to_json(parsed: Parsed) -> dict[str, Any]:
    """``parsed`` as JSON values."""
    return {
        "text": parsed.text,
        "elements": [_element_to_json(element) for element in parsed.elements],
        "pages": [
            [p.number, p.span.start, p.span.end, p.origin, p.width, p.height] for p in parsed.pages
        ],
        "media_type": parsed.media_type,
        "title": parsed.title,
        "metadata": dict(parsed.metadata),
        "missing": list(parsed.missing),
    }


def parsed_from_json(message: dict[str, Any]) -> Parsed:
    """The document that ``parsed_to_json`` made ``message`` of; raises ValueError, TypeError or
    KeyError if none did.
    """
    text = str(message["text"])
    return Parsed(
        text=text,
        elements=tuple(_element_from_json(element, text) for element in message["elements"]),
        pages=tuple(_page_from_json(page, len(text)) for page in message["pages"]),
        media_type=str(message["media_type"]),
        title=str(message["title"]),
        metadata={str(key): str(value) for key, value in message["metadata"].items()},
        missing=tuple(str(what) for what in message["missing"]),
    )


def members_to_json(members: list[Member]) -> list[Any]:
    """``members`` as JSON values; of a path only the file's name travels."""
    return [_member_to_json(member) for member in members]


def _member_to_json(member: Member) -> list[Any]:
    if member.problem is not None:
        return [member.name, None, member.problem.state, member.problem.reason]
    return [member.name, member.path.name if member.path else None, None, None]


def members_from_json(values: list[Any], folder: Path) -> list[Member]:
    """The members that ``members_to_json`` made ``values`` of, as files right in ``folder``; raises
    ValueError, TypeError or KeyError if none did.
    """
    return [_member_from_json(one, folder) for one in values]


def _member_from_json(values: list[Any], folder: Path) -> Member:
    name, file, state, reason = values
    if file is None:
        return Member(str(name), None, FileProblem(State(state), str(reason)))
    path = folder / Path(str(file)).name
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}.")
    return Member(str(name), path)


def _element_to_json(element: Element) -> list[Any]:
    box = element.box
    sides = None if box is None else [box.x0, box.y0, box.x1, box.y1]
    span = element.span
    return [element.kind, span.start, span.end, element.page, sides, element.level, element.html]


def _element_from_json(values: list[Any], text: str) -> Element:
    kind, start, end, page, sides, level, html = values
    span = _span(start, end, len(text))
    return Element(
        kind=ElementKind(kind),
        text=text[span.start : span.end],
        span=span,
        page=None if page is None else int(page),
        box=None if sides is None else Box(*(float(side) for side in sides)),
        level=int(level),
        html=None if html is None else str(html),
    )


def _page_from_json(values: list[Any], length: int) -> Page:
    number, start, end, origin, width, height = values
    return Page(int(number), _span(start, end, length), str(origin), float(width), float(height))


def _span(start: Any, end: Any, length: int) -> Span:
    if not 0 <= int(start) <= int(end) <= length:
        raise ValueError(f"The span {start!r} to {end!r} is not inside the text.")
    return Span(int(start), int(end))
