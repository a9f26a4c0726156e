"""Reindexing: every document cut and embedded anew in another space, beside the index that answers; and back again.

First, without the writer lock, what is live is cut and embedded; vectors are kept as they are made, so a killed run
embeds nothing twice. Then, under the lock, what changed meanwhile is caught up with, the rows of the next snapshot are
staged unseen in the catalog, both indexes are written and verified, and one small commit goes over to them. The index
from before is kept until the next reindexing, and ``Reindexer.back`` returns to it: only what changed since is embedded
in its space. Queries and ingestion go on; they move to the new space with the commit. Run it with ``alcove reindex``.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from corpus.catalog import Catalog, Change, Stored
from corpus.crash import CrashPoint, crash_point
from corpus.errors import Conflict, FileProblem, OperatorError
from corpus.home import Home
from corpus.records import Chunk, State
from corpus.settings import CorpusSettings
from corpus.snapshot import SnapshotStore
from ingest.own_chunking import Chunkers
from ingest.reading import bug
from ingest.recipes import chunking_of, own_of, remade
from ingest.report import Reindexed, Standing
from ingest.retention import clear_away, forget_spaces, way_back
from ingest.settings import IngestSettings
from ingest.writer import Writer, entry_of
from retrieval.index import Delta, Reader, write_snapshot
from retrieval.protocols import Encoder
from retrieval.settings import DenseSettings
from retrieval.spaces import live_space

__all__ = ["NO_WAY_BACK", "Reindexer", "forget"]

CHUNKS_AT_ONCE = 256  # embedded between two reports of progress
DOCUMENTS_AT_ONCE = 200  # staged in one transaction, which keeps others from saving their jobs
_T = TypeVar("_T")
NO_WAY_BACK = (
    "there is no index from before to go back to; it is kept from one `alcove reindex` to the next"
)
ROUNDS = 10  # of catching up without the lock, while others ingest

Listener = Callable[[int, int, str], None]
"""Told how many documents are done, of how many, and the source of the last."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A document as it is in the catalog, and as it is in the new space."""

    source: Stored
    stored: Stored
    chunks: Sequence[Chunk]


