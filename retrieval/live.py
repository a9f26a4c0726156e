"""Which snapshot answers: the live one, opened and verified in the background while the one before still answers.

A snapshot comes with the encoder of its space: where the index has moved to another space, that encoder is loaded
before the two take over together. Knows nothing of queries.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass

from corpus.catalog import Catalog
from corpus.errors import Damaged
from corpus.home import Home
from corpus.snapshot import SnapshotStore
from retrieval.fingerprint import Fingerprint
from retrieval.index import Reader
from retrieval.protocols import Encoder

__all__ = ["EncoderOf", "LiveReader"]

EncoderOf = Callable[[Fingerprint], Encoder]
"""Gives the encoder of a space; raises ``FingerprintMismatch`` when the settings name another one."""

_LOG = logging.getLogger(__name__)
PATIENCE_S = 0.05  # a snapshot that opens this fast is waited for: who was told of it finds it


@dataclass(frozen=True, slots=True)
class _Opened:
    mark: bytes | None  # what CURRENT held
    reader: Reader
    encoder: Encoder  # of its space
    is_stand_in: bool


@dataclass(frozen=True, slots=True)
class _Opening:
    began: float  # on the monotonic clock, seconds
    result: Future[_Opened]


class LiveReader:
    """The reader of one home's live snapshot. Safe to call from several threads.

    Args:
        encoder: what the queries are embedded with at first.
        encoder_of: gives the encoder of another space; ``None``: a snapshot of another space is refused.
    """

    def __init__(
        self, home: Home, catalog: Catalog, encoder: Encoder, encoder_of: EncoderOf | None = None
    ) -> None:
        self.swaps = 0
        """How often another snapshot took the place of the one before."""
        self._store = SnapshotStore(home)
        self._catalog = catalog
        self._encoder = encoder
        self._encoder_of = encoder_of
        self._opened: _Opened | None = None
        self._opening: _Opening | None = None
        self._lock = threading.Lock()

    @property
    def encoder(self) -> Encoder:
        """The encoder of the snapshot that answers."""
        return self._opened.encoder if self._opened else self._encoder

    def pair(self, patience_s: float | None = PATIENCE_S) -> tuple[Reader, Encoder] | None:
        """The live snapshot, opened and verified once, and the encoder of its space; ``None`` before the first
        ingestion.

        If it is damaged, the newest older one that is whole stands in for it, until a writer has mended the index.

        Args:
            patience_s: after how long an opening no longer keeps anybody waiting, who then gets the snapshot before;
                ``None``: it is waited for.

        Raises:
            Damaged: no snapshot's files match their checksums.
            FingerprintMismatch: it was embedded by another model or with other settings than can be had.
        """
        for _ in range(
            2
        ):  # what is being opened may be older than what is live; what follows it is not
            mark, now = self._store.mark(), self._opened
            if mark is None and not self._catalog.snapshot:
                return None
            if now is not None and now.mark == mark:
                break
            opening = self._begin(mark)
            left = None
            if now is not None and patience_s is not None:
                left = max(opening.began + patience_s - time.monotonic(), 0)
            if wait([opening.result], left).not_done:
                break
            opening.result.result()
        now = self._opened
        return (now.reader, now.encoder) if now else None

    def is_stand_in(self, reader: Reader) -> bool:
        """Whether this is not the live snapshot, but an older one in its place."""
        now = self._opened
        return now is not None and now.reader is reader and now.is_stand_in

    def _begin(self, mark: bytes | None) -> _Opening:
        """The opening under way, begun now if there is none."""
        with self._lock:
            if self._opening is None or self._opening.result.done():
                self._opening = _Opening(time.monotonic(), Future())
                arguments = (mark, self._opening.result)
                threading.Thread(target=self._open_into, args=arguments, daemon=True).start()
            return self._opening

    def _open_into(self, mark: bytes | None, result: Future[_Opened]) -> None:
        try:
            reader, is_stand_in = self._open(mark)
            encoder = self._fitting(reader)
        except BaseException as exc:
            result.set_exception(exc)
            return
        self.swaps += self._opened is not None
        self._opened = _Opened(mark, reader, encoder, is_stand_in)
        result.set_result(self._opened)

    def _fitting(self, reader: Reader) -> Encoder:
        """The encoder of the reader's space; an empty index is in none, so any will do."""
        if not len(reader.dense) or reader.fingerprint == self.encoder.fingerprint:
            return self.encoder
        if self._encoder_of is None:
            reader.fingerprint.require(self.encoder.fingerprint)
            return self.encoder
        return self._encoder_of(reader.fingerprint)

    def _open(self, mark: bytes | None) -> tuple[Reader, bool]:
        """A reader of the live snapshot, or of the one that stands in for it, and which of the two."""
        try:
            snapshot = self._store.live()
            if snapshot is None:
                raise Damaged("the file 'CURRENT' is missing; run `alcove doctor --repair`")
            return Reader(snapshot, self._verified()), False
        except Damaged as exc:
            now = self._store.mark()
            if now != mark:  # it was not damaged, but replaced and cleared away while it was opened
                return self._open(now)
            return self._older(exc), True

    def _verified(self) -> Reader | None:
        """The reader so far, whose files need not be read again."""
        return self._opened.reader if self._opened else None

    def _older(self, problem: Damaged) -> Reader:
        for number in reversed(self._store.numbers()):
            if number <= self._catalog.snapshot:
                try:
                    reader = Reader(self._store.open(number), self._verified())
                except Damaged as exc:
                    _LOG.warning("snapshot %d cannot be used: %s", number, exc)
                else:
                    _LOG.warning("%s; until then snapshot %d answers", problem, number)
                    return reader
        raise problem
