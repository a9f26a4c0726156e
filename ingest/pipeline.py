"""The ingestion pipeline: find, hash, parse, chunk, embed, commit.

``sync`` makes a collection equal to some paths; ``follow`` does so for the few of them that changed; ``add`` puts
single files into it; ``remove`` takes documents out and ``restore`` brings them back; ``rechunk`` cuts one otherwise.
Every file ends in one named state with a reason. Parsing runs in killable processes while this one embeds; documents
are acknowledged batch by batch, after the snapshot that holds them is durable. A file that is as it was, and reads as
it did, is hashed and nothing more. Run it as ``python -m ingest``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from corpus.catalog import Catalog
from corpus.errors import UserError
from corpus.folder_records import folders_of
from corpus.home import Home
from corpus.records import UPLOAD
from corpus.settings import CorpusSettings
from ingest.chunking import require_strategy
from ingest.discover import Found, Source, find
from ingest.filenames import paired, printable
from ingest.ignore import Rules
from ingest.intake import Intake
from ingest.own_chunking import Chunkers
from ingest.pace import Pace
from ingest.parsing.limits import Limits
from ingest.reading import Reading
from ingest.report import Report
from ingest.reworking import rechunk, removal, restored
from ingest.run import Covers, Listener, Run, everything, inside, only_below
from ingest.settings import IngestSettings
from ingest.writer import Batch, Writer
from retrieval.live import EncoderOf
from retrieval.protocols import Encoder
from retrieval.settings import DenseSettings
from retrieval.spaces import live_space

__all__ = ["DEFAULT_COLLECTION", "Pipeline", "check_collection"]

DEFAULT_COLLECTION = "default"
MAX_COLLECTION_CHARACTERS = 64


class Pipeline:
    """Ingestion into one home, one at a time, in the embedding space that its index is in.

    Args:
        encoder: of the index as it is now.
        encoder_of: gives another encoder once the index has moved to its space; ``None``: that is refused.

    Raises (any method):
        Conflict: another ingestion is writing. OperatorError: the machine's fault. Nothing acknowledged is lost.
        FingerprintMismatch: the index is in another space than the settings say; nothing is changed.
    """

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        encoder: Encoder,
        settings: IngestSettings,
        corpus_settings: CorpusSettings | None = None,
        dense: DenseSettings | None = None,
        encoder_of: EncoderOf | None = None,
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._settings = settings
        self._rules = Rules(settings.include, settings.exclude, settings.gitignore)
        self._corpus_settings = corpus_settings or CorpusSettings(home=home.root)
        self._dense = dense
        self._encoder_of = encoder_of
        self._limits = Limits(
            max_bytes=settings.max_mib * 2**20,
            timeout_s=settings.timeout_s,
            memory_bytes=settings.memory_mib * 2**20,
        )
        self._use(encoder)

    def _use(self, encoder: Encoder) -> None:
        self._space = encoder.fingerprint
        self._writer = Writer(
            self._home, self._catalog, encoder, self._corpus_settings, self._dense
        )
        self._chunkers = Chunkers(self._settings, encoder, self._writer.embed)
        limits, rules = self._limits, self._rules.key
        self._intake = Intake(self._catalog, self._writer, self._chunkers, limits, rules)

    def _follow(self) -> None:
        """Take the encoder of the index, if that has moved to another space; the lock is held, so it stays there."""
        space = live_space(self._home)
        if space is None or space == self._space:
            return
        if self._encoder_of is None:
            space.require(self._space)
        else:
            encoder = self._encoder_of(space)
            self._writer.close()
            self._use(encoder)

    def close(self) -> None:
        self._writer.close()

    def sync(
        self,
        paths: Sequence[Path],
        collection: str = DEFAULT_COLLECTION,
        listen: Listener | None = None,
        *,
        retry: bool = True,
        wait: bool = False,
    ) -> Report:
        """Make ``collection`` equal to the files at and below ``paths``; what was uploaded, or is watched, stays.

        Args:
            retry: try files again that took too long or crashed their parser, though they are the same.
            wait: wait for another ingestion to end instead of refusing.

        Raises:
            NotFound: a path does not exist (nothing is changed). UserError: a bad collection name.
        """
        found = find(paths, self._rules)
        watched = only_below([f.path for f in folders_of(self._catalog.database, collection)])

        def covers(name: str) -> bool:
            return everything(name) and not watched(name)

        return self._run(found, collection, listen, covers, retry=retry, wait=wait)

    def follow(
        self,
        paths: Sequence[Path],
        changed: Sequence[Path],
        collection: str = DEFAULT_COLLECTION,
        listen: Listener | None = None,
    ) -> Report:
        """Like ``sync`` when it is known that nothing but ``changed`` (files, or folders as a whole) did change.

        Waits for another ingestion to end, and does not retry files that cost much time in vain.
        """
        found = find(paths, self._rules, changed)
        covers = only_below([printable(path) for path in changed])
        return self._run(found, collection, listen, covers, retry=False, wait=True)

    def add(
        self,
        files: Iterable[tuple[str, Path]],
        collection: str = DEFAULT_COLLECTION,
        listen: Listener | None = None,
        *,
        wait: bool = False,
    ) -> Report:
        """Add or update uploaded files, given as (name, where the bytes are), and nothing else."""
        paths = {UPLOAD + name: path for name, path in files}
        found = Found()
        for name, sidecars in paired(paths).items():
            beside = tuple(paths[sidecar] for sidecar in sidecars)
            found.add(Source(name, paths[name], paths[name].parent, sidecars=beside))
        covers = inside(list(found.by_name))
        return self._run(found, collection, listen, covers, wait=wait)

    def remove(self, ids: Sequence[str], wait: bool = True, undo_s: float = 0) -> int:
        """Take documents out of the index and the catalog, an archive with its members.

        Args:
            undo_s: how long ``restore`` can bring them back (seconds).

        Returns:
            the snapshot without them.

        Raises:
            NotFound: one of them is not there (nothing is changed).
        """
        with self._writing(wait):
            return self._committed(removal(self._catalog, ids, undo_s))

    def restore(self, id: str, wait: bool = True) -> int:
        """Bring a document back that was removed with an undo, an archive with its members; returns the snapshot.

        Nothing is read and, while the index is in the same space, nothing embedded. One that is there stays as it is.

        Raises:
            Conflict: it cannot be brought back any more, or another document has its place.
        """
        with self._writing(wait):
            if self._catalog.is_live(id):
                return self._writer.snapshot
            back = restored(self._catalog, self._chunkers, id, self._space.key)
            return self._committed(back)

    def rechunk(
        self, id: str, strategy: str, size: int = 0, listen: Listener | None = None
    ) -> Report:
        """Cut a document, or each member of an archive, by a strategy of its own from now on; from its stored text.

        The choice stays with the source through edits and ingestions; choosing what the settings say takes it back.

        Args:
            size: of a chunk (tokens); 0: as the settings say.

        Raises:
            NotFound: it is not there. UserError: there is no such strategy, or no such size. Conflict: it has no text.
            FileProblem: it cannot be cut so. Nothing is changed.
        """
        require_strategy(strategy)
        started = time.perf_counter()
        with self._writing(wait=True):
            run = Run([], "", 1, listen)
            own = self._chunkers.choice(strategy, size)
            rechunk(self._catalog, self._chunkers, id, own, run)
            self._commit(run)
            self._writer.clear_away()
        return self._reported(run, started)

    @contextmanager
    def _writing(self, wait: bool) -> Iterator[None]:
        """Hold the lock over a whole index, in whichever space it is now."""
        with self._home.writer_lock(wait=wait):
            self._writer.recover()
            self._follow()
            yield

    def _committed(self, batch: Batch) -> int:
        number = self._writer.commit(batch)
        self._writer.clear_away()
        return number

    def _reported(self, run: Run, started: float) -> Report:
        run.report.snapshot = self._writer.snapshot
        run.report.seconds = time.perf_counter() - started
        return run.report

    def _run(
        self,
        found: Found,
        collection: str,
        listen: Listener | None,
        covers: Covers,
        *,
        retry: bool = True,
        wait: bool = False,
    ) -> Report:
        check_collection(collection)
        started = time.perf_counter()
        with self._writing(wait):
            run = Run(
                self._catalog.stored(collection), collection, len(found.by_name), listen, retry
            )
            run.report.ignored = found.ignored
            self._read(found, run)
            self._intake.drop_missing(run, covers, found.unread)
            self._commit(run)
            if run.changed:
                self._writer.clear_away()
        return self._reported(run, started)

    def _read(self, found: Found, run: Run) -> None:
        reading = Reading(
            self._home,
            self._catalog,
            self._limits,
            self._settings.workers,
            self._rules,
            lambda work: self._intake.is_settled(work, run),
        )
        reading.add(found.sources)
        pace = Pace(self._settings.commit_documents, self._settings.commit_seconds)
        with closing(reading.works()) as works:
            for work in works:
                self._intake.take(work, run, reading)
                if pace.is_due(len(run.batch.documents)):
                    self._commit(run)
                    pace.committed()

    def _commit(self, run: Run) -> None:
        run.changed = run.changed or bool(run.batch)
        self._writer.commit(run.batch)
        run.acknowledge()


def check_collection(name: str) -> None:
    """Raises:
    UserError: this cannot name a collection.
    """
    if not name.strip() or len(name) > MAX_COLLECTION_CHARACTERS or not name.isprintable():
        raise UserError(
            f"{name[:80]!r} cannot name a collection; use 1 to {MAX_COLLECTION_CHARACTERS} visible characters"
        )