class Reindexer:
    """Moves one home's index to the space of ``encoder``, cut as ``settings`` say.

    Raises (any method):
        Conflict: another process is reindexing or compacting. Damaged: the index is; repair it first.
        DiskFull, OperatorError: the index from before still answers.
    """

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        encoder: Encoder,
        settings: IngestSettings,
        corpus_settings: CorpusSettings,
        dense: DenseSettings | None = None,
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._space = encoder.fingerprint
        self._corpus_settings = corpus_settings
        self._store = SnapshotStore(home)
        self._dense = dense
        self._writer = Writer(home, catalog, encoder, corpus_settings, dense)
        self._chunkers = Chunkers(settings, encoder, self._writer.embed)
        self._made: dict[str, _Made] = {}
        self._cut = 0

    def close(self) -> None:
        self._writer.close()

    def run(self, listen: Listener | None = None) -> Reindexed:
        """Cut and embed everything anew and go over to it; nothing is done where it would change nothing."""
        began = time.perf_counter()
        with self._home.reindex_lock():
            with self._home.writer_lock(wait=True):
                self._writer.finish()
            before = self._standing()
            self._home.require_space(self._corpus_settings.min_free_mib)
            for _ in range(ROUNDS):
                if not self._prepare(self._outdated(), listen):
                    break
            crash_point(CrashPoint.SPACE_EMBEDDED)
            with self._home.writer_lock(wait=True):
                self._writer.finish()
                seconds = self._switch(listen) if self._is_elsewhere() else 0.0
                clear_away(self._home, self._catalog, self._corpus_settings.keep_snapshots)
                forget_spaces(self._home)
        return self._report(began, before, seconds)

    def back(self, listen: Listener | None = None) -> Reindexed:
        """Return to the index from before the last reindexing, which is in this encoder's space.

        Raises:
            Conflict: there is none any more.
        """
        began, seconds = time.perf_counter(), 0.0
        with self._home.reindex_lock():
            before = self._standing()
            if not self._is_back():
                base = self._base()
                self._prepare(self._changed_since(base), listen)
                crash_point(CrashPoint.SPACE_EMBEDDED)
                with self._home.writer_lock(wait=True):
                    self._writer.finish()
                    seconds = self._return_to(base, listen)
                    clear_away(self._home, self._catalog, self._corpus_settings.keep_snapshots)
        return self._report(began, before, seconds)

    def _is_back(self) -> bool:
        """Finish what a killed writer left; whether that was the return that is asked for."""
        asked = way_back(self._home)
        with self._home.writer_lock(wait=True):
            self._writer.finish()
        now = way_back(self._home)
        return asked is not None and (now is None or now.number < asked.number)

    def _standing(self) -> Standing | None:
        space = live_space(self._home)
        if space is None:
            return None
        recipes = (s.recipe for s in self._catalog.stored() if s.document.state.searchable)
        return Standing(space, tuple(sorted({chunking_of(recipe) for recipe in recipes})))

    def _is_elsewhere(self) -> bool:
        """Whether anything would change."""
        live = self._catalog.stored()
        return live_space(self._home) not in (None, self._space) or any(
            map(self._is_outdated, live)
        )

    def _is_outdated(self, stored: Stored) -> bool:
        return stored.recipe != self._remade(stored.recipe)

    def _remade(self, recipe: str) -> str:
        return remade(recipe, self._chunkers.making(own_of(recipe)))

    def _outdated(self) -> list[Stored]:
        live = self._catalog.stored()
        return live if any(map(self._is_outdated, live)) else []

    def _prepare(self, wanted: Iterable[Stored], listen: Listener | None) -> bool:
        """Cut and embed those of ``wanted`` that are not yet; whether there were any."""
        todo = [s for s in wanted if not self._is_made(s)]
        chunks: list[Chunk] = []
        for done, stored in enumerate(todo, start=1):
            made = self._make(stored)
            chunks += made.chunks
            if len(chunks) >= CHUNKS_AT_ONCE or done == len(todo):
                self._writer.vectors_of(chunks)
                chunks = []
                if listen:
                    listen(done, len(todo), stored.document.source)
        return bool(todo)

    def _is_made(self, stored: Stored) -> bool:
        made = self._made.get(stored.document.id)
        return made is not None and made.source == stored

    def _make(self, stored: Stored) -> _Made:
        """Cut a document; a bug met on the way is that document's problem."""
        now, chunks = replace(stored, recipe=self._remade(stored.recipe)), list[Chunk]()
        parsed = self._catalog.content(stored.content) if stored.content else None
        if parsed is not None:
            try:
                chunker = self._chunkers.of(own_of(stored.recipe))
                chunks = chunker.chunk(stored.document.id, parsed)
            except OperatorError:
                raise
            except Exception as exc:
                now = _failed(now, bug("Chunking", stored.document.source, exc))
        self._cut += 1
        made = self._made[stored.document.id] = _Made(stored, now, chunks)
        return made

    def _switch(self, listen: Listener | None) -> float:
        live = self._catalog.stored()
        self._prepare(live, listen)
        self._catalog.take_back()
        self._stage(live)
        return self._writer.switch()

    def _stage(self, documents: Sequence[Stored]) -> None:
        """Write the rows of documents as they are made, unseen, for the next snapshot."""
        number = self._catalog.snapshot + 1
        for part in _parts(documents):
            made = [self._made.pop(stored.document.id) for stored in part]
            change = Change(
                documents=[m.stored for m in made],
                chunks=[chunk for m in made for chunk in m.chunks],
                removed=[stored.document.id for stored in part],
            )
            self._catalog.stage(change, number)

    def _base(self) -> Reader:
        before = way_back(self._home)
        if before is None:
            raise Conflict(NO_WAY_BACK)
        base = Reader(before)
        base.fingerprint.require(self._space)
        return base

    def _changed_since(self, base: Reader) -> list[Stored]:
        """Live documents that are not in ``base`` as they are now."""
        old = {stored.document.id: stored for stored in self._catalog.stored(at=base.number)}
        return [s for s in self._catalog.stored() if not _is_same(s, old.get(s.document.id))]

    def _return_to(self, base: Reader, listen: Listener | None) -> float:
        changed = self._changed_since(base)
        self._prepare(changed, listen)
        made = [self._made[stored.document.id] for stored in changed]
        same = {s.document.id for s in self._catalog.stored()} - {
            m.stored.document.id for m in made
        }
        self._catalog.take_back()
        self._stage(changed)
        self._revive(sorted(same), base.number)
        number = self._catalog.snapshot + 1
        delta = self._delta(base, same, made)
        write_snapshot(self._store, base, self._space, delta, number, self._dense)
        self._store.open(number).verify()
        return self._writer.go_over()

    def _revive(self, ids: Sequence[str], at: int) -> None:
        """Stage the rows of documents as they were at a snapshot."""
        for part in _parts(ids):
            change = Change(revived=part, revived_from=at)
            self._catalog.stage(change, self._catalog.snapshot + 1)

    def _delta(self, base: Reader, same: Collection[str], made: Sequence[_Made]) -> Delta:
        """From ``base`` to the documents that are live: the ``same`` stay, the ``made`` ones come, all others go."""
        entries = [entry_of(chunk, m.stored.document) for m in made for chunk in m.chunks]
        keys = np.array([entry.key for entry in entries], dtype=np.int64)
        vectors = self._writer.vectors_of([chunk for m in made for chunk in m.chunks])
        gone = {s.document.id for s in self._catalog.stored(at=base.number)}.difference(same)
        removed = [(id, self._keys_of(id, base.number)) for id in sorted(gone)]
        number = self._catalog.snapshot + 1
        return Delta(keys, vectors, entries, removed, lambda: self._writer.entries(at=number))

    def _keys_of(self, id: str, at: int) -> list[int]:
        return [chunk.key for chunk in self._catalog.chunks_of(id, at)]

    def _report(self, began: float, before: Standing | None, seconds: float) -> Reindexed:
        return Reindexed(
            job=uuid.uuid4().hex[:12],
            snapshot=self._catalog.snapshot,
            before=before,
            after=self._standing(),
            chunks=sum(self._catalog.chunk_counts().values()),
            embedded=self._writer.embedded,
            remade=self._cut,
            seconds=time.perf_counter() - began,
            switch_ms=seconds * 1e3,
        )


def forget(home: Home, catalog: Catalog) -> list[str]:
    """Delete the index from before the last reindexing, and the vectors of every space but the live one.

    Returns:
        the keys of the spaces whose vectors were deleted.

    Raises:
        Conflict: an ingestion, a reindexing or a compaction is under way.
    """
    with home.reindex_lock(), home.writer_lock():
        clear_away(home, catalog, 1, forget=True)
        return forget_spaces(home)


def _is_same(now: Stored, old: Stored | None) -> bool:
    """Whether a document is as it was; one that could not be cut in the space it leaves is (its bytes name it)."""
    if old is None:
        return False
    was = (old.document, old.content, own_of(old.recipe))
    return now.content is None or (now.document, now.content, own_of(now.recipe)) == was


def _failed(stored: Stored, problem: FileProblem) -> Stored:
    document = replace(stored.document, state=State(problem.state), reason=problem.reason)
    return replace(stored, document=document, content=None)


def _parts(rows: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (rows[n : n + DOCUMENTS_AT_ONCE] for n in range(0, len(rows), DOCUMENTS_AT_ONCE))
