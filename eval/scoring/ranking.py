"""What a search found, as a ranking of the items that its question is judged on.

A question with gold spans is judged on these, else on documents (``Topic.qrels`` names the items).
So TREC's own tools give the same figures from ``runs/SYSTEM.run`` and ``qrels.txt``, for every way of
chunking. Knows nothing of indexes or measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import floor

from corpus.records import Span
from eval.gold.records import Topic, item
from eval.spans import COVERED, covered

__all__ = ["Retrieved", "falling", "ranked_items"]

Retrieved = tuple[str, Span, float]
"""A passage that was found: the name of its document, where it stands there, and its score."""

_STEP = 1e-6  # the last digit that run files hold
_SINGLE = 2.5e-7  # and what TREC's tools can tell apart, in single precision, as a share


def ranked_items(topic: Topic, found: Sequence[Retrieved]) -> list[tuple[str, float]]:
    """The judged items that were found, best first, none twice, with scores that fall.

    - Judged on spans: a passage that holds at least half of a gold span stands as that span's item,
      the first passage that does; one that holds several, as each of them, in the order of the text.
      Every other passage stands as itself, hence as not relevant: also one whose gold another had
      before, since it takes a place and brings nothing.
    - Judged on documents: a document stands at the place of its best passage (MaxP, Dai & Callan
      2019, "Deeper Text Understanding for IR with Contextual Neural Language Modeling").

    Scores are those of ``found``, lowered where they would be tied when written with six digits, so
    that whoever sorts by them gets this order.
    """
    spans = bool(topic.gold or topic.lost)
    items = _span_items(topic, found) if spans else ((name, score) for name, _, score in found)
    return falling(items)


def _span_items(topic: Topic, found: Sequence[Retrieved]) -> Iterator[tuple[str, float]]:
    wanted = sorted(set(topic.gold))
    for document, span, score in found:
        held = [
            (name, gold)
            for name, gold in wanted
            if name == document and covered(gold, [span]) >= COVERED
        ]
        wanted = [place for place in wanted if place not in held]
        for name, gold in held:
            yield item(name, gold), score
        if not held:
            yield item(document, span), score


def falling(items: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """The items, best first and none twice, with scores that fall as ``ranked_items`` has it."""
    seen: dict[str, float] = {}
    last = float("inf")
    for name, score in items:
        if name in seen:
            continue
        last = min(round(score, 6), _below(last))
        seen[name] = last
    return list(seen.items())


def _below(score: float) -> float:
    """The largest score of six digits that is safely below ``score``."""
    if score == float("inf"):
        return score
    return round(floor((score - max(_STEP, _SINGLE * abs(score))) / _STEP) * _STEP, 6)
