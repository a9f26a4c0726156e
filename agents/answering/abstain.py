"""Decides whether the documents answer a question, before a word is written.

``answerability`` is a logistic score (0..1) over a few measures of the evidence. Its weights were
fitted on questions with and without an answer in the documents, and the threshold is a setting;
``alcove calibrate`` fits both to a collection (``agents.answering.calibration``).

Knows nothing of engines. A refusal names what was nearest, never as if it were support.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from agents.answering.evidence import Evidence, passage_words
from agents.answering.sentence_scores import score
from agents.prompts import REFUSAL
from agents.text.words import content_words, names, numbers
from corpus.records import Hit, Passage

__all__ = ["WEIGHTS", "answerability", "features", "refusal"]

# Logistic regression, with the classes balanced, on the halves for fitting of the sample's questions
# and of squad-en's, with and without their articles (``eval/articles.py``).
WEIGHTS: Mapping[str, float] = {
    "meaning": 7.73,
    "score": 0.06,
    "passage_words": 0.67,
    "found_words": 1.29,
    "names": 1.93,
    "stands_out": 8.56,
    "bias": -7.9,
}
_SCALE = 10.0  # of ``agents.answering.sentence_scores.score``, which comes near 20
_COMPARED = 25  # best pieces that are looked at


def features(
    evidence: Evidence, passages: Sequence[Passage], hits: Sequence[Hit]
) -> dict[str, float]:
    """The measures that the score is made of.

    ``meaning``: cosine of the best piece; ``score``: how well that piece answers, a tenth of
    ``agents.answering.sentence_scores.score``; the shares of the question's words ``passage_words`` in the best
    passage and ``found_words`` in all hits; ``names``: the share of its names and numbers that the
    best piece's passage has; ``stands_out``: how far the nearest piece is ahead of the next.
    """
    pieces = sorted(evidence.pieces, key=lambda p: -score(p))[:_COMPARED]
    if not pieces:
        return {name: 0.0 for name in WEIGHTS if name != "bias"}
    words = {p.number: passage_words(p) for p in passages}
    cosines = sorted((p.cosine for p in pieces), reverse=True)[:8]
    found = {word for hit in hits for word in content_words(_text_of(hit))}
    return {
        "meaning": pieces[0].cosine,
        "score": score(pieces[0]) / _SCALE,
        "passage_words": max(evidence.coverage(bag) for bag in words.values()),
        "found_words": evidence.coverage(found),
        "names": _names_in(evidence, words[pieces[0].unit.passage]),
        "stands_out": cosines[0] - sum(cosines) / max(len(cosines), 8),
    }


def answerability(measured: Mapping[str, float], weights: Mapping[str, float] = WEIGHTS) -> float:
    """How probable it is (0..1) that what was ``measured`` by ``features`` holds an answer."""
    total = weights["bias"] + sum(weights[name] * value for name, value in measured.items())
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


def _text_of(hit: Hit) -> str:
    return " ".join((*hit.chunk.headings, hit.chunk.text))


def _names_in(evidence: Evidence, words: Collection[str]) -> float:
    question = evidence.question
    hard = (names(question) | set(numbers(question))) & evidence.words
    return sum(word in words for word in hard) / len(hard) if hard else 1.0


def refusal(nearest: Sequence[Passage]) -> str:
    """The refusal in words, with where to look that is nearest to the question."""
    if not nearest:
        return f"{REFUSAL} Nothing in them is near it."
    named = dict.fromkeys(_name(passage) for passage in nearest)
    return f"{REFUSAL} Nearest to it: {'; '.join(named)}."


def _name(passage: Passage) -> str:
    document = passage.document
    title = document.title or document.source.replace("\\", "/").rpartition("/")[2]
    return f"{title!r}, page {passage.page}" if passage.page else repr(title)
