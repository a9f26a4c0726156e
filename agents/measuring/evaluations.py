"""Benchmarks that the service runs for its page: one at a time, each in a process of its own.

What is measured is decided by the program that is started (``agents.measuring.evaluation_program``); this reads how far
it is, and keeps one folder for each run, ``HOME/eval/results/ID``::

    evaluation.json   what was asked for, and how it ended; replaced as a whole
    grid.toml, …      what the program is given
    results/          what it found, whole or not there (``agents.measuring.evaluation_results``)

A folder beside these that holds a ``report.json`` itself was made by the command line, and is shown too.
Stopping one, or the service, kills its process and all that it started (``corpus.processes.tended``). A run that a
service left unfinished is interrupted; taken up again, it computes only what it had not computed.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agents.measuring.evaluation_program import EVAL, Program, progress, reason
from agents.records.record_json import Json
from agents.store.chat_tables import now
from corpus.errors import AlcoveError, Conflict, NotFound
from corpus.home import Home, disk_errors, write_durably

__all__ = ["ACTIVE", "Evaluation", "Evaluations"]

_LOG = logging.getLogger(__name__)

ACTIVE = ("queued", "running")
_RECORD, _GRID, _RESULTS, _REPORT = "evaluation.json", "grid.toml", "results", "report.json"
_STOP_S = 10.0


@dataclass(slots=True)
class Evaluation:
    """One benchmark; ``state`` is queued, running, done, failed, cancelled or interrupted."""

    id: str
    name: str
    state: str
    created: str  # ISO 8601
    request: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    doing: str = ""
    done: int = 0
    total: int = 0

    def to_json(self) -> Json:
        """Plain JSON values, without what it found."""
        return asdict(self)


class Evaluations:
    """The benchmarks of one home.

    Args:
        home: where their folders are.
        command: the program; see ``agents.measuring.evaluation_program``.
    """

    def __init__(self, home: Home, command: Sequence[str] = EVAL) -> None:
        self.program = Program(command)
        self._home = home
        self._root = home.root / "eval" / "results"
        self._known: dict[str, Evaluation] = {}
        self._queue: deque[Evaluation] = deque()
        self._changed = threading.Condition()
        self._comparing = threading.Lock()
        self._current: Evaluation | None = None
        self._process: subprocess.Popen[str] | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="evaluations", daemon=True)

    def start(self) -> None:
        """Look at what an earlier service left, and wait for work."""
        for path in self._root.glob(f"*/{_RECORD}"):
            try:
                item = Evaluation(**json.loads(path.read_bytes()))
            except (OSError, ValueError, TypeError) as exc:
                _LOG.error("%s is not the record of an evaluation: %s", path, exc)
                continue
            if item.id != path.parent.name:  # it is written and deleted by its id
                _LOG.error("%s is the record of another evaluation", path)
                continue
            self._known[item.id] = item
            if item.state in ACTIVE:
                item.state = "interrupted"
                self._note(item)
        self._thread.start()

    def close(self) -> None:
        """Stop what runs; it, and what waits, is interrupted."""
        with self._changed:
            self._closing = True
            for item in self._queue:
                item.state = "interrupted"
                self._note(item)
            self._queue.clear()
            self._stop_process()
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def submit(
        self, name: str, request: Mapping[str, Any], prepare: Callable[[Path], str]
    ) -> Evaluation:
        """Queue a benchmark.

        Args:
            request: what was asked for, as it is shown.
            prepare: writes into the run's folder what the grid names, and returns the grid, as TOML.

        Raises:
            UserError: what ``prepare`` says; nothing is left. DiskFull, OperatorError: it cannot be written.
        """
        item = Evaluation(uuid.uuid4().hex[:12], name, "queued", now(), request)
        folder = self._root / item.id
        with disk_errors(folder):
            folder.mkdir(parents=True)
        try:
            write_durably(folder / _GRID, prepare(folder).encode())
            self._enqueue(item)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return item

    def resume(self, id: str) -> Evaluation:
        """Queue a benchmark again that ended early.

        Raises:
            NotFound: there is none. Conflict: it is at work, is done, or was not made here.
        """
        item = self.get(id)
        with self._changed:
            if item.state in (*ACTIVE, "done") or item is self._current or id not in self._known:
                raise Conflict(
                    f"evaluation {id!r} is {item.state}; only one that ended early goes on"
                )
            item.state, item.error, item.done, item.total = "queued", None, 0, 0
            self._enqueue(item)
        return item

    def listed(self) -> list[Evaluation]:
        """Every benchmark, the newest first."""
        found = [*self._known.values(), *self._from_command_line()]
        return sorted(found, key=lambda item: (item.created, item.id), reverse=True)

    def get(self, id: str) -> Evaluation:
        """Raises:
        NotFound: there is no such benchmark.
        """
        item = self._known.get(id)
        for found in [item] if item else self._from_command_line():
            if found.id == id:
                return found
        raise NotFound(f"there is no evaluation {id!r}; list them to see which exist")

    def results(self, id: str) -> Path:
        """The folder with what a benchmark found.

        Raises:
            NotFound: there is no such benchmark. Conflict: it is not done.
        """
        item = self.get(id)
        if item.state != "done":
            raise Conflict(f"evaluation {id!r} is {item.state}; it has results once it is done")
        return self._root / item.id / (_RESULTS if id in self._known else "")

    def cancel(self, id: str) -> Evaluation:
        """Stop a benchmark; one that has ended stays as it is."""
        item = self.get(id)
        with self._changed:
            if item.state in ACTIVE:
                item.state = "cancelled"
                self._note(item)
                if item in self._queue:
                    self._queue.remove(item)
                if item is self._current:
                    self._stop_process()
        return item

    def delete(self, id: str) -> None:
        """Remove a benchmark with all it found.

        Raises:
            NotFound: there is no such benchmark. Conflict: it is at work.
        """
        item = self.get(id)
        with self._changed:
            self._changed.wait_for(
                lambda: item is not self._current or item.state in ACTIVE, _STOP_S
            )
            if item.state in ACTIVE or item is self._current:
                raise Conflict(f"evaluation {id!r} is at work; cancel it first")
            self._known.pop(id, None)
        with disk_errors(self._root / item.id):
            shutil.rmtree(self._root / item.id)

    def compare(self, a: str, b: str, metric: str = "") -> Json:
        """Whether system ``b`` is better than ``a``, each an id or ``ID:SYSTEM``; as the program tells it.

        Raises:
            NotFound, Conflict: there are no such results. UserError: they cannot be compared.
            OperatorError: the program failed.
        """
        with self._comparing:
            return self.program.compare(self._named(a), self._named(b), metric)

    def _named(self, one: str) -> str:
        id, colon, system = one.partition(":")
        return f"{self.results(id)}{colon}{system}"

    def _from_command_line(self) -> list[Evaluation]:
        """What ``alcove eval run`` put beside the folders that are made here."""
        found = []
        for path in self._root.glob(f"*/{_REPORT}"):
            name = path.parent.name
            if name in self._known or name.startswith("."):  # one with a dot is being written
                continue
            with suppress(FileNotFoundError):  # replaced at this moment
                made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                found.append(
                    Evaluation(name, name, "done", made.isoformat(timespec="milliseconds"))
                )
        return found

    def _enqueue(self, item: Evaluation) -> None:
        with self._changed:
            self._save(item)
            self._known[item.id] = item
            self._queue.append(item)
            self._changed.notify_all()

    def _work(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._run(item)
            except OSError as exc:
                self._end(item, "failed", f"the benchmark could not be started: {exc.strerror}")

    def _next(self) -> Evaluation | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            if self._closing:
                return None
            item = self._current = self._queue.popleft()
            item.state = "running"
            self._note(item)
            return item

    def _run(self, item: Evaluation) -> None:
        folder = self._root / item.id
        out, lines = folder / _RESULTS, deque[str](maxlen=20)
        with self.program.run(folder / _GRID, out, self._home.root) as process:
            with self._changed:
                self._process = process
                if self._closing or item.state != "running":
                    self._stop_process()
            for line in process.stderr or ():
                if not _heard(item, line) and line.strip():
                    lines.append(line.strip())
        if process.returncode == 0 and (out / _REPORT).is_file():
            self._end(item, "done", None)
        else:
            self._end(item, "failed", reason(lines))

    def _stop_process(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def _end(self, item: Evaluation, state: str, error: str | None) -> None:
        with self._changed:
            if item.state == "running":
                stopped = self._closing and state == "failed"
                item.state = "interrupted" if stopped else state
                item.error = None if stopped else error
            self._note(item)
            self._current = self._process = None
            self._changed.notify_all()

    def _note(self, item: Evaluation) -> None:
        """Save what became of an evaluation; a full disk must not keep one from being stopped, or the next from it."""
        try:
            self._save(item)
        except AlcoveError as exc:
            _LOG.error("what became of evaluation %r was not written: %s", item.id, exc)

    def _save(self, item: Evaluation) -> None:
        data = json.dumps(item.to_json(), ensure_ascii=False, indent=1)
        write_durably(self._root / item.id / _RECORD, data.encode())


def _heard(item: Evaluation, line: str) -> bool:
    """Whether a line tells how far the program is; if so, the benchmark knows it now."""
    told = progress(line)
    if told is not None:
        item.doing, item.done, item.total = told
    return told is not None
