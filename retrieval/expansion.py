"""What stands around a hit: the chunks before and after it in its document, as one exact span of its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from corpus.catalog import Catalog
from corpus.records import Chunk, Hit, Span

__all__ = ["with_neighbours"]


def with_neighbours(hits: Sequence[Hit], n: int, catalog: Catalog, snapshot: int) -> list[Hit]:
    """The hits with ``n`` chunks before and after each, in reading order, as its chunk's window.

    ``Hit.context`` is the canonical text at the window. Windows of neighbouring hits may overlap;
    ``agents.answering.passages.gather`` makes one passage of those.
    """
    chunks_of = cache(lambda document: catalog.chunks_of(document, snapshot))
    text_of = cache(catalog.text)
    found = []
    for hit in hits:
        window = _window(hit.chunk, chunks_of(hit.document.id), n)
        text = text_of(hit.document.id)[window.start : window.end]
        found.append(replace(hit, chunk=replace(hit.chunk, window=window), context=text))
    return found


def _window(chunk: Chunk, chunks: Sequence[Chunk], n: int) -> Span:
    place = next(i for i, other in enumerate(chunks) if other.id == chunk.id)
    shown = chunks[max(0, place - n) : place + n + 1]
    spans = [other.window or Span(other.start, other.end) for other in shown]
    return Span(min(span.start for span in spans), max(span.end for span in spans))
