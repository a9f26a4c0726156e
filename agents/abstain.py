"""Decides whether the documents answer a question, before a word is written.

``answerability`` is a logistic score (0..1) over a few measures of the evidence. Its weights were
fitted on questions with and without an answer in the documents; the threshold is a setting.

Knows nothing of engines. A refusal names what was nearest, never as if it were support.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from agents.evidence import Evidence, Weighed
from agents.extractive import score
from agents.kinds import has_answer
from agents.prompts import REFUSAL
from agents.words import content_words, names, numbers
from corpus.records import Hit, Passage

__all__ = ["answerability", "features", "refusal"]

# Logistic regression on one half of the sample's questions and one half of squad-en's, with and
# without their articles; the threshold keeps a tenth of the answerable sample questions out.
_WEIGHTS: Mapping[str, float] = {
    "meaning": 4.03,
    "score": 2.04,
    "passage_words": 0.7,
    "found_words": 1.04,
    "names": 1.2,
    "kind_words": 0.4,
    "stands_out": 1.9,
}
_BIAS = -7.16
_COMPARED = 25  # best pieces that are looked at


def features(
    evidence: Evidence, passages: Sequence[Passage], hits: Sequence[Hit]
) -> dict[str, float]:
    """The measures that the score is made of.

    ``meaning``: cosine of the best piece; ``score``: how well that piece answers, see
    ``agents.extractive.score``; the shares of the question's words ``passage_words`` in the best
    passage and ``found_words`` in all hits; ``names``: the share of its names and numbers that the
    best piece's passage has; ``kind_words``: the share of its words in one piece that has the kind
    of answer it asks for; ``stands_out``: how far the nearest piece is ahead of the next.
    """
    pieces = sorted(evidence.pieces, key=lambda p: -score(p, evidence))[:_COMPARED]
    if not pieces:
        return dict.fromkeys(_WEIGHTS, 0.0)
    words = {p.number: _words_of(p) for p in passages}
    cosines = sorted((p.cosine for p in pieces), reverse=True)[:8]
    found = {word for hit in hits for word in content_words(_text_of(hit))}
    return {
        "meaning": pieces[0].cosine,
        "score": score(pieces[0], evidence),
        "passage_words": max(evidence.coverage(bag) for bag in words.values()),
        "found_words": evidence.coverage(found),
        "names": _names_in(evidence, words[pieces[0].unit.passage]),
        "kind_words": max(_kind_words(piece, evidence) for piece in pieces),
        "stands_out": cosines[0] - sum(cosines) / max(len(cosines), 8),
    }


def answerability(evidence: Evidence, passages: Sequence[Passage], hits: Sequence[Hit]) -> float:
    """How probable it is (0..1) that the passages answer the question."""
    measured = features(evidence, passages, hits)
    total = _BIAS + sum(weight * measured[name] for name, weight in _WEIGHTS.items())
    return 1 / (1 + math.exp(-total))


def _words_of(passage: Passage) -> set[str]:
    return set(content_words(" ".join((passage.document.title, *passage.headings, passage.text))))


def _text_of(hit: Hit) -> str:
    return " ".join((*hit.chunk.headings, hit.chunk.text))


def _names_in(evidence: Evidence, words: Collection[str]) -> float:
    question = evidence.question
    hard = (names(question) | set(numbers(question))) & evidence.words
    return sum(word in words for word in hard) / len(hard) if hard else 1.0


def _kind_words(piece: Weighed, evidence: Evidence) -> float:
    return piece.shared * has_answer(evidence.question, piece.unit.shown)


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
