"""Looks up how a collection was calibrated, for the encoder that is in use.

A calibration that another encoder was measured with, or that another version of Alcove made, is
passed over with a warning: its numbers mean nothing here. Knows nothing of fitting.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agents.answering.abstain import WEIGHTS
from agents.answering.calibration import Calibration
from corpus.calibrations import calibration

if TYPE_CHECKING:
    from corpus.catalog import Catalog

__all__ = ["Calibrated"]

log = logging.getLogger(__name__)


class Calibrated:
    """Gives the calibration of a collection, or ``None``; safe to call from several threads.

    Args:
        catalog: where they are stored.
        encoder: the key of the fingerprint of the encoder in use.
    """

    def __init__(self, catalog: Catalog, encoder: str) -> None:
        self._catalog, self._encoder = catalog, encoder
        self._warned: set[tuple[str, str]] = set()

    def __call__(self, collection: str) -> Calibration | None:
        """The collection's calibration as it is stored now, if it is for this encoder."""
        data = calibration(self._catalog.database, collection)
        if data is None:
            return None
        if data.get("encoder") != self._encoder:
            self._warn(collection, "was measured with another encoder")
            return None
        if set(data.get("weights", ())) != set(WEIGHTS):
            self._warn(collection, "was made by another version")
            return None
        return Calibration.from_json(data)

    def _warn(self, collection: str, why: str) -> None:
        if (collection, why) not in self._warned:
            self._warned.add((collection, why))
            log.warning(
                "the calibration of %r %s and is not used; run `alcove calibrate` again",
                collection,
                why,
            )
