"""Answers without a language model: the sentences that answer the question, quoted and cited.

Chooses by the encoder's vectors, shared words and the kind of answer that is asked for (a number,
a date, …); a table answers by its row, with the names of its columns. It never says more than it
quotes. Try it: ``alcove ask --engine extractive QUESTION``.

Knows nothing of search, and does not decide whether to answer at all (``agents.answering.abstain`` does).
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from agents.answering.evidence import Evidence, Weigher
from agents.answering.followup import standalone
from agents.answering.sentence_scores import Weighed, score
from agents.records.answers import Message, Written
from agents.settings import AnswerSettings
from agents.text.words import content_words
from corpus.records import Passage

if TYPE_CHECKING:
    from agents.records.protocols import Texts
    from retrieval.protocols import Encoder

__all__ = ["ExtractiveEngine", "choose"]

_CLOSE = 1.0  # a further sentence is quoted if its score is at most this much below the best
_NEW_WORDS = 0.15  # or if it has this share (by weight) of the question's words still missing
_SAME = 0.7  # share of words in common from which two sentences say the same
_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟")


class ExtractiveEngine:
    """An ``agents.records.protocols.Engine`` that needs nothing but the encoder.

    Args:
        encoder: the encoder of the index.
        texts: the documents' elements.
        settings: how many sentences are compared and quoted.
    """

    name = "extractive"
    url = ""
    label = "quoted from the documents, without a language model"

    def __init__(self, encoder: Encoder, texts: Texts, settings: AnswerSettings) -> None:
        self.model = encoder.fingerprint.model
        self.weigher = Weigher(encoder, texts, settings.candidates)
        self._most = settings.sentences

    def stream(
        self,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Message] = (),
        stop: threading.Event | None = None,
    ) -> Generator[str, None, Written]:
        """The chosen sentences, each with its ``[n]``; see ``agents.records.protocols.Engine``."""
        chosen = choose(self.weigher.weigh(self.condense(question, history), passages), self._most)
        before = ""
        for piece in chosen:
            if stop is not None and stop.is_set():
                break
            yield f"{_gap(before, piece.unit.shown)}{piece.unit.shown} [{piece.unit.passage}]"
            before = piece.unit.shown
        return Written(shown=tuple(p.number for p in passages))

    def condense(
        self, question: str, history: Sequence[Message], stop: threading.Event | None = None
    ) -> str:
        """A question that leans on those before it, behind them; see ``agents.answering.followup``."""
        return standalone(question, history)

    def rephrase(
        self, question: str, count: int, stop: threading.Event | None = None
    ) -> Sequence[str]:
        """None: that takes a language model."""
        return ()


def choose(evidence: Evidence, most: int) -> list[Weighed]:
    """The best sentence, and others that are as good or add what it lacks, in reading order."""
    scores = {id(piece): score(piece) for piece in evidence.pieces}
    ranked = sorted(evidence.pieces, key=lambda piece: -scores[id(piece)])
    chosen: list[Weighed] = []
    for piece in ranked[: 4 * most]:
        close = not chosen or scores[id(piece)] >= scores[id(chosen[0])] - _CLOSE
        new = not any(_alike(piece, other) for other in chosen)
        if len(chosen) < most and new and (close or _adds(piece, chosen, evidence)):
            chosen.append(piece)
    best = {piece.unit.passage: i for i, piece in reversed(list(enumerate(chosen)))}
    return sorted(chosen, key=lambda p: (best[p.unit.passage], p.unit.span.start))


def _adds(piece: Weighed, chosen: Sequence[Weighed], evidence: Evidence) -> bool:
    """Whether it has much of what the question asks about and the chosen ones do not mention."""
    said = {word for other in chosen for word in content_words(other.unit.whole)}
    new = said.union(content_words(piece.unit.whole))
    return evidence.coverage(new) - evidence.coverage(said) >= _NEW_WORDS


def _alike(piece: Weighed, other: Weighed) -> bool:
    mine, theirs = set(content_words(piece.unit.shown)), set(content_words(other.unit.shown))
    return len(mine & theirs) >= _SAME * min(len(mine), len(theirs))


def _gap(before: str, following: str) -> str:
    """What parts two quotes: one that does not end as a sentence would be taken as one with the next."""
    if not before:
        return ""
    return " " if before.endswith(_ENDS) and following.endswith(_ENDS) else "\n\n"
