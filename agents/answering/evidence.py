"""Weighs what the passages say about a question, sentence by sentence.

One pass for everyone who needs it: the extractive engine quotes the best pieces, and the decision
to refuse looks at how good they are. Vectors come from the encoder of the index, in one batch.

Knows nothing of thresholds or of how an answer is worded.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from agents.answering.sentence_scores import Weighed, promise
from agents.text.kinds import has_figure
from agents.text.sentences import Unit, units
from agents.text.words import content_words, coverage, rarity
from corpus.records import ElementKind, Parsed, Passage

if TYPE_CHECKING:
    from agents.records.protocols import Texts
    from retrieval.protocols import Array, Encoder

__all__ = ["Evidence", "Weigher", "passage_words"]

# Texts that have nothing to do with each other: an encoder's cosine between them is its zero. It is
# near 0 for MiniLM and near 0.7 for E5, whose training squeezes all cosines together.
_UNRELATED = (
    "The ferry to the island leaves at seven.",
    "Whales breathe air through a hole in their head.",
    "The contract may be ended with three months' notice.",
    "Beat the eggs with sugar until they are pale.",
    "A prime number has exactly two divisors.",
    "The violinist practised the second movement again.",
)
_SPECIAL_TOKENS = 16  # room for a model's prefix and its special tokens
_KEPT = 32  # questions whose evidence is kept, and documents whose elements are
_KEPT_VECTORS = 10_000  # 15 MB at 384 dimensions
_UNSEEN = 1.5  # a question's word that no passage has weighs this many times the rarest one it has


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was weighed for one question.

    ``weights`` and ``unseen`` are the weights of words, see ``agents.text.words.coverage``.
    """

    question: str
    pieces: tuple[Weighed, ...]
    words: frozenset[str]
    weights: dict[str, float]
    unseen: float

    def coverage(self, words: Collection[str]) -> float:
        """The share (0..1), by weight, of the question's words that are among ``words``."""
        return coverage(self.words, words, self.weights, self.unseen)


class Weigher:
    """Safe to use from several threads.

    Args:
        encoder: the encoder of the index.
        texts: where the documents' elements are read.
        most: how many units are compared by their vectors; see ``agents.answering.sentence_scores.promise``.
    """

    def __init__(self, encoder: Encoder, texts: Texts, most: int) -> None:
        self._encoder, self._most = encoder, most
        self._parsed = lru_cache(maxsize=_KEPT)(texts.parsed)  # a document never changes
        self._known: OrderedDict[object, Evidence] = OrderedDict()
        self._kept: OrderedDict[str, Array] = OrderedDict()
        self._lock = threading.Lock()

    def split(self, passage: Passage) -> list[Unit]:
        """The units of a passage, cut along its document's elements."""
        parsed: Parsed = self._parsed(passage.document.id)
        return units(passage, parsed)

    def similar(self, text: str, others: Sequence[str]) -> list[float]:
        """Cosines between ``text`` and each of ``others``."""
        vectors = self._vectors([text, *others])
        return self._scaled(vectors[1:] @ vectors[0])

    def weigh(self, question: str, passages: Sequence[Passage]) -> Evidence:
        """The evidence for ``question``; what was weighed last is remembered."""
        key = (question, *((p.document.id, p.span, p.number) for p in passages))
        with self._lock:
            if key in self._known:
                return self._known[key]
        evidence = self._weigh(question, passages)
        with self._lock:
            self._known[key] = evidence
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return evidence

    def _weigh(self, question: str, passages: Sequence[Passage]) -> Evidence:
        found = [(unit, rank) for rank, p in enumerate(passages) for unit in self.split(p)]
        found = [(unit, rank) for unit, rank in found if not unit.label]
        bags = [set(content_words(unit.whole)) for unit, _ in found]
        weights = dict(rarity(bags))
        wanted = frozenset(content_words(question))
        unseen = _UNSEEN * max((weights[w] for w in wanted if w in weights), default=1.0)
        bare = Evidence(question, (), wanted, weights, unseen)
        shares = [bare.coverage(passage_words(passage)) for passage in passages]
        best = max((passage.score for passage in passages), default=0.0)
        near = [passage.score / best if best > 0 else 0.0 for passage in passages]
        pieces = [
            Weighed(
                unit,
                0.0,
                bare.coverage(bag),
                rank,
                bare.coverage(content_words(f"{unit.lead} {unit.shown}")),
                shares[rank],
                near[rank],
                _key(unit, wanted),
                float(has_figure(question, unit.shown)),
            )
            for (unit, rank), bag in zip(found, bags, strict=True)
        ]
        kept = sorted(pieces, key=lambda piece: -promise(piece))[: self._most]
        cosines = self._cosines(question, [piece.unit for piece in kept])
        done = (replace(piece, cosine=c) for piece, c in zip(kept, cosines, strict=True))
        return replace(bare, pieces=tuple(done))

    def _cosines(self, question: str, chosen: Sequence[Unit]) -> list[float]:
        if not chosen:
            return []
        vectors = self._vectors([unit.whole for unit in chosen])
        return self._scaled(vectors @ self._encoder.encode_queries([question])[0])

    def _scaled(self, cosines: Array) -> list[float]:
        """Cosines with what is unrelated at 0, so that encoders with other scales compare."""
        return [float(c) for c in (cosines - self._zero) / (1 - self._zero)]

    @cached_property
    def _zero(self) -> float:
        queries = self._encoder.encode_queries(_UNRELATED)
        cosines = queries @ self._encoder.encode_passages(_UNRELATED).T
        size = len(_UNRELATED)
        mean = (cosines.sum() - np.trace(cosines)) / (size * size - size)
        return min(0.95, max(0.0, float(mean)))

    def _vectors(self, texts: Sequence[str]) -> Array:
        """Vectors of ``texts``; the same sentences come up for many questions, so they are kept."""
        with self._lock:
            known = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        made = self._encoder.encode_passages([self._fitted(text) for text in new]) if new else ()
        fresh = dict(zip(new, made, strict=True))
        with self._lock:
            self._kept.update(fresh)
            while len(self._kept) > _KEPT_VECTORS:
                self._kept.popitem(last=False)
        known.update(fresh)
        return np.stack([known[text] for text in texts])

    def _fitted(self, text: str) -> str:
        """``text`` cut to the encoder's window, which a long table row can pass."""
        room = self._encoder.fingerprint.max_tokens - _SPECIAL_TOKENS
        while (size := self._encoder.count_tokens(text)) > room:
            text = text[: int(len(text) * room / size * 0.95)]
        return text


def passage_words(passage: Passage) -> set[str]:
    """The words of a passage, its headings and its document's title."""
    return set(content_words(" ".join((passage.document.title, *passage.headings, passage.text))))


def _key(unit: Unit, wanted: Collection[str]) -> float:
    """The share of a row's first cell that is among the ``wanted`` words: what the row is about."""
    if unit.kind is not ElementKind.TABLE:
        return 0.0
    words = set(content_words(unit.shown.partition(";")[0]))
    return len(words.intersection(wanted)) / len(words) if words else 0.0
