"""The default strategy: sections by heading, cut by LangChain's recursive splitter where they are
too long.

A section's prose is cut at paragraphs, then lines, sentences, words; a table between its rows, each
later piece under the header row; code between its blocks. What stands together and fits together
stays together, and a heading always keeps company with the text below it. Neighbouring pieces of
prose overlap by some words.

Sizes are in tokens of the embedding model. Spans are ours: the splitter is asked for pieces that
add up to the text again, so that their offsets follow by counting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from corpus.errors import InternalError
from corpus.records import Chunk, Element, ElementKind, Parsed
from ingest.chunking.drafts import Draft, Measure, Outline, check_sizes, chunk_of, trimmed
from ingest.protocols import Tokenizer

__all__ = ["RecursiveChunker"]

_PROSE = (r"\n\n+", r"\n", r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])", r"(?<=[,;:])\s+", r"\s+", "")
_CODE = (r"\n\n+", r"\n", r"\s+", "")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n")
_WORD = re.compile(r"\S+")
_TINY_SHARE = 5  # a chunk below a fifth of the size seeks company


@dataclass(frozen=True, slots=True)
class _Cut:
    """What one document is being cut with."""

    text: str
    measure: Measure
    outline: Outline


@dataclass(frozen=True, slots=True)
class RecursiveChunker:
    """See the module's docstring.

    Args:
        tokenizer: counts the embedding model's tokens.
        size: tokens that a chunk's text should not exceed.
        overlap: tokens that a piece of prose repeats of the one before it, at most.
        window: tokens that the encoder can see, special ones not counted; headings and text fit in
            it.
    """

    tokenizer: Tokenizer
    size: int = 200
    overlap: int = 30
    window: int = 254

    def __post_init__(self) -> None:
        check_sizes(self.size, self.overlap, self.window)

    @property
    def name(self) -> str:
        """The strategy and its parameters."""
        return f"recursive-{self.size}-{self.overlap}"

    def chunk(self, document_id: str, parsed: Parsed) -> list[Chunk]:
        """Cut ``parsed`` into chunks, in the order of its text."""
        cut = _Cut(parsed.text, Measure(self.tokenizer), Outline.of(parsed.elements))
        sections = [self._section(cut, section) for section in _sections(parsed.elements)]
        drafts = self._joined(cut, [draft for section in sections for draft in section])
        return [chunk_of(document_id, parsed, self.name, draft) for draft in drafts]

    def _section(self, cut: _Cut, elements: Sequence[Element]) -> list[Draft]:
        """The drafts of one section, which begins with its heading."""
        drafts: list[Draft] = []
        pending: int | None = None  # where headings begin that wait for something to go with
        for kind, run in _runs(elements):
            start, end = run[0].span.start, run[-1].span.end
            if (
                all(element.kind is ElementKind.TITLE for element in run)
                and end != elements[-1].span.end
            ):
                pending = start if pending is None else pending
                continue
            start, pending = (start if pending is None else pending), None
            drafts += self._pieces(cut, kind, start, end)
        return self._packed(cut, drafts)

    def _pieces(self, cut: _Cut, kind: str, start: int, end: int) -> list[Draft]:
        headings = cut.measure.fitted(cut.outline.at(end - 1), self.window)
        budget = self._budget(cut, headings)
        if cut.measure(cut.text[start:end]) <= budget:
            return [self._draft(cut, start, end)]
        if kind == "table":
            return self._table(cut, start, end)
        separators = _CODE if kind == "code" else _PROSE
        overlap = 0 if kind == "code" else min(self.overlap, budget // 3)
        pieces = _under_titles(cut, start, end, separators, budget - overlap)
        return [
            self._draft(cut, self._back(cut, pieces, i, overlap), pieces[i][1])
            for i in range(len(pieces))
        ]

    def _table(self, cut: _Cut, start: int, end: int) -> list[Draft]:
        """Row groups of a long table; the header row is the innermost heading of every group but
        the first.
        """
        lines = [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*", cut.text[start:end])]
        lines = [(start + a, start + b) for a, b in lines]
        header = cut.text[slice(*lines[min(_heading_lines(cut, start, lines), len(lines) - 1)])]
        path = cut.outline.at(end - 1)
        headings = cut.measure.fitted((*path, header.strip(" |")), self.window)
        budget = self._budget(cut, headings)
        pieces: list[tuple[int, int]] = []
        for a, b in lines:
            whole = cut.measure(cut.text[a:b]) <= budget
            for piece in [(a, b)] if whole else _split(cut, a, b, (r"(?<= \|)\s", *_CODE), budget):
                if pieces and cut.measure(cut.text[pieces[-1][0] : piece[1]]) <= budget:
                    pieces[-1] = (pieces[-1][0], piece[1])
                else:
                    pieces.append(piece)
        first, *rest = pieces
        return [
            self._draft(cut, *first),
            *(Draft(*trimmed(cut.text, *piece), headings) for piece in rest),
        ]

    def _back(self, cut: _Cut, pieces: list[tuple[int, int]], index: int, overlap: int) -> int:
        """Where piece ``index`` begins when it repeats the end of the one before, from a sentence's
        start if it can.
        """
        start = pieces[index][0]
        if index == 0 or overlap == 0:
            return start
        floor = pieces[index - 1][0]
        before = cut.text[floor:start]
        sentences = [
            match.end() for match in _SENTENCE.finditer(before) if match.end() < len(before)
        ]
        words = [match.start() for match in _WORD.finditer(before)]
        for places in (sentences, words):
            near = _last_fitting(places, lambda place: cut.measure(before[place:]) <= overlap)
            if near is not None and before[near:].strip():
                return floor + near
        return start

    def _packed(self, cut: _Cut, drafts: list[Draft]) -> list[Draft]:
        """Neighbours of one section set together as long as they fit."""
        packed: list[Draft] = []
        for draft in drafts:
            both = self._both(cut, packed[-1], draft, self.size) if packed else None
            if both:
                packed[-1] = both
            else:
                packed.append(draft)
        return packed

    def _joined(self, cut: _Cut, drafts: list[Draft]) -> list[Draft]:
        """Tiny drafts set together with a neighbour, across headings and over the size if need be."""
        joined: list[Draft] = []
        for draft in drafts:
            last = joined[-1] if joined else None
            if last and (self._tiny(cut, last) or self._tiny(cut, draft)):
                both = self._both(cut, last, draft, self.window)
                if both:
                    joined[-1] = both
                    continue
            joined.append(draft)
        return joined

    def _tiny(self, cut: _Cut, draft: Draft) -> bool:
        return cut.measure(cut.text[draft.start : draft.end]) < self.size // _TINY_SHARE

    def _both(self, cut: _Cut, left: Draft, right: Draft, size: int) -> Draft | None:
        """``left`` and ``right`` as one, or None when that is more than ``size`` or the window."""
        merged = replace(left, end=right.end)
        room = min(size, self.window - cut.measure.headings(left.headings))
        return merged if cut.measure(cut.text[left.start : right.end]) <= room else None

    def _draft(self, cut: _Cut, start: int, end: int) -> Draft:
        start, end = trimmed(cut.text, start, end)
        return Draft(start, end, cut.measure.fitted(cut.outline.at(start), self.window))

    def _budget(self, cut: _Cut, headings: tuple[str, ...]) -> int:
        return min(self.size, self.window - cut.measure.headings(headings))


def _sections(elements: Sequence[Element]) -> Iterator[list[Element]]:
    """Elements from one heading (or group of headings) to the next."""
    section: list[Element] = []
    for element in elements:
        if (
            element.kind is ElementKind.TITLE
            and section
            and section[-1].kind is not ElementKind.TITLE
        ):
            yield section
            section = []
        section.append(element)
    if section:
        yield section


def _runs(elements: Sequence[Element]) -> Iterator[tuple[str, list[Element]]]:
    """Neighbours that are cut alike: prose together, each table and each piece of code alone."""

    def key(numbered: tuple[int, Element]) -> tuple[str, int]:
        index, element = numbered
        if element.kind in (ElementKind.TABLE, ElementKind.CODE):
            return element.kind.value, index
        return "prose", -1

    for (kind, _), group in groupby(enumerate(elements), key):
        yield kind, [element for _, element in group]


def _heading_lines(cut: _Cut, start: int, lines: list[tuple[int, int]]) -> int:
    """How many of a table's first lines are headings that were put before it."""
    below = _end_of_titles(cut, start, lines[-1][1])
    return sum(b <= below for _, b in lines)


