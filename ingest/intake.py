"""From sources that were read to the next commit: documents, chunks, problems, and what is gone.

Decides what each file means for its collection: nothing when it is as it was, a document with its chunks, a problem
with its reason, or an archive with members. Fills the run's batch; reading and committing are done by others.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from corpus.catalog import Catalog, Stored
from corpus.errors import FileProblem, OperatorError
from corpus.records import Chunk, Document, Parsed, State
from ingest.discover import Source
from ingest.documents import ARCHIVE_TYPE, document_of, document_without_text
from ingest.own_chunking import Chunkers
from ingest.parsing.limits import Limits
from ingest.reading import PARSER_VERSION, Members, Reading, Work, bug
from ingest.recipes import Own, own_of, recipe, with_own
from ingest.report import FileResult
from ingest.run import Covers, OpenArchive, Run, is_below
from ingest.writer import Writer

__all__ = ["Intake"]


class Intake:
    """Fills batches for one pipeline.

    Args:
        rules: key of the patterns that choose among an archive's members.
    """

    def __init__(
        self,
        catalog: Catalog,
        writer: Writer,
        chunkers: Chunkers,
        limits: Limits,
        rules: str,
    ) -> None:
        self._catalog = catalog
        self._writer = writer
        self._chunkers = chunkers
        self._limits = limits
        self._rules = rules

    def is_settled(self, work: Work, run: Run) -> bool:
        """Whether the catalog holds already what reading these bytes once more would give."""
        old = run.known.get(work.source.name)
        if old is None or old.document.sha256 != work.sha256:
            return False
        state = old.document.state
        if not run.may_stay(state) or old.recipe != self._recipe_of(work, state, run):
            return False
        if old.document.media_type != ARCHIVE_TYPE:
            return True
        return all(run.may_stay(m.document.state) for m in run.members_of(work.source.name))

    def take(self, work: Work, run: Run, reading: Reading) -> None:
        """Put what came of a source into the batch."""
        source, result = work.source, work.result
        run.present.add(source.name)
        state: State | None = None
        if result is None:
            state = self._leave(source, run)
        elif isinstance(result, Members):
            self._open_archive(work, result, run, reading)
        elif isinstance(result, FileProblem):
            state = self._record_problem(work, result, run)
        else:
            state = self._index(work, result, run)
        if source.archive and state:
            self._close_member(source.archive, state, run, reading)

    def drop_missing(self, run: Run, covers: Covers, unread: Sequence[str]) -> None:
        """Remove what this run answers for and did not find, but nothing in folders that could not be read."""
        for name, stored in run.known.items():
            if name in run.present or not covers(name):
                continue
            if not any(is_below(name, folder) for folder in unread):
                run.batch.removed.append(stored.document.id)
                run.report.chunks_removed += run.chunks_of(self._catalog, stored.document.id)
                run.report.removed += 1

    def _own(self, source: str, run: Run) -> Own | None:
        """How the document of this source is to be cut: what a person said of an earlier version holds for the next."""
        old = run.known.get(source)
        return own_of(old.recipe) if old else None

    def _recipe_of(self, work: Work, state: State, run: Run) -> str:
        """Names all that a document depends on besides its bytes."""
        extras = [work.sidecar.key]
        if Path(work.source.name).suffix.lower() == ".zip":
            extras.append(self._rules)
        if not state.searchable:  # with other limits it might be read
            limits = self._limits
            extras.append(f"{limits.max_bytes}-{limits.timeout_s:g}-{limits.memory_bytes}")
        own = self._own(work.source.name, run)
        return with_own(recipe(PARSER_VERSION, self._chunkers.making(own), extras), own)

    def _leave(self, source: Source, run: Run) -> State:
        """Nothing changed: count the document, and the members if it is an archive, as they are."""
        old = run.known[source.name]
        members = run.members_of(source.name) if old.document.media_type == ARCHIVE_TYPE else []
        run.total += len(members)
        for stored in (old, *members):
            document = stored.document
            run.present.add(document.source)
            run.report.chunks_kept += run.chunks_of(self._catalog, document.id)
            state = State.UNCHANGED if document.state.searchable else document.state
            run.done(FileResult(document.source, state, document.reason))
        return old.document.state

    def _index(self, work: Work, parsed: Parsed, run: Run) -> State:
        document = document_of(work, parsed, run.collection)
        try:
            chunks = self._chunks(document, parsed, self._own(document.source, run))
        except FileProblem as problem:
            return self._record_problem(work, problem, run)
        run.batch.contents[work.content] = parsed
        run.batch.chunks.extend(chunks)
        run.report.chunks_added += len(chunks)
        made = Stored(document, work.content, self._recipe_of(work, document.state, run))
        self._replace(made, run)
        return document.state

    def _chunks(self, document: Document, parsed: Parsed, own: Own | None) -> list[Chunk]:
        """The chunks of a document, their vectors computed; a bug met on the way is that document's problem."""
        try:
            chunks = self._chunkers.of(own).chunk(document.id, parsed)
            self._writer.embed_ahead(chunks)
        except OperatorError:
            raise
        except Exception as exc:
            raise bug("Chunking", document.source, exc) from exc
        return chunks

    def _record_problem(self, work: Work, problem: FileProblem, run: Run) -> State:
        state = State(problem.state)
        reason = "; ".join(filter(None, [problem.reason, work.sidecar.problem]))
        document = document_without_text(work, run.collection, "", state, reason)
        self._replace(Stored(document, None, self._recipe_of(work, state, run)), run)
        return state

    def _open_archive(self, work: Work, members: Members, run: Run, reading: Reading) -> None:
        """Read the members next; the archive's own row is written when the last of them is done."""
        if not members.sources and not members.ignored:
            problem = FileProblem(State.EMPTY_TEXT, "there is no file in the archive")
            self._record_problem(work, problem, run)
            return
        run.total += len(members.sources)
        run.report.ignored += members.ignored
        run.archives[work.source.name] = OpenArchive(work, members, len(members.sources))
        reading.add(members.sources)
        if not members.sources:
            self._close_archive(work.source.name, run, reading)

    def _close_member(self, name: str, state: State, run: Run, reading: Reading) -> None:
        archive = run.archives[name]
        archive.left -= 1
        archive.failed += not state.searchable
        if archive.left == 0:
            self._close_archive(name, run, reading)

    def _close_archive(self, name: str, run: Run, reading: Reading) -> None:
        archive = run.archives.pop(name)
        reading.forget(archive.members)
        problem = archive.work.sidecar.problem
        bad = archive.failed or problem
        state = State.INDEXED_PARTIAL if bad else State.INDEXED
        reason = "; ".join(filter(None, [archive.reason, problem]))
        document = document_without_text(archive.work, run.collection, ARCHIVE_TYPE, state, reason)
        self._replace(Stored(document, None, self._recipe_of(archive.work, state, run)), run)

    def _replace(self, new: Stored, run: Run) -> None:
        """Put a document into the batch in place of the one its source had before."""
        document = new.document
        old = run.known.get(document.source)
        if old == new:  # the same problem as last time: nothing to write
            run.done(FileResult(document.source, document.state, document.reason))
            return
        is_same = old is not None and old.document.id == document.id
        new = replace(new, at=old.at if old and is_same else time.time())
        if old:
            run.batch.removed.append(old.document.id)
            run.report.chunks_removed += run.chunks_of(self._catalog, old.document.id)
        run.batch.documents.append(new)
        run.waiting.append(FileResult(document.source, document.state, document.reason))
