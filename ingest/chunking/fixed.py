"""The plainest strategy: windows of a fixed number of tokens, one after the other, with an overlap.

Knows nothing of paragraphs or tables; it is the yardstick that other strategies are measured
against. A window ends between two words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus.records import Chunk, Parsed
from ingest.chunking.drafts import Draft, Measure, Outline, check_sizes, chunk_of, room_under
from ingest.protocols import Tokenizer

__all__ = ["FixedChunker"]

_WORD = re.compile(r"\S{1,64}")


@dataclass(frozen=True, slots=True)
class FixedChunker:
    """See the module's docstring; arguments as for ``RecursiveChunker``."""

    tokenizer: Tokenizer
    size: int = 200
    overlap: int = 30
    window: int = 254

    def __post_init__(self) -> None:
        check_sizes(self.size, self.overlap)

    @property
    def name(self) -> str:
        """The strategy and its parameters."""
        return f"fixed-{self.size}-{self.overlap}"

    def chunk(self, document_id: str, parsed: Parsed) -> list[Chunk]:
        """Cut ``parsed`` into windows, in the order of its text."""
        measure, outline = Measure(self.tokenizer), Outline.of(parsed.elements)
        words = [match.span() for match in _WORD.finditer(parsed.text)]
        chunks: list[Chunk] = []
        first = 0
        while first < len(words):
            start = words[first][0]
            headings = measure.fitted(outline.at(start), self.window)
            room = room_under(measure.headings(headings), self.size, self.window)
            budget = min(self.size, room)
            last = self._last(measure, parsed.text, words, first, budget)
            draft = Draft(start, words[last][1], headings)
            chunks.append(chunk_of(document_id, parsed, self.name, draft))
            if last + 1 == len(words):
                break
            first = self._next(measure, parsed.text, words, first, last)
        return chunks

    def _last(
        self, measure: Measure, text: str, words: list[tuple[int, int]], first: int, budget: int
    ) -> int:
        """The last word of a window that begins with word ``first``."""
        low, high = first, min(first + budget, len(words) - 1)
        while low < high:
            middle = (low + high + 1) // 2
            if measure(text[words[first][0] : words[middle][1]]) <= budget:
                low = middle
            else:
                high = middle - 1
        return low

    def _next(
        self, measure: Measure, text: str, words: list[tuple[int, int]], first: int, last: int
    ) -> int:
        """The word that the next window begins with: after ``first``, at most ``overlap`` tokens
        before the end.
        """
        word = last + 1
        while (
            word - 1 > first and measure(text[words[word - 1][0] : words[last][1]]) <= self.overlap
        ):
            word -= 1
        return word
