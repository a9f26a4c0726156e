"""Parses files in processes that can be killed: ``with ParserPool(2) as pool: pool.parse(path)``.

Each slot holds one parser process (``ingest.parsing.process``) under limits of memory, processor
time and temporary files. A file that overruns its time, or whose parser dies, costs that process:
it is killed with everything it started, and the next file gets a fresh one. Processes are replaced
after some hundred files in any case.

The pool may be used from several threads; it runs at most ``workers`` files at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from corpus.errors import FileProblem
from corpus.records import Parsed, State
from ingest.parsing.limits import Limits
from ingest.parsing.process import Answer, ParserProcess
from ingest.parsing.unpacking import Member
from ingest.parsing.wire import members_from_json, parsed_from_json

__all__ = ["ParserPool"]

_FINAL_STATES = (
    State.OUT_OF_MEMORY,
    State.INTERNAL_ERROR,
)  # after these a process is not used again


class ParserPool:
    """A fixed number of parser processes, started when first needed.

    Args:
        workers: files parsed at the same time, at most.
        limits: ceilings for each file.
        parser: ``module:function`` to call instead of ``parse_file``; for tests of what a bad
            parser can do.
    """

    def __init__(
        self, workers: int = 2, limits: Limits | None = None, *, parser: str | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._parser = parser
        self._slots = threading.BoundedSemaphore(max(workers, 1))
        self._lock = threading.Lock()
        self._idle: list[ParserProcess] = []
        self._all: set[ParserProcess] = set()

    def __enter__(self) -> ParserPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill every child and remove what it left."""
        with self._lock:
            children, self._all, self._idle = list(self._all), set(), []
        for child in children:
            child.kill()

    def parse(self, path: Path, name: str | None = None) -> Parsed:
        """Parse one file in a child process.

        Args:
            path: where its bytes are.
            name: what it is called, if not as ``path`` says: the ending tells parsers its type.

        Raises:
            FileProblem: as ``parse_file`` does, and ``timeout``, ``out_of_memory`` or
                ``parser_crash``.
        """
        return self._ask(path, name or path.name, {}, lambda said: parsed_from_json(said["parsed"]))

    def unpack(self, path: Path, folder: Path, name: str | None = None) -> list[Member]:
        """Unpack a zip archive in a child process, into ``folder``, which is empty.

        Args:
            path, name: as for ``parse``.
            folder: gets the members as files under numbers; emptied again when this raises.

        Raises:
            FileProblem: as ``ingest.parsing.unpacking.unpack`` does, and as ``parse`` does.
        """
        folder = folder.absolute()
        try:
            return self._ask(
                path,
                name or path.name,
                {"folder": str(folder)},
                lambda said: members_from_json(said["members"], folder),
            )
        except BaseException:
            for entry in folder.iterdir():
                entry.unlink()
            raise

    def _ask(
        self, path: Path, name: str, task: dict[str, str], read: Callable[[dict[str, Any]], Answer]
    ) -> Answer:
        request = {"path": str(path.absolute()), "name": name, **task}
        with self._slots:
            child = self._take()
            try:
                answer = child.ask(request, read)
            except FileProblem as problem:
                self._give_back(child, spent=child.spent or problem.state in _FINAL_STATES)
                raise
            except BaseException:
                self._give_back(child, spent=True)
                raise
            self._give_back(
                child, spent=child.spent or child.files >= self._limits.files_per_worker
            )
            return answer

    def _take(self) -> ParserProcess:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        child = ParserProcess(self._limits, self._parser)
        with self._lock:
            self._all.add(child)
        return child

    def _give_back(self, child: ParserProcess, *, spent: bool) -> None:
        with self._lock:
            if not spent and child in self._all:
                self._idle.append(child)
                return
            self._all.discard(child)
        child.kill()
