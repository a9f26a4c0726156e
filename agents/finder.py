"""The search with the encoders it may need, each tried out and ready for many who ask at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.home import Home
from retrieval.batching import BatchingEncoder
from retrieval.spaces import Encoders, Load

if TYPE_CHECKING:
    from retrieval.fingerprint import Fingerprint
    from retrieval.protocols import Encoder
    from retrieval.search import Searcher

__all__ = ["Finder", "batching"]

_LANES = 2  # batches of queries encoded at the same time: a lone query leaves most cores idle


@dataclass(frozen=True, slots=True)
class Finder:
    """What searching and ingestion need."""

    searcher: Searcher
    encoders: Encoders

    @property
    def encoder(self) -> Encoder:
        """The encoder of the index, which may move to another space."""
        return self.searcher.live.encoder

    @property
    def note(self) -> str:
        """Why this encoder was taken."""
        return self.encoders.note

    @property
    def batch_sizes(self) -> Mapping[int, int]:
        """How many batches of queries the encoder of the index has had of each size."""
        encoder = self.encoder
        return encoder.sizes if isinstance(encoder, BatchingEncoder) else {}


def batching(load: Load) -> Load:
    """As ``load``, but what it gives has made a test embedding, and encodes queries that come together as one batch."""

    def loaded(home: Home, space: Fingerprint | None) -> tuple[Encoder, str]:
        from retrieval.health import check_encoder

        encoder, note = load(home, space)
        check_encoder(encoder)
        return BatchingEncoder(encoder, _LANES), note

    return loaded
