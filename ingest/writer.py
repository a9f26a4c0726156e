"""The commit: indexes first, then the catalog, then ``CURRENT``; and the repair of one that was interrupted.

Order of a commit: (1) the new snapshot is written and flushed; (2) one transaction makes the catalog agree with it;
(3) ``CURRENT`` names it. Killed before (2), nothing happened; killed before (3), ``recover`` finishes the work. A
snapshot that turns out to be damaged is never built upon: it is set aside, and the indexes are written anew from the
catalog and the stored vectors. The caller holds the writer lock. Knows nothing of parsing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from corpus.catalog import Catalog, Change, Stored
from corpus.errors import Damaged
from corpus.home import Home
from corpus.records import Chunk, Document, Parsed
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from corpus.undo import pending_chunks
from ingest.retention import clear_away
from retrieval.index import Delta, Entry, Reader, write_snapshot
from retrieval.protocols import Encoder
from retrieval.settings import DenseSettings
from retrieval.vectors import VectorStore

if TYPE_CHECKING:
    from retrieval.protocols import Array, Keys

__all__ = ["Batch", "Writer", "entry_of"]

_LOG = logging.getLogger(__name__)

EMBEDDED_AT_ONCE = 4096  # chunks whose texts are in memory while an index is made anew (count)


@dataclass(slots=True)
class Batch:
    """What the next commit will do; filled by the pipeline."""

    documents: list[Stored] = field(default_factory=list)
    contents: dict[str, Parsed] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    undo_until: float = 0.0  # until when the removed can be brought back (seconds since 1970)

    def __bool__(self) -> bool:
        return bool(self.documents or self.removed)


class Writer:
    """Publishes batches to one home.

    Raises (any method):
        DiskFull, OperatorError, Damaged: nothing was acknowledged, and the last snapshot still serves.
    """

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        encoder: Encoder,
        settings: CorpusSettings,
        dense: DenseSettings | None = None,
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._encoder = encoder
        self._settings = settings
        self._dense = dense
        self._store = SnapshotStore(home)
        self._vectors = VectorStore(home, encoder)
        self._reader: Reader | None = None
        self._ahead: dict[str, Array] = {}  # by chunk id, until the commit that needs them

    @property
    def snapshot(self) -> int:
        return self._catalog.snapshot

    def close(self) -> None:
        self._vectors.close()

    @property
    def embedded(self) -> int:
        """Texts embedded by this writer so far, as they were not stored."""
        return self._vectors.computed

    def finish(self) -> list[str]:
        """Undo or finish what a killed writer left; says what was wrong.

        Raises:
            Damaged: the index is, so that nothing can be built upon it.
        """
        self._home.clear_unfinished()
        self._store.clear_unfinished()
        if number := self.snapshot:
            self._reader = self._reader_of(number)
            if self._make_live(self._reader):
                return [f"'CURRENT' was made to name snapshot {number}"]
        return []

    def recover(self) -> list[str]:
        """As ``finish``, and write damaged indexes anew; says what was wrong."""
        number = self.snapshot
        try:
            return self.finish()
        except Damaged as exc:
            said = [str(exc), *self._set_aside(number)]
            self.rebuild()
            said.append(f"snapshot {self.snapshot} was written anew from the catalog and is live")
            _LOG.warning("; ".join(said))
            return said

    def _set_aside(self, number: int) -> list[str]:
        self._reader = None
        folder = self._store.folder(number)
        if not folder.exists():
            return []
        return [f"snapshot {number} was moved to {str(self._home.set_aside(folder))!r}"]

    def set_older_aside(self) -> list[str]:
        """Move damaged snapshots before the live one out of the way; says which."""
        said = []
        for number in self._store.numbers():
            if number < self.snapshot:
                try:
                    self._store.open(number).verify()
                except Damaged as exc:
                    said += [str(exc), *self._set_aside(number)]
        return said

    def rebuild(self) -> None:
        """Write both indexes anew from the catalog, verify them and make them live.

        Vectors come from the store; only those missing there are computed.
        """
        number = self.snapshot + 1
        self._write_anew(self.snapshot, number)
        self._catalog.commit(Change(), number)
        self._store.go_live(number)

    def _write_anew(self, at: int, number: int, back: int | None = None) -> None:
        """Write snapshot ``number`` from the catalog's rows ``at`` a snapshot, and verify it."""
        keys, vectors = self._vectors_at(at)
        self._write(None, Delta(keys, vectors, (), [], lambda: self.entries(at=at)), number, back)
        self._store.open(number).verify()

    def switch(self) -> float:
        """Publish the next snapshot, all of whose rows are staged, in this writer's space, and go over to it at once.

        Returns:
            seconds from the beginning of the commit until the snapshot is live.
        """
        before = self.snapshot
        self._write_anew(before + 1, before + 1, back=before)
        return self.go_over()

    def go_over(self) -> float:
        """Commit what is staged, for a snapshot that is published, and make it live; returns how long that took (s)."""
        began, number = time.perf_counter(), self.snapshot + 1
        self._catalog.commit_staged(number)
        self._store.go_live(number)
        return time.perf_counter() - began

    def compact(self) -> None:
        """Leave one snapshot without deleted chunks, its rows and its vectors, and what can still be brought back.

        Raises:
            FingerprintMismatch: the index was embedded by another encoder.
        """
        self._home.require_space(self._settings.min_free_mib)
        if self._previous():
            self.rebuild()
        clear_away(self._home, self._catalog, 1, forget=True)
        live = (chunk for _, chunk in self.live_chunks())
        kept = chain(live, pending_chunks(self._catalog.database))
        self._vectors.prune(map(self._embedded_text, kept))

    def _vectors_at(self, at: int) -> tuple[Keys, Array]:
        """Keys and vectors of the chunks of a snapshot, of whose texts a few are in memory at a time."""
        count = sum(self._catalog.chunk_counts(at).values())
        keys = np.empty(count, np.int64)
        vectors = np.empty((count, self._encoder.fingerprint.dimension), np.float32)
        chunks, start = self.live_chunks(at=at), 0
        while block := [chunk for _, chunk in islice(chunks, EMBEDDED_AT_ONCE)]:
            rows = slice(start, start + len(block))
            keys[rows] = [chunk.key for chunk in block]
            vectors[rows] = self.vectors_of(block)
            start += len(block)
        return keys[:start], vectors[:start]

    def entries(
        self, without: Collection[str] = frozenset(), at: int | None = None
    ) -> Iterator[Entry]:
        """What the indexes know of the chunks that ``live_chunks`` gives."""
        for document, chunk in self.live_chunks(without, at):
            yield entry_of(chunk, document)

    def live_chunks(
        self, without: Collection[str] = frozenset(), at: int | None = None
    ) -> Iterator[tuple[Document, Chunk]]:
        """Every chunk with its document, live now or ``at`` a snapshot, but for the documents ``without``."""
        for stored in self._catalog.stored(at=at):
            if stored.document.id not in without:
                for chunk in self._catalog.chunks_of(stored.document.id, at):
                    yield stored.document, chunk

    def commit(self, batch: Batch, anew: bool = False) -> int:
        """Apply a batch durably and return the snapshot that holds it.

        Args:
            anew: start from empty indexes; the batch then holds every document of every collection.
        """
        if not batch:
            return self.snapshot
        self._home.require_space(self._settings.min_free_mib)
        chunks_of = self._catalog.chunks_of
        removed = [(id, [chunk.key for chunk in chunks_of(id)]) for id in batch.removed]
        number = self.snapshot
        if batch.chunks or any(keys for _, keys in removed):
            previous = None if anew else self._previous()
            number += 1
            self._write(previous, self._delta(batch, removed if previous else []), number)
        made = (batch.documents, batch.contents, batch.chunks, batch.removed)
        change = Change(*made, undo_until=batch.undo_until)
        self._catalog.commit(change, number)
        if self._reader and self._reader.number == number:
            self._make_live(self._reader)
        return number

    def _make_live(self, reader: Reader) -> bool:
        """Whether ``CURRENT`` did not name this snapshot yet."""
        is_new = self._store.mark() != reader.snapshot.mark
        if is_new:
            self._store.go_live(reader.number)
        return is_new

    def _delta(self, batch: Batch, removed: Sequence[tuple[str, Sequence[int]]]) -> Delta:
        documents = {stored.document.id: stored.document for stored in batch.documents}
        entries = [entry_of(chunk, documents[chunk.document]) for chunk in batch.chunks]
        gone = set(batch.removed)
        keys = np.array([chunk.key for chunk in batch.chunks], dtype=np.int64)

        def whole() -> Iterator[Entry]:
            return chain(self.entries(without=gone), entries)

        return Delta(keys, self._taken(batch.chunks), entries, removed, whole)

    def _write(
        self, previous: Reader | None, delta: Delta, number: int, back: int | None = None
    ) -> None:
        space = self._encoder.fingerprint
        made_from = (self._store, previous, space, delta)
        self._reader = write_snapshot(*made_from, number, self._dense, back)

    def embed_ahead(self, chunks: Sequence[Chunk]) -> None:
        """Compute and keep the vectors of ``chunks`` before the commit that needs them."""
        vectors = self.vectors_of(chunks)
        self._ahead.update(zip((chunk.id for chunk in chunks), vectors, strict=True))

    def _taken(self, chunks: Sequence[Chunk]) -> Array:
        """The vectors of ``chunks``, embedded now unless they were ahead."""
        self.embed_ahead([chunk for chunk in chunks if chunk.id not in self._ahead])
        vectors = [self._ahead[chunk.id] for chunk in chunks]
        self._ahead.clear()
        return np.array(vectors, np.float32).reshape(-1, self._encoder.fingerprint.dimension)

    def vectors_of(self, chunks: Sequence[Chunk]) -> Array:
        """Vectors of chunks, from the store or kept there: shape (len(chunks), dimension)."""
        return self.embed([self._embedded_text(chunk) for chunk in chunks])

    def embed(self, texts: Sequence[str]) -> Array:
        """Vectors of any texts, from the store or kept there: shape (len(texts), dimension)."""
        return self._vectors.embed(texts)

    def _previous(self) -> Reader | None:
        """What the next snapshot is made from; an empty index of another space is as good as none."""
        number = self.snapshot
        if number == 0:
            return None
        self._reader = self._reader_of(number)
        if not len(self._reader.dense) and self._reader.fingerprint != self._encoder.fingerprint:
            return None
        self._reader.fingerprint.require(self._encoder.fingerprint)
        return self._reader

    def _reader_of(self, number: int) -> Reader:
        """A reader of the committed snapshot; the one at hand, if it is of that snapshot, was verified before."""
        if self._reader is not None and self._reader.number == number:
            return self._reader
        return Reader(self._store.open(number), self._reader)

    def _embedded_text(self, chunk: Chunk) -> str:
        """The chunk under as many of its headings, innermost first, as the encoder's window leaves room for."""
        f = self._encoder.fingerprint
        room = f.max_tokens - 2 - self._encoder.count_tokens(f.passage_prefix + chunk.text)
        kept: list[str] = []
        for heading in reversed(chunk.headings):
            room -= self._encoder.count_tokens(heading) + 1
            if room < 0:
                break
            kept.insert(0, heading)
        return "\n".join([*kept, chunk.text])

    def clear_away(self) -> None:
        """Delete what is no longer needed, as the settings say; see ``ingest.retention``."""
        clear_away(self._home, self._catalog, self._settings.keep_snapshots)


def entry_of(chunk: Chunk, document: Document) -> Entry:
    """What the indexes know of a chunk."""
    # The title and the headings count as words of every chunk below them.
    text = "\n".join([document.title, *chunk.headings, chunk.text])
    return Entry(chunk.key, chunk.document, document.collection, text)
