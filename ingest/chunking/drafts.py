"""What every chunking strategy shares: measuring, trimming, heading paths, and turning a span into
a ``Chunk``.

A strategy decides where to cut and hands over drafts; the promises about spans, pages and headings
are kept here, in one place.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from corpus.errors import UserError
from corpus.records import Chunk, Element, ElementKind, Parsed, Span
from ingest.protocols import Tokenizer

__all__ = ["Draft", "Measure", "Outline", "check_sizes", "chunk_of", "room_under", "trimmed"]

_CHARACTERS_PER_TOKEN = 12
_MAX_CACHED = 4096
_PREFIX_SHARE = 0.4  # of the window, that headings may take


def check_sizes(size: int, overlap: int) -> None:
    """Refuse sizes, in tokens, that no strategy can keep.

    Raises:
        UserError: the overlap is not smaller than the size.
    """
    if not 0 <= overlap < size:
        raise UserError(
            f"Chunk size {size!r} with overlap {overlap!r} cannot be used: the overlap must be smaller "
            "than the size, and not below 0."
        )


def room_under(headings: int, size: int, window: int) -> int:
    """Tokens that a chunk may have below headings of so many tokens.

    A size within the window means: one look of the encoder, headings and text together. A larger
    one means: several looks, at the text; the encoder then sees such headings as still fit.
    """
    return size if size > window else window - headings


@dataclass(frozen=True, slots=True)
class Draft:
    """A chunk to be: ``[start, end)`` of the canonical text, the headings it stands under, and what
    a reader is shown in its place, if that is more.
    """

    start: int
    end: int
    headings: tuple[str, ...] = ()
    window: Span | None = None


class Measure:
    """Lengths in tokens, remembered for as long as one document is cut.

    A word of a hundred letters or more is a single unknown token to a WordPiece model, so that
    counting tokens alone would let a chunk grow without end; no text counts for less than a token
    per twelve characters.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        length = self._known.get(text)
        if length is None:
            length = max(self._tokenizer(text), len(text) // _CHARACTERS_PER_TOKEN)
            if len(self._known) < _MAX_CACHED:
                self._known[text] = length
        return length

    def headings(self, headings: Sequence[str]) -> int:
        """Tokens of a heading path as it is put in front of a chunk's text."""
        return self("\n".join(headings)) + len(headings) if headings else 0

    def fitted(self, headings: tuple[str, ...], window: int) -> tuple[str, ...]:
        """As many of the inner headings as leave most of ``window`` to the text."""
        room = int(window * _PREFIX_SHARE)
        while headings and self.headings(headings) > room:
            headings = headings[1:]
        return headings


@dataclass(slots=True)
class Outline:
    """The heading path at every place of a document."""

    _starts: list[int] = field(default_factory=list)
    _paths: list[tuple[str, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, elements: Sequence[Element]) -> Outline:
        """The outline that the titles among ``elements`` form by their levels."""
        outline = cls()
        stack: list[Element] = []
        for element in elements:
            if element.kind is ElementKind.TITLE:
                while stack and stack[-1].level >= element.level:
                    stack.pop()
                stack.append(element)
                outline._starts.append(element.span.end)
                outline._paths.append(tuple(title.text for title in stack))
        return outline

    def titles_within(self, start: int, end: int) -> Sequence[int]:
        """Where the titles end that stand inside ``[start, end)``."""
        return self._starts[bisect_right(self._starts, start) : bisect_right(self._starts, end)]

    def at(self, position: int) -> tuple[str, ...]:
        """The headings above ``position``, outermost first; a heading is not above itself."""
        index = bisect_right(self._starts, position) - 1
        return self._paths[index] if index >= 0 else ()


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """``[start, end)`` without the white space at its ends."""
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def chunk_of(document_id: str, parsed: Parsed, strategy: str, draft: Draft) -> Chunk:
    """The chunk that ``draft`` describes, with its pages and its id."""
    span = Span(draft.start, draft.end)
    text = parsed.text[draft.start : draft.end]
    return Chunk(
        id=Chunk.make_id(document_id, strategy, (span,), text),
        document=document_id,
        spans=(span,),
        text=text,
        headings=draft.headings,
        pages=_pages(parsed, span),
        strategy=strategy,
        window=draft.window,
    )


def _pages(parsed: Parsed, span: Span) -> tuple[int, ...]:
    pages = parsed.pages
    first = bisect_right(pages, span.start, key=lambda page: page.span.end)
    last = bisect_left(pages, span.end, key=lambda page: page.span.start)
    return tuple(page.number for page in pages[first:last] if page.span.overlaps(span))
