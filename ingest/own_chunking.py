"""The chunker of each document: that of the settings, or the one a person chose for it (``ingest.recipes.Own``).

A strategy that is no longer installed cannot be kept to: such a document is cut as the settings say, with a warning in
the log. Knows nothing of where documents come from.
"""

from __future__ import annotations

import logging

from ingest.chunking import chunker_for, strategy_names
from ingest.protocols import Chunker, Embed
from ingest.recipes import Own, making
from ingest.settings import IngestSettings
from retrieval.protocols import Encoder

__all__ = ["Chunkers", "own_settings"]

_LOG = logging.getLogger(__name__)


def own_settings(settings: IngestSettings, own: Own) -> IngestSettings:
    """``settings`` with the strategy and size of one document; the overlap keeps its share of the size."""
    size = own.size or settings.chunk_tokens
    overlap = settings.overlap_tokens * size // settings.chunk_tokens
    changed = {"strategy": own.strategy, "chunk_tokens": size, "overlap_tokens": overlap}
    return settings.model_copy(update=changed)


class Chunkers:
    """Makes each chunker once.

    Args:
        embed: as the encoder does passages, but it may remember them.

    Raises (all):
        UserError, OperatorError: as ``ingest.chunking.make_chunker``.
    """

    def __init__(self, settings: IngestSettings, encoder: Encoder, embed: Embed) -> None:
        self._settings = settings
        self._encoder = encoder
        self._embed = embed
        self._made: dict[Own | None, Chunker] = {}
        self.of(None)  # wrong settings are told at once

    def of(self, own: Own | None) -> Chunker:
        """The chunker of documents with this choice; ``None``: without one."""
        if own not in self._made:
            self._made[own] = chunker_for(self._chosen(own), self._encoder, self._embed)
        return self._made[own]

    def making(self, own: Own | None) -> str:
        """What stands in the recipes of these documents; see ``ingest.recipes.making``."""
        return making(self.of(own).name, self._encoder.fingerprint.key)

    def choice(self, strategy: str, size: int) -> Own | None:
        """What to note for a document that a person wants cut so; ``None``: it is what the settings say anyway."""
        own = Own(strategy, size)
        return None if self.of(own).name == self.of(None).name else own

    def _chosen(self, own: Own | None) -> IngestSettings:
        if own is None:
            return self._settings
        if own.strategy not in strategy_names():
            _LOG.warning(
                "the chunking strategy %r is no longer installed; documents that should be cut by it are"
                " cut as the settings say",
                own.strategy,
            )
            return self._settings
        return own_settings(self._settings, own)
