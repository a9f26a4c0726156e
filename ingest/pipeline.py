"""The ingestion pipeline: find, hash, parse, chunk, embed, commit.

``sync`` makes a collection equal to some paths; ``add`` puts single files into it; ``remove`` takes documents out.
Every file ends in one named state with a reason. Parsing runs in killable processes while this one embeds; documents
are acknowledged batch by batch, after the snapshot that holds them is durable. Run it as ``python -m ingest``.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from corpus.catalog import Catalog, Stored
from corpus.errors import FileProblem, NotFound, UserError
from corpus.home import Home
from corpus.records import Document, Parsed, State
from corpus.settings import CorpusSettings
from ingest.chunking import make_chunker
from ingest.discover import UPLOAD, Source, find_sources, hash_source
from ingest.parsing.limits import Limits
from ingest.parsing.worker import ParserPool
from ingest.report import FileResult, Report
from ingest.run import PARSER_VERSION, Listener, Run, Work
from ingest.settings import IngestSettings
from ingest.writer import Batch, Writer
from retrieval.protocols import Encoder

__all__ = ["DEFAULT_COLLECTION", "Pipeline"]

DEFAULT_COLLECTION = "default"
MAX_COLLECTION_CHARACTERS = 64


class Pipeline:
    """Ingestion into one home, one at a time.

    Raises (any method):
        Conflict: another ingestion is writing. OperatorError: the machine's fault. Nothing acknowledged is lost.
    """

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        encoder: Encoder,
        settings: IngestSettings,
        corpus_settings: CorpusSettings | None = None,
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._settings = settings
        self._writer = Writer(
            home, catalog, encoder, corpus_settings or CorpusSettings(home=home.root)
        )
        self._chunker = make_chunker(
            settings.strategy,
            encoder.count_tokens,
            size=settings.chunk_tokens,
            overlap=settings.overlap_tokens,
            window=_room(encoder),
            sentences=settings.sentences,
            embed=self._writer.embed,
        )
        self._recipe = f"{PARSER_VERSION}/{self._chunker.name}/{encoder.fingerprint.key}"
        self._limits = Limits(
            max_bytes=settings.max_mib * 2**20,
            timeout_s=settings.timeout_s,
            memory_bytes=settings.memory_mib * 2**20,
        )

    def close(self) -> None:
        self._writer.close()

    def sync(
        self,
        paths: Sequence[Path],
        collection: str = DEFAULT_COLLECTION,
        listen: Listener | None = None,
    ) -> Report:
        """Make ``collection`` equal to the files at and below ``paths``; documents uploaded through the page stay.

        Raises:
            NotFound: a path does not exist (nothing is changed). UserError: a bad collection name.
        """
        return self._run(find_sources(paths), collection, listen, is_whole=True)

    def add(
        self,
        files: Iterable[tuple[str, Path]],
        collection: str = DEFAULT_COLLECTION,
        listen: Listener | None = None,
    ) -> Report:
        """Add or update uploaded files, given as (name, where the bytes are), and nothing else."""
        sources = [Source(UPLOAD + name, path, path.parent) for name, path in files]
        return self._run(sources, collection, listen, is_whole=False)

    def remove(self, ids: Sequence[str], wait: bool = True) -> int:
        """Take documents out of the index and the catalog; returns the snapshot without them.

        Raises:
            NotFound: one of them is not there (nothing is changed).
        """
        with self._home.writer_lock(wait=wait):
            self._writer.recover()
            for id in ids:
                if not self._catalog.is_live(id):
                    raise NotFound(
                        f"there is no document {id!r}; `alcove documents` lists what there is"
                    )
            number = self._writer.commit(Batch(removed=list(ids)))
            self._writer.clear_away()
            return number

    def _run(
        self, sources: list[Source], collection: str, listen: Listener | None, is_whole: bool
    ) -> Report:
        _check_collection(collection)
        started = time.perf_counter()
        with self._home.writer_lock():
            self._writer.recover()
            if self._writer.in_other_space():
                self._embed_everything_anew()
            run = Run(self._catalog.stored(collection), collection, len(sources), listen)
            todo = [work for source in sources if (work := self._look_at(source, run))]
            for work, parsed in self._parse_all(todo):
                self._take(work, parsed, run)
                if len(run.batch.documents) >= self._settings.commit_documents:
                    self._commit(run)
            if is_whole:
                self._drop_missing(sources, run)
            self._commit(run)
            if run.changed:
                self._writer.clear_away()
        run.report.snapshot = self._writer.snapshot
        run.report.seconds = time.perf_counter() - started
        return run.report

    def _look_at(self, source: Source, run: Run) -> Work | None:
        """Hash a source; only what is new, changed or unread so far comes back as work."""
        try:
            sha256, size = hash_source(source, self._limits.max_bytes)
        except FileProblem as problem:
            self._record_problem(source, "", 0, problem, run)
            return None
        old = run.known.get(source.name)
        if (
            old
            and old.document.sha256 == sha256
            and old.recipe == self._recipe
            and old.document.state.searchable
        ):
            run.report.chunks_kept += run.chunks_of(self._catalog, old.document.id)
            run.done(FileResult(source.name, State.UNCHANGED, old.document.reason))
            return None
        return Work(source, sha256, size)

    def _parse_all(self, todo: list[Work]) -> Iterator[tuple[Work, Parsed | FileProblem]]:
        """Parse in order, a few files ahead of the consumer, so that memory stays flat."""
        if not todo:
            return
        workers = min(self._settings.workers, len(todo))
        with ParserPool(workers, self._limits) as pool, ThreadPoolExecutor(workers) as threads:
            ahead: deque[tuple[Work, Future[Parsed | FileProblem]]] = deque()
            for work in todo:
                ahead.append((work, threads.submit(self._parse, pool, work)))
                if len(ahead) > 2 * workers:
                    first, future = ahead.popleft()
                    yield first, future.result()
            while ahead:
                first, future = ahead.popleft()
                yield first, future.result()

    def _parse(self, pool: ParserPool, work: Work) -> Parsed | FileProblem:
        known = self._catalog.content(work.content)
        if known is not None:
            return known
        try:
            self._home.keep_original(work.source.path, work.sha256)
            return pool.parse(work.source.path)
        except FileProblem as problem:
            return problem

    def _take(self, work: Work, parsed: Parsed | FileProblem, run: Run) -> None:
        source = work.source
        if isinstance(parsed, FileProblem):
            self._record_problem(source, work.sha256, work.size, parsed, run)
            return
        document = _document(work, parsed, run.collection)
        chunks = self._chunker.chunk(document.id, parsed)
        self._writer.embed_ahead(chunks)
        run.batch.contents[work.content] = parsed
        run.batch.chunks.extend(chunks)
        run.report.chunks_added += len(chunks)
        self._replace(Stored(document, work.content, self._recipe), run)

    def _record_problem(
        self, source: Source, sha256: str, size: int, problem: FileProblem, run: Run
    ) -> None:
        id = Document.make_id(run.collection, source.name, sha256)
        document = Document(
            id,
            source.name,
            sha256,
            "",
            source.path.name,
            run.collection,
            0,
            State(problem.state),
            problem.reason,
            size,
        )
        self._replace(Stored(document, None, self._recipe), run)

    def _replace(self, new: Stored, run: Run) -> None:
        """Put a document into the batch in place of the one its source had before."""
        document = new.document
        old = run.known.get(document.source)
        if old == new:  # the same problem as last time: nothing to write
            run.done(FileResult(document.source, document.state, document.reason))
            return
        if old:
            run.batch.removed.append(old.document.id)
            run.report.chunks_removed += run.chunks_of(self._catalog, old.document.id)
        run.batch.documents.append(new)
        run.waiting.append(FileResult(document.source, document.state, document.reason))

    def _drop_missing(self, sources: list[Source], run: Run) -> None:
        present = {source.name for source in sources}
        for name, stored in run.known.items():
            if name not in present and not name.startswith(UPLOAD):
                run.batch.removed.append(stored.document.id)
                run.report.chunks_removed += run.chunks_of(self._catalog, stored.document.id)
                run.report.removed += 1

    def _commit(self, run: Run) -> None:
        run.changed = run.changed or bool(run.batch)
        self._writer.commit(run.batch)
        run.acknowledge()

    def _embed_everything_anew(self) -> None:
        """The encoder changed: move every collection into the new space in one commit."""
        batch = Batch()
        for stored in self._catalog.stored():
            if stored.content is None:
                continue
            chunks = self._chunker.chunk(
                stored.document.id, self._catalog.parsed(stored.document.id)
            )
            self._writer.embed_ahead(chunks)
            batch.removed.append(stored.document.id)
            batch.documents.append(Stored(stored.document, stored.content, self._recipe))
            batch.chunks.extend(chunks)
        self._writer.commit(batch, anew=True)


def _document(work: Work, parsed: Parsed, collection: str) -> Document:
    name = work.source.name
    return Document(
        id=Document.make_id(collection, name, work.sha256),
        source=name,
        sha256=work.sha256,
        media_type=parsed.media_type,
        title=parsed.title or Path(name.removeprefix(UPLOAD)).name,
        collection=collection,
        pages=len(parsed.pages),
        state=State.INDEXED_PARTIAL if parsed.missing else State.INDEXED,
        reason="; ".join(parsed.missing),
        size=work.size,
        metadata=dict(parsed.metadata),
    )


def _room(encoder: Encoder) -> int:
    """Tokens that the encoder sees at once beside its prefix and two special tokens."""
    space = encoder.fingerprint
    return space.max_tokens - 2 - encoder.count_tokens(space.passage_prefix)


def _check_collection(name: str) -> None:
    if not name.strip() or len(name) > MAX_COLLECTION_CHARACTERS or not name.isprintable():
        raise UserError(
            f"{name[:80]!r} cannot name a collection; use 1 to {MAX_COLLECTION_CHARACTERS} visible characters"
        )
