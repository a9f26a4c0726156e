"""How much of the gold text a search brings, how little else, and what that costs.

The measures are those of Smith & Troynikov 2024, "Evaluating Chunking Strategies for Retrieval"
(Chroma technical report). With *g* the gold text of a question, *r* the text of the first ``k``
passages (a piece that two of them share counts twice in *r*) and *g∩r* the gold text in any of them:

- ``token recall@k`` = |g∩r| / |g|,
- ``token precision@k`` = |g∩r| / |r|,
- ``token IoU@k`` = |g∩r| / (|r| + |g| - |g∩r|),
- ``precision omega`` = |g∩c| / |g∪h|, where *c* is the text of all chunks and *h* that of the chunks
  that hold a character of gold: what the borders of chunks alone cost.

The report writes lengths as tokens; its published code counts characters, and so is it done here, but
for two corner cases: gold spans that overlap count once (there: in |g| of the recall, once each), and
a chunk that ends where gold begins holds none of it (there, it counts into *h*).

``k`` large passages hold more than ``k`` small ones, whatever their borders, so more measures say what
that costs: ``context tokens@k`` counts the encoder's tokens in the text of the first ``k``, without
repetition, and ``recall in N`` is the token recall of the best passages, whole and in order, that are
at most ``N`` characters together (one at least). ``span recall@k`` is the share of gold spans of which
a single passage holds at least half. Gold that is in no document counts as gold that was not found.

Knows places in texts, nothing of searches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from corpus.records import Span
from eval.gold.records import Place, Topic
from eval.scoring.measures import Measure
from eval.spans import is_covered

__all__ = ["Chunks", "Count", "text_measures"]

Count = Callable[[str, Span], int]
"""Tokens of the text of a document at a span."""


class Chunks:
    """Where all chunks of some documents stand, for ``precision omega``."""

    def __init__(self, places: Mapping[str, Iterable[Span]]) -> None:
        self._spans = {name: sorted(set(spans)) for name, spans in places.items()}
        self._longest = {name: max(map(len, s), default=0) for name, s in self._spans.items()}

    def holding(self, gold: Sequence[Place]) -> list[Place]:
        """The chunks that share a character with ``gold``, each once."""
        return sorted({place for name, span in gold for place in self._near(name, span)})

    def _near(self, name: str, span: Span) -> Iterator[Place]:
        spans = self._spans.get(name, [])
        first = bisect_left(spans, Span(span.start - self._longest.get(name, 0), 0))
        for chunk in spans[first:]:
            if chunk.start >= span.end:
                return
            if chunk.overlaps(span):
                yield name, chunk


@dataclass(frozen=True, slots=True)
class _Case:
    """One question: its gold, the characters of gold that is nowhere, and what was found."""

    topic: Topic
    found: Sequence[Place]
    once: bool
    chunks: Chunks | None
    count: Count | None

    @property
    def lost(self) -> int:
        return sum(len(entry.quote) for entry in self.topic.lost)

    @property
    def wanted(self) -> int:
        return _length(self.topic.gold) + self.lost

    def recall(self, k: int) -> float:
        return _share(_common(self.topic.gold, self.found[:k]), self.wanted)

    def precision(self, k: int) -> float:
        return _share(_common(self.topic.gold, self.found[:k]), self._read(k))

    def iou(self, k: int) -> float:
        both = _common(self.topic.gold, self.found[:k])
        return _share(both, self._read(k) + self.wanted - both)

    def _read(self, k: int) -> int:
        first = self.found[:k]
        return _length(first) if self.once else sum(len(span) for _, span in first)

    def omega(self, _: int) -> float:
        if self.chunks is None:
            raise ValueError("precision omega needs all chunks of the documents")
        gold, held = self.topic.gold, self.chunks.holding(self.topic.gold)
        return _share(_common(gold, held), _length([*gold, *held]) + self.lost)

    def spans(self, k: int) -> float:
        found = sum(
            is_covered(span, [[place] for name, place in self.found[:k] if name == document])
            for document, span in self.topic.gold
        )
        return found / (len(self.topic.gold) + len(self.topic.lost))

    def within(self, budget: int) -> float:
        return _share(_common(self.topic.gold, _within(budget, self.found)), self.wanted)

    def tokens(self, k: int) -> float:
        if self.count is None:
            raise ValueError("context tokens need something that counts them")
        return float(sum(self.count(name, span) for name, span in _merged(self.found[:k])))


_FORMULAS: dict[str, Callable[[_Case, int], float]] = {
    "token recall": _Case.recall,
    "token precision": _Case.precision,
    "token IoU": _Case.iou,
    "precision omega": _Case.omega,
    "span recall": _Case.spans,
    "recall in": _Case.within,
    "context tokens": _Case.tokens,
}
"""By the names of the families of ``eval.scoring.measures``."""


def text_measures(
    measures: Sequence[Measure],
    topic: Topic,
    found: Sequence[Place],
    chunks: Chunks | None = None,
    count: Count | None = None,
    once: bool = False,
) -> dict[str, float]:
    """The values of measures of text for one question, by their names.

    Args:
        topic: with gold spans, or with gold that is in no document.
        found: passages, best first.
        chunks: of all documents that hold gold; needed for ``precision omega``.
        count: needed for ``context tokens@k``.
        once: the text of passages counts once in *r*, too: it is shown without repetition.

    Raises:
        ValueError: the question has no gold spans, or what a measure needs was not given, or it is
            no measure of text.
    """
    if not topic.gold and not topic.lost:
        raise ValueError(f"question {topic.id!r} has no gold spans")
    case = _Case(topic, found, once, chunks, count)
    values = {}
    for entry in measures:
        if entry.family not in _FORMULAS:
            raise ValueError(f"{entry.name!r} is no measure of text")
        values[entry.name] = _FORMULAS[entry.family](case, entry.k or 0)
    return values


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _within(budget: int, found: Sequence[Place]) -> Sequence[Place]:
    """As many of the best places as are at most ``budget`` characters together, but one at least."""
    counts = range(
        1, len(found) + 1
    )  # lengths grow with them, so the last that fits can be bisected
    fitting = bisect_left(counts, budget + 1, key=lambda count: _length(found[:count]))
    return found[: max(1, fitting)]


def _common(a: Sequence[Place], b: Sequence[Place]) -> int:
    """Characters in both: those of each, less those of the two together."""
    return _length(a) + _length(b) - _length([*a, *b])


def _length(places: Iterable[Place]) -> int:
    """Characters that ``places`` cover, each counted once."""
    return sum(len(span) for _, span in _merged(places))


def _merged(places: Iterable[Place]) -> Iterator[Place]:
    """The same characters as stretches that neither overlap nor touch."""
    for name, group in groupby(sorted(places), key=lambda place: place[0]):
        spans = (span for _, span in group)
        current = next(spans)
        for span in spans:
            if span.start > current.end:
                yield name, current
                current = span
            else:
                current = Span(current.start, max(current.end, span.end))
        yield name, current
