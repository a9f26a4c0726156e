"""How many tokens of the encoder the text at any place has, told fast.

Every word is counted once, and what stands between two places is the sum: the tokenizers of BERT and of its kin never
join what white space parts. Knows nothing of passages.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from corpus.records import Parsed, Span

__all__ = ["TokenCounter"]

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Words:
    """Where the words of a text start and end, and how many tokens come before each (and in all)."""

    starts: list[int]
    ends: list[int]
    before: list[int]


class TokenCounter:
    """Counts tokens at spans of ``documents``.

    Args:
        count: tokens of a text, without special ones.
    """

    def __init__(self, documents: Mapping[str, Parsed], count: Callable[[str], int]) -> None:
        self._documents = documents
        self._count = cache(count)
        self._words: dict[str, _Words] = {}

    def __call__(self, document: str, span: Span) -> int:
        """Tokens of the text of a document at a span; a word that the span cuts is counted as far as it goes."""
        words, text = self._of(document), self._documents[document].text
        first = bisect_right(words.ends, span.start)
        last = bisect_left(words.starts, span.end)
        whole = range(
            first + (first < last and words.starts[first] < span.start),
            last - (first < last and words.ends[last - 1] > span.end),
        )
        if not whole:
            return self._count(text[span.start : span.end].strip())
        edges = (text[span.start : words.ends[first]], text[words.starts[last - 1] : span.end])
        cut = sum(
            self._count(edge)
            for edge, is_cut in zip(edges, (whole.start > first, whole.stop < last), strict=True)
            if is_cut
        )
        return words.before[whole.stop] - words.before[whole.start] + cut

    def _of(self, document: str) -> _Words:
        if document not in self._words:
            found = list(_WORD.finditer(self._documents[document].text))
            counts = (self._count(word.group()) for word in found)
            self._words[document] = _Words(
                [word.start() for word in found],
                [word.end() for word in found],
                list(accumulate(counts, initial=0)),
            )
        return self._words[document]
