"""Decides whether the documents answer a question, before a word is written.

``answerability`` is a logistic score (0..1) over a few measures of the evidence. Its weights were
fitted on questions with and without an answer in the documents; the threshold is a setting.

Knows nothing of engines. A refusal names what was nearest, never as if it were support.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from agents.evidence import Evidence
from agents.kinds import has_answer
from agents.prompts import REFUSAL
from corpus.records import Hit, Passage

__all__ = ["answerability", "features", "is_refusal", "refusal"]

_WEIGHTS: Mapping[str, float] = {
    "cosine": 6.0,
    "shared": 4.0,
    "passage_shared": 2.0,
    "kind": 1.0,
}
_BIAS = -6.0


def features(
    evidence: Evidence, passages: Sequence[Passage], hits: Sequence[Hit]
) -> dict[str, float]:
    """The measures that the score is made of, each about 0..1."""
    pieces = evidence.pieces
    good = sorted(pieces, key=lambda p: -(p.cosine + p.shared / 2))[:3]
    texts = [" ".join((p.document.title, *p.headings, p.text)) for p in passages]
    return {
        "cosine": max((p.cosine for p in pieces), default=0.0),
        "shared": max((p.shared for p in pieces), default=0.0),
        "passage_shared": max((evidence.coverage(text) for text in texts), default=0.0),
        "kind": float(any(has_answer(evidence.question, p.unit.shown) for p in good)),
    }


def answerability(evidence: Evidence, passages: Sequence[Passage], hits: Sequence[Hit]) -> float:
    """How probable it is (0..1) that the passages answer the question."""
    measured = features(evidence, passages, hits)
    total = _BIAS + sum(weight * measured[name] for name, weight in _WEIGHTS.items())
    return 1 / (1 + math.exp(-total))


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


def is_refusal(text: str) -> bool:
    """Whether a model's answer is the refusal that the prompt asks for, give or take a mark."""
    said = " ".join(text.lower().split()).strip("\"'*.! ")
    wanted = REFUSAL.lower().strip(".")
    return wanted in said and len(said) <= 2 * len(wanted)
