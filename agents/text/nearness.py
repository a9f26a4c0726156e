"""How near short texts are to some words: by meaning where an encoder is loaded, and by the words they share.

On 60 memories and 40 questions of ours, which seldom use the same words, the right memory is among the first five for
39 with an encoder (all-MiniLM-L6-v2) and for 23 by words alone; see ``tests/agents/text/test_nearness.py``. Vectors
are kept in memory only, by hashes of the texts; a call computes at most ``_AT_ONCE`` new ones, and what has none yet
is compared by its words. Safe to use from several threads. Knows nothing of where the texts are stored.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agents.text.inert import whole
from agents.text.words import content_words, coverage, rarity

if TYPE_CHECKING:
    from retrieval.protocols import Array, Encoder

__all__ = ["Nearness"]

_AT_ONCE = 64  # texts embedded in one call: a third of a second on two cores
_KEPT = 4_096  # vectors
_BY_WORDS = 0.1  # what sharing every word adds to the cosine of two texts


class Nearness:
    """Compares words with texts.

    Args:
        encoder: gives the encoder that is loaded; ``None`` while there is none.
    """

    def __init__(self, encoder: Callable[[], Encoder | None]) -> None:
        self._encoder = encoder
        self._vectors: OrderedDict[bytes, Array] = OrderedDict()  # the last used at the end
        self._space = ""
        self._lock = threading.Lock()

    def __call__(self, query: str, texts: Sequence[str]) -> list[float]:
        """How near ``query`` is to each text: the more, the nearer; 0 for nothing in common."""
        shared = _shared_words(query, texts)
        encoder = self._encoder()
        if encoder is None or not texts:
            return shared
        vectors = self._vectors_of(encoder, texts)
        asked = encoder.encode_queries([whole(query)])[0]
        return [
            words if vector is None else float(vector @ asked) + _BY_WORDS * words
            for words, vector in zip(shared, vectors, strict=True)
        ]

    def _vectors_of(self, encoder: Encoder, texts: Sequence[str]) -> list[Array | None]:
        keys = [hashlib.blake2b(whole(text).encode(), digest_size=16).digest() for text in texts]
        with self._lock:
            if self._space != encoder.fingerprint.key:
                self._vectors.clear()
                self._space = encoder.fingerprint.key
            missing = dict(zip(keys, texts, strict=True))
            for key in missing.keys() & self._vectors.keys():
                del missing[key]
                self._vectors.move_to_end(key)
            some = list(missing.items())[:_AT_ONCE]
            if some:
                made = encoder.encode_passages([whole(text) for _, text in some])
                self._vectors.update(zip((key for key, _ in some), made, strict=True))
            found = [self._vectors.get(key) for key in keys]
            while len(self._vectors) > _KEPT:
                self._vectors.popitem(last=False)
        return found


def _shared_words(query: str, texts: Sequence[str]) -> list[float]:
    """The share of the query's words that each text has, rare ones counting more."""
    words = [set(content_words(text)) for text in texts]
    wanted, weights = set(content_words(query)), rarity(words)
    return [coverage(wanted, found, weights, 1.0) for found in words]
