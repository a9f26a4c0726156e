"""Reads sources ahead of whoever takes them: open, hash, keep a copy, parse that copy; in threads and child processes.

What is hashed is what is parsed: a file is opened once, hashed and copied from that one descriptor, and the parser
gets the copy. A file that is known already is only hashed. An archive is unpacked, and its members become sources.
Knows nothing of chunks and embeddings.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from corpus.catalog import Catalog
from corpus.errors import FileProblem, OperatorError
from corpus.home import Home, disk_errors
from corpus.records import Parsed, State, content_id
from ingest.discover import Source
from ingest.filenames import paired
from ingest.ignore import Rules
from ingest.metadata import Sidecar, read_sidecar
from ingest.opening import digest, opened
from ingest.parsing import is_archive
from ingest.parsing.limits import Limits
from ingest.parsing.worker import ParserPool

__all__ = ["PARSER_VERSION", "Members", "Reading", "Work", "bug"]

PARSER_VERSION = "2"  # raise it when parsing changes, so that unchanged files are parsed again


@dataclass(frozen=True, slots=True)
class Members:
    """What came out of an archive: its members as sources, how many of them were left out, and where they lie."""

    sources: Sequence[Source]
    ignored: int
    folder: Path


@dataclass(slots=True)
class Work:
    """A source that was read, and what came of it; ``result`` is ``None`` if it is as it was."""

    source: Source
    sidecar: Sidecar = field(default_factory=lambda: Sidecar({}))
    sha256: str = ""
    size: int = 0
    result: Parsed | FileProblem | Members | None = None

    @property
    def content(self) -> str:
        suffix = Path(self.source.name).suffix.lower()
        return content_id("content", self.sha256, suffix, PARSER_VERSION)


class Reading:
    """Reads sources in order, a few ahead of the consumer, so that memory stays flat.

    Args:
        is_settled: told of a source and its hash; whether there is nothing to do for it.
    """

    def __init__(
        self,
        home: Home,
        catalog: Catalog,
        limits: Limits,
        workers: int,
        rules: Rules,
        is_settled: Callable[[Work], bool],
    ) -> None:
        self._home = home
        self._catalog = catalog
        self._limits = limits
        self._rules = rules
        self._is_settled = is_settled
        self._workers = workers
        self._pool = ParserPool(workers, limits)
        self._waiting: deque[Source] = deque()
        self._scratch = home.root / "unpacked"

    def add(self, sources: Iterable[Source]) -> None:
        """Read these next."""
        self._waiting.extendleft(reversed(list(sources)))

    def works(self) -> Generator[Work]:
        """Everything added so far, and what is added while this goes on.

        Raises:
            OperatorError: the machine's fault; nothing more is read.
        """
        self._clear()
        threads = ThreadPoolExecutor(self._workers, "reading")
        ahead: deque[Future[Work]] = deque()
        try:
            while self._waiting or ahead:
                while self._waiting and len(ahead) <= 2 * self._workers:
                    ahead.append(threads.submit(self._read, self._waiting.popleft()))
                yield ahead.popleft().result()
        finally:
            self._pool.close()  # first: whoever waits for a parser need not wait any longer
            threads.shutdown(cancel_futures=True)
            self._pool.close()  # what was started in between
            self._clear()

    def forget(self, members: Members) -> None:
        """The members have been read: remove their files."""
        shutil.rmtree(members.folder, ignore_errors=True)

    def _clear(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)  # also what a killed run left

    def _read(self, source: Source) -> Work:
        work = Work(source)
        try:
            work.result = self._outcome(work)
        except FileProblem as problem:
            if not source.root.is_dir():  # a disk that was unplugged: no word on the file
                raise OperatorError(
                    f"the folder {str(source.root)!r} went away while it was read; what is known of it is kept"
                ) from problem
            work.result = problem
        except OperatorError:
            raise
        except Exception as exc:
            work.result = bug("Reading", source.name, exc)
        return work

    def _outcome(self, work: Work) -> Parsed | Members | None:
        source, most = work.source, self._limits.max_bytes
        if source.problem:
            raise source.problem
        work.sidecar = read_sidecar(source)
        with opened(source.path, source.root, most) as handle:
            work.sha256, work.size = digest(handle, most)
            if self._is_settled(work):
                return None
            known = self._catalog.content(work.content)
            self._keep(work, handle)
        return known or self._parsed(work)

    def _keep(self, work: Work, handle: BinaryIO) -> None:
        """Copy what was hashed; the copy is what is parsed."""
        if self._home.original(work.sha256).exists():
            return
        handle.seek(0)
        kept, _ = self._home.keep(handle, self._limits.max_bytes)
        if kept != work.sha256:
            raise FileProblem(
                State.UNREADABLE, "the file changed while it was read; ingest it again"
            )

    def _parsed(self, work: Work) -> Parsed | Members:
        original, name = self._home.original(work.sha256), Path(work.source.name).name
        if is_archive(original, name):
            return self._unpacked(work.source, original, name)
        return self._pool.parse(original, name)

    def _unpacked(self, archive: Source, original: Path, name: str) -> Members:
        with disk_errors(self._scratch):
            self._scratch.mkdir(exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=self._scratch))
        found = {member.name: member for member in self._pool.unpack(original, folder, name)}
        pairs = paired(found)
        sources: list[Source] = []
        within = archive.path.relative_to(archive.root).as_posix()
        for inner, sidecars in pairs.items():
            if self._rules.leaves_out(f"{within}/{inner}"):
                continue
            member = found[inner]
            beside = tuple(path for s in sidecars if (path := found[s].path))
            full = f"{archive.name}/{inner}"
            path = member.path or folder
            sources.append(Source(full, path, folder, member.problem, beside, archive.name))
        return Members(sources, len(pairs) - len(sources), folder)


def bug(doing: str, source: str, exc: Exception) -> FileProblem:
    """A mistake of ours that one document brought to light; it costs that document alone."""
    frame = exc.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
    name = Path(source).name
    return FileProblem(
        State.INTERNAL_ERROR,
        f"{doing} {name!r} met a bug ({type(exc).__name__} at {place}); please report it.",
    )
