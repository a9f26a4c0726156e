"""The commit: indexes first, then the catalog, then ``CURRENT``; and the repair of one that was interrupted.

Order of a commit: (1) the new snapshot is written and flushed; (2) one transaction makes the catalog agree with it;
(3) ``CURRENT`` names it. Killed before (2), nothing happened; killed before (3), ``recover`` finishes the work. The
caller holds the writer lock. Knows nothing of parsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corpus.catalog import Catalog, Change, Stored
from corpus.errors import FingerprintMismatch
from corpus.home import Home, disk_errors
from corpus.records import Chunk, Document, Parsed
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from retrieval.index import Entry, Reader, write_snapshot
from retrieval.protocols import Encoder
from retrieval.vectors import VectorStore

if TYPE_CHECKING:
    from retrieval.protocols import Array

__all__ = ["Batch", "Writer"]


@dataclass(slots=True)
class Batch:
    """What the next commit will do; filled by the pipeline."""

    documents: list[Stored] = field(default_factory=list)
    contents: dict[str, Parsed] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.documents or self.removed)


class Writer:
    """Publishes batches to one home.

    Raises (any method):
        DiskFull, OperatorError, Damaged: nothing was acknowledged, and the last snapshot still serves.
    """

    def __init__(
        self, home: Home, catalog: Catalog, encoder: Encoder, settings: CorpusSettings
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._encoder = encoder
        self._settings = settings
        self._store = SnapshotStore(home)
        self._vectors = VectorStore(home, encoder)
        self._reader: Reader | None = None

    @property
    def snapshot(self) -> int:
        return self._catalog.snapshot

    def close(self) -> None:
        self._vectors.close()

    def recover(self) -> None:
        """Finish a commit that was killed between catalog and ``CURRENT``."""
        committed = self._catalog.snapshot
        if committed and self._store.current() != committed:
            self._store.open(committed).verify()
            self._store.go_live(committed)

    def in_other_space(self) -> bool:
        """Whether the live index was embedded otherwise than this writer's encoder would."""
        if not self._catalog.snapshot:
            return False
        try:
            self._previous()
        except FingerprintMismatch:
            return True
        return False

    def commit(self, batch: Batch, anew: bool = False) -> int:
        """Apply a batch durably and return the snapshot that holds it.

        Args:
            anew: start from empty indexes; the batch then holds every document of every collection.
        """
        if not batch:
            return self.snapshot
        self._home.require_space(self._settings.min_free_mib)
        removed = [
            (id, [chunk.key for chunk in self._catalog.chunks_of(id)]) for id in batch.removed
        ]
        number = self.snapshot
        if batch.chunks or any(keys for _, keys in removed):
            number = self._publish(batch, removed, anew)
        change = Change(batch.documents, batch.contents, batch.chunks, batch.removed)
        self._catalog.commit(change, number)
        if number and self._store.current() != number:
            self._store.go_live(number)
        return number

    def _publish(
        self, batch: Batch, removed: Sequence[tuple[str, Sequence[int]]], anew: bool
    ) -> int:
        documents = {stored.document.id: stored.document for stored in batch.documents}
        previous = None if anew else self._previous()
        entries = [_entry(chunk, documents[chunk.document]) for chunk in batch.chunks]
        vectors = self._vectors.embed([self._embedded_text(chunk) for chunk in batch.chunks])
        number = self.snapshot + 1
        snapshot = write_snapshot(
            self._store,
            previous,
            self._encoder.fingerprint,
            entries,
            vectors,
            [] if anew else removed,
            number,
        )
        self._reader = Reader(snapshot)
        return number

    def embed_ahead(self, chunks: Sequence[Chunk]) -> None:
        """Compute and keep the vectors of ``chunks`` before the commit that needs them."""
        self.embed([self._embedded_text(chunk) for chunk in chunks])

    def embed(self, texts: Sequence[str]) -> Array:
        """Vectors of any texts, from the store or kept there: shape (len(texts), dimension)."""
        return self._vectors.embed(texts)

    def _previous(self) -> Reader | None:
        number = self.snapshot
        if number == 0:
            return None
        if self._reader is None or self._reader.number != number:
            self._reader = Reader(self._store.open(number))
        self._reader.fingerprint.require(self._encoder.fingerprint)
        return self._reader

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
        """Delete old snapshots, the rows only they could see, and originals nobody refers to."""
        live = self._store.current()
        keep = {n for n in self._store.numbers() if n <= live}
        keep = set(sorted(keep)[-self._settings.keep_snapshots :])
        self._store.clear(keep)
        needed = self._catalog.purge(min(keep, default=0))
        with disk_errors(self._home.originals):
            for path in self._home.originals.glob("??/*"):
                if path.name not in needed:
                    path.unlink()


def _entry(chunk: Chunk, document: Document) -> Entry:
    # The title and the headings count as words of every chunk below them.
    text = "\n".join([document.title, *chunk.headings, chunk.text])
    return Entry(chunk.key, chunk.document, document.collection, text)