def _end_of_titles(cut: _Cut, start: int, end: int) -> int:
    """Where the titles end that ``[start, end)`` begins with; ``start`` if it begins with none."""
    return max([start, *cut.outline.titles_within(start, end)])


def _under_titles(
    cut: _Cut, start: int, end: int, separators: Sequence[str], size: int
) -> list[tuple[int, int]]:
    """As ``_split``, but with the titles on top kept together with the first piece below them."""
    below = _end_of_titles(cut, start, end)
    room = size - cut.measure(cut.text[start:below])
    if below == start or room < size // 2 or not cut.text[below:end].strip():
        return list(_split(cut, start, end, separators, size))
    (_, first_end), *rest = _split(cut, below, end, separators, room)
    return [(start, first_end), *rest]


def _last_fitting(places: Sequence[int], fits: Callable[[int], bool]) -> int | None:
    """The first of the ascending ``places`` that fits, when all after it do too."""
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if fits(places[middle]):
            high = middle
        else:
            low = middle + 1
    return places[low] if low < len(places) else None


def _split(
    cut: _Cut, start: int, end: int, separators: Sequence[str], size: int
) -> Iterator[tuple[int, int]]:
    """Cut ``[start, end)`` into neighbouring pieces of at most ``size`` tokens with LangChain's
    splitter.
    """
    from langchain_text_splitters.character import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=list(separators),
        is_separator_regex=True,
        keep_separator="end",
        strip_whitespace=False,
        chunk_size=max(size, 1),
        chunk_overlap=0,
        length_function=cut.measure,
    )
    pieces = splitter.split_text(cut.text[start:end])
    if "".join(pieces) != cut.text[start:end]:
        raise InternalError(
            "The splitter's pieces do not add up to the text; please report this document."
        )
    for piece in pieces:
        a, b = trimmed(cut.text, start, start + len(piece))
        if a < b:
            yield a, b
        start += len(piece)
