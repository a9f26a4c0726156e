"""Small documents for the tests of chunking strategies, and a way to count their words."""

from __future__ import annotations

from corpus.records import Chunk, ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder
from ingest.protocols import Chunker

TITLE, TEXT, LIST, TABLE, CODE = (
    ElementKind.TITLE,
    ElementKind.TEXT,
    ElementKind.LIST,
    ElementKind.TABLE,
    ElementKind.CODE,
)
Piece = tuple[ElementKind, str] | tuple[ElementKind, str, int]


def words(text: str) -> int:
    return len(text.split())


def prose(name: str, count: int) -> str:
    return " ".join(f"{name}{n}" for n in range(count))


def document(*pieces: Piece, media_type: str = "text/plain", title: str = "") -> Parsed:
    """A document of elements, each a kind, a text and, for a heading, its level."""
    builder = TextBuilder()
    for kind, text, *level in pieces:
        builder.add(kind, text, level=level[0] if level else 0)
    return builder.build(media_type, title=title)


def texts(chunker: Chunker, parsed: Parsed) -> list[str]:
    return [chunk.text for chunk in chunker.chunk("doc", parsed)]


def shown(chunk: Chunk, parsed: Parsed) -> str:
    """What a reader sees in the chunk's place."""
    return parsed.text[chunk.window.start : chunk.window.end] if chunk.window else chunk.text
