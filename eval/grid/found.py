"""What a cell found: the hits of every question with how long the search took, as values that can be kept.

Scores are rounded to what ``float32`` tells apart, so that what comes out of the cache is what went in. Knows
nothing of measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.records import Hit, SearchResult, Span

__all__ = ["Answered", "Passage", "Searched", "found_of"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A hit: a chunk at ``span`` of a document, by the name that the gold knows it by.

    ``window`` is what a reader is shown in its place; ranks count from 1, ``None`` where that index did not return
    it; the scores are cosine and BM25.
    """

    document: str
    span: Span
    score: float
    window: Span | None = None
    dense_rank: int | None = None
    lexical_rank: int | None = None

    @property
    def shown(self) -> Span:
        """What a reader gets."""
        return self.window or self.span

    def to_json(self) -> list[Any]:
        """As short as can be: there are millions of them."""
        window = [self.window.start, self.window.end] if self.window else 0
        where = [self.document, self.span.start, self.span.end, window]
        return [*where, self.score, self.dense_rank or 0, self.lexical_rank or 0]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Passage:
        """The passage that ``to_json`` described."""
        document, start, end, window, score, dense, lexical = data
        shown = Span(*window) if window else None
        return cls(document, Span(start, end), score, shown, dense or None, lexical or None)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to one question: passages as ``Passage.to_json`` has them, best first, and how long it took."""

    hits: Sequence[Sequence[Any]]
    latency_ms: float

    @property
    def passages(self) -> tuple[Passage, ...]:
        """All of them, made when they are asked for."""
        return self.first(len(self.hits))

    def first(self, count: int) -> tuple[Passage, ...]:
        """The best ``count``."""
        return tuple(map(Passage.from_json, self.hits[:count]))

    @property
    def has_windows(self) -> bool:
        """Whether a reader is shown anything else than what was matched."""
        return any(window and window != [start, end] for _, start, end, window, *_ in self.hits)


@dataclass(frozen=True, slots=True)
class Searched:
    """What a cell found, by question."""

    answers: Mapping[str, Answered]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            query: {"ms": found.latency_ms, "hits": found.hits}
            for query, found in self.answers.items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Searched:
        """What ``to_json`` described."""
        return cls({query: Answered(found["hits"], found["ms"]) for query, found in data.items()})


def found_of(result: SearchResult) -> list[list[Any]]:
    """The hits of a search over documents whose ``source`` is their name in the gold, as ``Answered`` has them."""
    return [_passage(hit).to_json() for hit in result.hits]


def _passage(hit: Hit) -> Passage:
    span = Span(hit.chunk.start, hit.chunk.end)
    score = float(f"{hit.score:.9g}")
    places = (hit.chunk.window, hit.dense_rank, hit.lexical_rank)
    return Passage(hit.document.source, span, score, *places)
