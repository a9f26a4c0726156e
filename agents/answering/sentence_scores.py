"""A quotable piece with all that is measured of it, and how well it answers a question.

``promise`` needs words only and says which pieces are worth a vector; ``score`` is the whole
judgement. Both are linear. Their weights maximise the likelihood of the gold sentence among the
pieces of its question (a conditional logit; McFadden 1974, "Conditional logit analysis of qualitative
choice behavior") over the answerable questions of the halves for fitting, of the sample's and of
squad-en's (``eval/articles.py`` says which they are). No weight was fitted on the halves for testing,
but their figures were seen while the measures were chosen.

Knows nothing of encoders and passages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.text.sentences import Unit

__all__ = ["Weighed", "promise", "score"]

_PROMISE: Mapping[str, float] = {
    "shared": 3.5,
    "said": 5.0,
    "passage_words": 2.9,
    "near": 4.2,
    "key": 4.0,
    "figure": 2.0,
    "first": 1.9,
}
_SCORE: Mapping[str, float] = {
    "cosine": 8.1,
    "said": 4.9,
    "passage_words": 3.3,
    "near": 3.3,
    "key": 4.4,
    "figure": 1.4,
    "first": 1.4,
}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A unit with how near it is to the question; shares of the question's words are by weight.

    ``cosine`` to the question, with what is unrelated at 0; ``shared``: the share of its words in the
    unit and its context, ``said``: in the unit and what leads to it, ``passage_words``: in the passage, its headings
    and title; ``rank`` of the passage, from 0; ``near``: its score against the best one's; ``key``:
    of a table's row, the share of its first cell that is asked about; ``figure``: it has the number or
    the time that is asked for.
    """

    unit: Unit
    cosine: float
    shared: float
    rank: int
    said: float = 0.0
    passage_words: float = 0.0
    near: float = 0.0
    key: float = 0.0
    figure: float = 0.0

    @property
    def first(self) -> float:
        """1 for the best passage, and less with every rank."""
        return 1 / (1 + self.rank)


def promise(piece: Weighed) -> float:
    """How likely it is to be worth comparing by its vector; any number, higher is likelier."""
    return _weighed(piece, _PROMISE)


def score(piece: Weighed) -> float:
    """How well it answers: any number, and a difference of 1 is odds of e to 1."""
    return _weighed(piece, _SCORE)


def _weighed(piece: Weighed, weights: Mapping[str, float]) -> float:
    return float(sum(weight * getattr(piece, name) for name, weight in weights.items()))
