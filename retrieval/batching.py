"""Encodes queries that arrive at the same time together, which costs less than one after the other.

Nothing is added to the wait of a lone query: it is encoded at once by the thread that asks. Those that arrive while
``lanes`` batches are being computed wait; then the first of them encodes them all, up to ``most``.
Knows nothing of models; wraps any ``Encoder``.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from retrieval.protocols import Encoder

if TYPE_CHECKING:
    from retrieval.fingerprint import Fingerprint
    from retrieval.protocols import Array

__all__ = ["BatchingEncoder"]


class _Waiting:
    """Queries of one caller. Its turn comes with their vectors, or with ``None``: lead the next batch."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.turn: Future[Array | None] = Future()


class BatchingEncoder:
    """An ``Encoder`` that may be called from many threads.

    Args:
        encoder: does the work; must be safe to call from ``lanes`` threads.
        lanes: batches computed at the same time.
        most: queries in one batch, unless a single caller brings more.
    """

    def __init__(self, encoder: Encoder, lanes: int = 1, most: int = 8) -> None:
        self.sizes: Counter[int] = Counter()
        """How many batches there were of each size, for whoever measures."""
        self._encoder, self._most = encoder, most
        self._free = lanes
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> Fingerprint:
        return self._encoder.fingerprint

    def count_tokens(self, text: str) -> int:
        return self._encoder.count_tokens(text)

    def encode_passages(self, texts: Sequence[str]) -> Array:
        return self._encoder.encode_passages(texts)

    def encode_queries(self, texts: Sequence[str]) -> Array:
        mine = _Waiting(texts)
        with self._lock:
            if self._free:
                self._free -= 1
                mine.turn.set_result(None)
            else:
                self._waiting.append(mine)
        vectors = mine.turn.result()
        return self._lead(mine) if vectors is None else vectors

    def _lead(self, mine: _Waiting) -> Array:
        """Encode ``mine`` with what else waits, then hand the lane on."""
        try:
            return self._encode(self._batch(mine))
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().turn.set_result(None)
                else:
                    self._free += 1

    def _batch(self, mine: _Waiting) -> list[_Waiting]:
        """``mine`` and then, in the order they came, all that fit beside it."""
        batch, size = [mine], len(mine.texts)
        with self._lock:
            while self._waiting and size + len(self._waiting[0].texts) <= self._most:
                batch.append(self._waiting.popleft())
                size += len(batch[-1].texts)
            self.sizes[size] += 1
        return batch

    def _encode(self, batch: Sequence[_Waiting]) -> Array:
        """The vectors of the first of ``batch``; the others are given theirs, or their own errors."""
        mine, *others = batch
        try:
            vectors = self._encoder.encode_queries([text for one in batch for text in one.texts])
        except Exception:
            for other in others:  # one text of the batch may be at fault: each on its own
                self._alone(other)
            if others:
                return self._encoder.encode_queries(mine.texts)
            raise
        start = len(mine.texts)
        for other in others:
            other.turn.set_result(vectors[start : start + len(other.texts)])
            start += len(other.texts)
        return vectors[: len(mine.texts)]

    def _alone(self, one: _Waiting) -> None:
        try:
            one.turn.set_result(self._encoder.encode_queries(one.texts))
        except Exception as exc:
            one.turn.set_exception(exc)
