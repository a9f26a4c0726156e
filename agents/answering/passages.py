"""From hits to passages: neighbouring chunks of one document become one, numbered best first.

A chunk that has a window is shown as that window; windows that overlap become one passage. A
passage's text is the canonical text at its span, read anew, whatever was embedded. Knows nothing of
engines.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents.answering.citations import Read
from corpus.errors import NotFound
from corpus.records import Hit, Passage, Span

__all__ = ["gather"]

log = logging.getLogger(__name__)

_GAP = 4  # characters between two chunks that count as neighbours: a paragraph's end
_LONGEST = 2400  # characters up to which neighbours are merged


@dataclass(slots=True)
class _Open:
    """A passage that can still grow; ``hit`` is the best of its chunks, ``first`` the topmost."""

    hit: Hit
    first: Hit
    span: Span

    def joined(self, hit: Hit, span: Span) -> Span | None:
        """The span with this chunk's, if they touch and stay short enough together."""
        whole = Span(min(self.span.start, span.start), max(self.span.end, span.end))
        apart = len(whole) - len(self.span) - len(span)
        same = hit.document.id == self.hit.document.id
        inside = whole == self.span
        return whole if same and (inside or (apart <= _GAP and len(whole) <= _LONGEST)) else None


def gather(hits: Sequence[Hit], read: Read, most: int) -> tuple[Passage, ...]:
    """At most ``most`` passages, in the order of their best hits, numbered from 1.

    Later hits still join an earlier passage that they touch when no new one can be begun. A
    document that is gone from the catalog since the search is left out.
    """
    passages: list[_Open] = []
    for hit in hits:
        for span in _spans(hit):
            if not _join(passages, hit, span) and len(passages) < most:
                passages.append(_Open(hit, hit, span))
    made = (_passage(open_, read) for open_ in passages)
    found = [passage for passage in made if passage is not None]
    return tuple(_numbered(passage, number) for number, passage in enumerate(found, 1))


def _spans(hit: Hit) -> Sequence[Span]:
    """What is shown of a chunk: its window; else one piece if its spans touch, as they mostly do;
    else each span for itself.
    """
    if hit.chunk.window:
        return (hit.chunk.window,)
    whole = Span(hit.chunk.start, hit.chunk.end)
    apart = len(whole) - sum(len(span) for span in hit.chunk.spans)
    return (whole,) if apart <= _GAP * len(hit.chunk.spans) else hit.chunk.spans


def _join(passages: Sequence[_Open], hit: Hit, span: Span) -> bool:
    for open_ in passages:
        whole = open_.joined(hit, span)
        if whole is not None:
            if span.start < open_.span.start:
                open_.first = hit
            open_.span = whole
            return True
    return False


def _passage(open_: _Open, read: Read) -> Passage | None:
    document = open_.hit.document
    try:
        text = read(document.id)[open_.span.start : open_.span.end]
    except NotFound:
        log.warning("document %r was removed while it was searched", document.source)
        return None
    chunk = open_.first.chunk
    return Passage(0, document, open_.span, text, chunk.page, chunk.headings, open_.hit.score)


def _numbered(passage: Passage, number: int) -> Passage:
    return replace(passage, number=number)
