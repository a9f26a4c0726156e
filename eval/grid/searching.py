"""One cell searched: every question once, warm, one at a time, by the search that answers people.

A question is embedded once for all cells of an encoder; the time that this took, measured warm, is part of every
latency that needs its vector. A reranker reads as many hits as the settings let it; what it leaves follows in the
order before it, so that measures of greater depth see the same candidates with and without.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from corpus.records import Hit, SearchResult
from eval.causes.diagnosis import diagnose
from eval.causes.home import HomeLook, Terms
from eval.gold.records import GoldSet, Topic
from eval.grid.cells import Cell
from eval.grid.found import Answered, found_of
from eval.results.records import Loss
from retrieval.search import MAX_K, Searcher

if TYPE_CHECKING:
    from corpus.catalog import Catalog
    from corpus.home import Home
    from eval.causes.diagnosis import Held
    from retrieval.fingerprint import Fingerprint
    from retrieval.protocols import Array, Encoder

__all__ = ["CellSearch", "Remembering", "depth_for"]


class Remembering:
    """An ``Encoder`` that embeds each question once, and knows how long that took (``took_ms``)."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Array] = {}
        self.took_ms: dict[str, float] = {}

    @property
    def fingerprint(self) -> Fingerprint:
        """That of the encoder."""
        return self._encoder.fingerprint

    def encode_passages(self, texts: Sequence[str]) -> Array:
        """As the encoder does."""
        return self._encoder.encode_passages(texts)

    def encode_queries(self, texts: Sequence[str]) -> Array:
        """As the encoder does, one at a time."""
        import numpy as np

        return np.concatenate([self._one(text) for text in texts])

    def count_tokens(self, text: str) -> int:
        """As the encoder does."""
        return self._encoder.count_tokens(text)

    def _one(self, text: str) -> Array:
        if not self._known:
            from retrieval.encoder import warm_up

            warm_up(self._encoder)
        if text not in self._known:
            began = time.perf_counter()
            vector = self._encoder.encode_queries([text])
            self.took_ms[text] = (time.perf_counter() - began) * 1e3
            self._known[text] = vector
        return self._known[text]


class CellSearch:
    """Searches one home as one cell says.

    Args:
        encoder: of the home's index.
        depth: hits asked for.
    """

    def __init__(
        self, home: Home, catalog: Catalog, encoder: Remembering, cell: Cell, depth: int
    ) -> None:
        self._encoder, self._cell, self._depth = encoder, cell, depth
        self._searcher = Searcher(home, catalog, encoder, cell.search)
        self._reranks = cell.search.rerank_model is not None
        self._terms = Terms(k=self._asked, mode=cell.mode)
        self._look = _Remembered(catalog, self._searcher, cell.search, self._terms)

    @property
    def _asked(self) -> int:
        return min(self._depth, self._cell.search.pool) if self._reranks else self._depth

    def warm_up(self, topics: Sequence[Topic]) -> None:
        """Open the index, and load what the first search would wait for."""
        if topics:
            self._search(topics[0].text)

    def answer(self, topic: Topic, k: int) -> tuple[Answered, tuple[Loss, ...]]:
        """What is found for a question, and the stages that lost what is not among the first ``k``."""
        if self._cell.mode != "lexical":
            self._encoder.encode_queries([topic.text])
        result = self._search(topic.text)
        latency = result.timings_ms["search"]
        if self._cell.mode != "lexical":
            latency += self._encoder.took_ms[topic.text]
        losses = diagnose(topic, result.hits, k, self._look)
        whole = replace(result, hits=(*result.hits, *self._rest(topic.text, result)))
        return Answered(found_of(whole), round(latency, 3)), losses

    def _search(self, text: str) -> SearchResult:
        return self._searcher.search(text, self._asked, self._cell.mode)

    def _rest(self, text: str, result: SearchResult) -> list[Hit]:
        """What the reranker did not read, below what it did."""
        if self._asked == self._depth:
            return []
        seen = {hit.chunk.id for hit in result.hits}
        lowest = min((hit.score for hit in result.hits), default=0.0)
        more = self._searcher.search(text, self._depth, self._cell.mode, rerank=False).hits
        rest = [hit for hit in more if hit.chunk.id not in seen][: self._depth - len(seen)]
        return [replace(hit, score=lowest - number) for number, hit in enumerate(rest, 1)]


class _Remembered(HomeLook):
    """A look that asks for a document's chunks once."""

    def held(self, document: str) -> Held:
        """As ``HomeLook.held``."""
        if not hasattr(self, "_held"):
            self._held: dict[str, Held] = {}
        if document not in self._held:
            self._held[document] = super().held(document)
        return self._held[document]


def depth_for(gold: GoldSet, depth: int, chunks: int) -> int:
    """Chunks to ask for so that ``depth`` results come: spans are chunks, and documents have several each."""
    if all(topic.gold or topic.lost for topic in gold.answerable):
        return depth
    return min(MAX_K, max(depth, -(-depth * chunks // max(len(gold.documents), 1))))
