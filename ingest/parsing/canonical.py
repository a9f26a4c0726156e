"""Builds a document's canonical text: the one string that every span, quote and citation points
into.

A parser hands its pieces over in reading order; this module cleans each piece, appends it, and
records the element with the span it got, so that ``element.text == text[element.span]`` holds by
construction. Cleaning happens here, before any offset exists, and never again afterwards.

Knows nothing of file formats.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corpus.records import Box, Element, ElementKind, Page, Parsed, Span

__all__ = ["TextBuilder", "clean", "one_line"]

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Control characters, lone surrogates, soft hyphens and byte-order marks: invisible, and each one
# breaks a search.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\ufeff\ufffe\uffff\ud800-\udfff]"
)
_WIDE_SPACES = re.compile(r"[\xa0\u2000-\u200a\u202f\u205f]")
# Looking back first keeps a long run of spaces inside a line from being tried from each of them.
_TRAILING = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")
_MAX_HTML = 200_000


def clean(text: str) -> str:
    """``text`` in composed Unicode form with plain line ends and spaces, and nothing invisible in
    it.
    """
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    text = _TRAILING.sub("", _WIDE_SPACES.sub(" ", text))
    return unicodedata.normalize("NFC", _BLANK_LINES.sub("\n\n", text)).strip("\n")


def one_line(text: str) -> str:
    """``text`` cleaned, with every run of white space made a single space."""
    return " ".join(clean(text).split())


def _cleaned(kind: ElementKind, text: str) -> str:
    if kind is ElementKind.TITLE:
        return one_line(text)
    indented = kind in (ElementKind.CODE, ElementKind.TABLE)
    return clean(text) if indented else clean(text).strip()


@dataclass(slots=True)
class _OpenPage:
    number: int
    origin: str
    width: float
    height: float
    start: int | None = None
    end: int = 0


@dataclass(slots=True)
class TextBuilder:
    """Collects elements in reading order and gives each its span.

    List items that follow each other stand on neighbouring lines; everything else is parted by a
    blank line.
    """

    missing: list[str] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0
    _elements: list[Element] = field(default_factory=list)
    _pages: list[_OpenPage] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The canonical text so far."""
        return "".join(self._parts)

    def __len__(self) -> int:
        """Characters of the canonical text so far."""
        return self._length

    def start_page(
        self, number: int, *, origin: str = "text", width: float = 0.0, height: float = 0.0
    ) -> None:
        """Everything added from here on stands on page ``number`` (from 1; size in points)."""
        self._pages.append(_OpenPage(number, origin, width, height))

    def add(
        self,
        kind: ElementKind,
        text: str,
        *,
        box: Box | None = None,
        level: int = 0,
        html: str | None = None,
    ) -> None:
        """Append one element; text that is blank after cleaning is dropped."""
        text = _cleaned(kind, text)
        if not text.strip():
            return
        self._append(self._separator(kind))
        start = self._length
        self._append(text)
        page = self._pages[-1] if self._pages else None
        if page is not None:
            page.start = start if page.start is None else page.start
            page.end = self._length
        number = page.number if page else None
        html = html if html and len(html) <= _MAX_HTML else None
        span = Span(start, self._length)
        self._elements.append(Element(kind, text, span, number, box, level, html))

    def build(
        self,
        media_type: str,
        *,
        title: str = "",
        metadata: Mapping[str, str] | None = None,
        missing: Sequence[str] = (),
    ) -> Parsed:
        """The finished document. Without a title, the first heading on top of it is the title."""
        first = self._elements[0] if self._elements else None
        if not title and first is not None and first.kind is ElementKind.TITLE:
            title = first.text
        return Parsed(
            text=self.text,
            elements=tuple(self._elements),
            pages=self._closed_pages(),
            media_type=media_type,
            title=one_line(title),
            metadata=dict(metadata or {}),
            missing=(*self.missing, *missing),
        )

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _separator(self, kind: ElementKind) -> str:
        if not self._elements:
            return ""
        both = kind is self._elements[-1].kind is ElementKind.LIST
        return "\n" if both else "\n\n"

    def _closed_pages(self) -> tuple[Page, ...]:
        pages, position = [], 0
        for page in self._pages:
            start = position if page.start is None else page.start
            end = start if page.start is None else page.end
            pages.append(Page(page.number, Span(start, end), page.origin, page.width, page.height))
            position = end
        return tuple(pages)
