"""The knife that strategies share: cuts a stretch of one document to size and sets small pieces
together.

Prose is cut at paragraphs, then lines, sentences, words; a table between its rows, each later piece
under the header row; code between its blocks. The cutting itself is LangChain's recursive splitter.
Spans are ours: the splitter is asked for pieces that add up to the text again, so that their
offsets follow by counting.

Where a strategy draws its borders (sections, topics, elements) is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from corpus.errors import InternalError
from corpus.records import Parsed
from ingest.chunking.drafts import Draft, Measure, Outline, room_under, trimmed
from ingest.protocols import Tokenizer

__all__ = ["CODE", "Cutter", "Separators"]


class Separators(NamedTuple):
    """Where to cut, best first, as regular expressions; the match stays ``at`` that end of a piece."""

    patterns: tuple[str, ...]
    at: Literal["start", "end"] = "end"


_SENTENCE_END = r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])"
_PROSE = Separators((r"\n\n+", r"\n", _SENTENCE_END, r"(?<=[,;:])\s+", r"\s+", ""))
CODE = Separators((r"\n\n+", r"\n", r"\s+", ""))
_ROW = Separators((r"(?<= \|)\s", *CODE.patterns))
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n")
_WORD = re.compile(r"\S+")
_TINY_SHARE = 5  # a chunk below a fifth of the size seeks company


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts one document. Sizes are in tokens of the embedding model.

    Args:
        text: the document's canonical text.
        measure: counts tokens.
        outline: the heading path at every place.
        size: tokens that a chunk's text should not exceed.
        overlap: tokens that a piece of prose repeats of the one before it, at most.
        window: tokens that the encoder sees at once, special ones not counted.
        code: where code is cut.
    """

    text: str
    measure: Measure
    outline: Outline
    size: int
    overlap: int
    window: int
    code: Separators = CODE

    @classmethod
    def of(
        cls, parsed: Parsed, tokenizer: Tokenizer, size: int, overlap: int, window: int
    ) -> Cutter:
        """The cutter for ``parsed``."""
        outline = Outline.of(parsed.elements)
        return cls(parsed.text, Measure(tokenizer), outline, size, overlap, window)

    def length(self, start: int, end: int) -> int:
        """Tokens of the text in ``[start, end)``."""
        return self.measure(self.text[start:end])

    def budget(self, headings: tuple[str, ...]) -> int:
        """Tokens that a chunk's text may have under ``headings``."""
        return min(self.size, self._room(headings))

    def draft(self, start: int, end: int) -> Draft:
        """``[start, end)``, trimmed, under the headings that stand above it."""
        start, end = trimmed(self.text, start, end)
        return Draft(start, end, self.measure.fitted(self.outline.at(start), self.window))

    def pieces(self, kind: str, start: int, end: int) -> list[Draft]:
        """``[start, end)``, which is all ``kind`` ("prose", "table" or "code"), cut to size."""
        headings = self.measure.fitted(self.outline.at(end - 1), self.window)
        budget = self.budget(headings)
        if self.length(start, end) <= budget:
            return [self.draft(start, end)]
        if kind == "table":
            return self._table(start, end)
        separators = self.code if kind == "code" else _PROSE
        overlap = 0 if kind == "code" else min(self.overlap, budget // 3)
        pieces = self._under_titles(start, end, separators, budget - overlap)
        return [
            self.draft(self._back(pieces, i, overlap), pieces[i][1]) for i in range(len(pieces))
        ]

    def packed(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Neighbours set together as long as they fit."""
        packed: list[Draft] = []
        for draft in drafts:
            both = self._both(packed[-1], draft, self.size) if packed else None
            if both:
                packed[-1] = both
            else:
                packed.append(draft)
        return packed

    def joined(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Tiny drafts set together with a neighbour, across headings and over the size if need be."""
        joined: list[Draft] = []
        for draft in drafts:
            last = joined[-1] if joined else None
            if last and (self._is_tiny(last) or self._is_tiny(draft)):
                both = self._both(last, draft, max(self.size, self.window))
                if both:
                    joined[-1] = both
                    continue
            joined.append(draft)
        return joined

    def split(
        self, start: int, end: int, separators: Separators, size: int
    ) -> Iterator[tuple[int, int]]:
        """``[start, end)`` as neighbouring pieces of at most ``size`` tokens.

        Raises:
            InternalError: the splitter lost or made up text, so that offsets cannot be told.
        """
        from langchain_text_splitters.character import RecursiveCharacterTextSplitter

        splitter = RecursiveCharacterTextSplitter(
            separators=list(separators.patterns),
            is_separator_regex=True,
            keep_separator=separators.at,
            strip_whitespace=False,
            chunk_size=max(size, 1),
            chunk_overlap=0,
            length_function=self.measure,
        )
        pieces = splitter.split_text(self.text[start:end])
        if "".join(pieces) != self.text[start:end]:
            raise InternalError(
                "The splitter's pieces do not add up to the text; please report this document."
            )
        for piece in pieces:
            a, b = trimmed(self.text, start, start + len(piece))
            if a < b:
                yield a, b
            start += len(piece)

    def _room(self, headings: tuple[str, ...]) -> int:
        return room_under(self.measure.headings(headings), self.size, self.window)

    def _table(self, start: int, end: int) -> list[Draft]:
        """Row groups of a long table; the header row is the innermost heading of every group but
        the first.
        """
        lines = [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*", self.text[start:end])]
        lines = [(start + a, start + b) for a, b in lines]
        header = self.text[slice(*lines[min(self._heading_lines(start, lines), len(lines) - 1)])]
        path = self.outline.at(end - 1)
        headings = self.measure.fitted((*path, header.strip(" |")), self.window)
        first, *rest = self._row_groups(lines, self.budget(headings))
        return [
            self.draft(*first),
            *(Draft(*trimmed(self.text, *piece), headings) for piece in rest),
        ]

    def _row_groups(self, lines: Sequence[tuple[int, int]], budget: int) -> list[tuple[int, int]]:
        """Rows set together up to ``budget`` tokens; a row longer than that is cut between cells."""
        groups: list[tuple[int, int]] = []
        for a, b in lines:
            whole = self.length(a, b) <= budget
            for piece in [(a, b)] if whole else self.split(a, b, _ROW, budget):
                if groups and self.length(groups[-1][0], piece[1]) <= budget:
                    groups[-1] = (groups[-1][0], piece[1])
                else:
                    groups.append(piece)
        return groups

    def _heading_lines(self, start: int, lines: Sequence[tuple[int, int]]) -> int:
        """How many of a table's first lines are headings that were put before it."""
        below = self._end_of_titles(start, lines[-1][1])
        return sum(b <= below for _, b in lines)

    def _end_of_titles(self, start: int, end: int) -> int:
        """Where the titles end that ``[start, end)`` begins with; ``start`` if with none."""
        return max([start, *self.outline.titles_within(start, end)])

    def _under_titles(
        self, start: int, end: int, separators: Separators, size: int
    ) -> list[tuple[int, int]]:
        """As ``split``, but with the titles on top kept together with the first piece below them."""
        below = self._end_of_titles(start, end)
        room = size - self.length(start, below)
        if below == start or room < size // 2 or not self.text[below:end].strip():
            return list(self.split(start, end, separators, size))
        (_, first_end), *rest = self.split(below, end, separators, room)
        return [(start, first_end), *rest]

    def _back(self, pieces: Sequence[tuple[int, int]], index: int, overlap: int) -> int:
        """Where piece ``index`` begins when it repeats the end of the one before, from a sentence's
        start if it can.
        """
        start = pieces[index][0]
        if index == 0 or overlap == 0:
            return start
        floor = pieces[index - 1][0]
        before = self.text[floor:start]
        sentences = [
            match.end() for match in _SENTENCE.finditer(before) if match.end() < len(before)
        ]
        words = [match.start() for match in _WORD.finditer(before)]
        for places in (sentences, words):
            near = _last_fitting(places, lambda place: self.measure(before[place:]) <= overlap)
            if near is not None and before[near:].strip():
                return floor + near
        return start

    def _is_tiny(self, draft: Draft) -> bool:
        return self.length(draft.start, draft.end) < self.size // _TINY_SHARE

    def _both(self, left: Draft, right: Draft, size: int) -> Draft | None:
        """``left`` and ``right`` as one, or None when that is more than ``size`` or the room."""
        merged = replace(left, end=right.end)
        fits = self.length(left.start, right.end) <= min(size, self._room(left.headings))
        return merged if fits else None


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
