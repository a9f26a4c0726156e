"""Parses files in processes that can be killed: ``with ParserPool(2) as pool: pool.parse(path)``.

Each slot holds one child process (``ingest.parsing.child``) in a session of its own, under limits
of memory, processor time and written bytes, with a temporary folder of its own. A file that
overruns its time, or whose parser dies, costs that child: its whole process group is killed, its
folder is removed, and the next file gets a fresh one. Children are replaced after some hundred
files in any case.

The pool may be used from several threads; it runs at most ``workers`` files at once.
"""

from __future__ import annotations

import dataclasses
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from corpus.errors import FileProblem
from corpus.records import Parsed, State
from ingest.parsing.limits import Limits
from ingest.parsing.unpacking import Member
from ingest.parsing.wire import (
    HEADER_BYTES,
    frame,
    frame_length,
    members_from_json,
    parsed_from_json,
)

__all__ = ["ParserPool"]

Answer = TypeVar("Answer")

_ROOT = Path(__file__).resolve().parents[2]
_BLOCK = 1 << 20
_LOOK_ONLY = os.WEXITED | os.WNOHANG | os.WNOWAIT
_SAMPLE_S = 0.2  # between looks at a child's memory
_NEAR = 0.75  # of the memory limit
_DYING_S = 5.0  # a dying process closes its pipes a moment before it is gone
_BYTES_PER_CHARACTER = 16  # of a document on the wire: text twice in escapes, elements, tables
_FINAL_STATES = (State.OUT_OF_MEMORY, State.INTERNAL_ERROR)  # after these a child is not used again
# One thread per child: the pool is what runs in parallel. Arenas keep the address space within its
# limit.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUNBUFFERED": "1",
}


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
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()

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
                self._give_back(child, spent=child.broken or problem.state in _FINAL_STATES)
                raise
            except BaseException:
                self._give_back(child, spent=True)
                raise
            self._give_back(child, spent=child.files >= self._limits.files_per_worker)
            return answer

    def _take(self) -> _Child:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        child = _Child(self._limits, self._parser)
        with self._lock:
            self._all.add(child)
        return child

    def _give_back(self, child: _Child, *, spent: bool) -> None:
        with self._lock:
            if not spent and child in self._all:
                self._idle.append(child)
                return
            self._all.discard(child)
        child.kill()


class _Child:
    """One parser process and its temporary folder."""

    def __init__(self, limits: Limits, parser: str | None) -> None:
        self.files = 0
        self.broken = False
        self._peak = 0
        self._limits = limits
        self._scratch = tempfile.mkdtemp(prefix="alcove-parse-")
        command = [
            sys.executable,
            "-m",
            "ingest.parsing.child",
            json.dumps(dataclasses.asdict(limits)),
        ]
        try:
            self._process = subprocess.Popen(
                [*command, parser] if parser else command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._scratch,
                env=self._environment(),
                start_new_session=True,
                bufsize=0,
            )
        except BaseException:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise

    def _environment(self) -> dict[str, str]:
        search = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        own = {
            "TMPDIR": self._scratch,
            "HOME": self._scratch,
            "PYTHONPATH": os.pathsep.join(search),
        }
        return {**os.environ, **_ENVIRONMENT, **own}

    def ask(self, request: dict[str, str], read: Callable[[dict[str, Any]], Answer]) -> Answer:
        """What the child answers; ``broken`` says afterwards whether it can go on."""
        self.files += 1
        name = request["name"]
        deadline = time.monotonic() + self._limits.timeout_s
        try:
            self._send(frame(request))
            length = frame_length(self._receive(HEADER_BYTES, deadline))
            if length > self._limits.max_characters * _BYTES_PER_CHARACTER:
                raise ValueError("the answer is longer than any document")
            message: dict[str, Any] = json.loads(self._receive(length, deadline))
            if "state" not in message:
                return read(message)
            state, reason = State(message["state"]), str(message["reason"])
        except TimeoutError as exc:
            self.broken = True
            reason = f"Reading {name!r} took longer than {self._limits.timeout_s:g} seconds."
            raise FileProblem(State.TIMEOUT, reason) from exc
        except EOFError as exc:
            self.broken = True
            raise self._post_mortem(name) from exc
        except (ValueError, KeyError, TypeError) as exc:
            self.broken = True
            reason = f"The parser of {name!r} answered nonsense."
            raise FileProblem(State.PARSER_CRASH, reason) from exc
        raise FileProblem(state, reason)

    def _send(self, message: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(message)
        except BrokenPipeError as exc:
            raise EOFError from exc

    def _receive(self, length: int, deadline: float) -> bytes:
        assert self._process.stdout is not None
        stream = self._process.stdout.fileno()
        received = bytearray()
        poll = select.poll()
        poll.register(stream, select.POLLIN)
        while len(received) < length:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if not poll.poll(min(left, _SAMPLE_S) * 1000):
                self._sample_memory()
                continue
            block = os.read(stream, min(length - len(received), _BLOCK))
            if not block:
                raise EOFError
            received += block
        return bytes(received)

    def _post_mortem(self, name: str) -> FileProblem:
        """What killed the child, from its exit status and the memory it had."""
        signal_number = self._reap(_DYING_S)
        if signal_number == signal.SIGXCPU:
            reason = (
                f"Reading {name!r} took more than {self._limits.cpu_s} seconds of processor time."
            )
            return FileProblem(State.TIMEOUT, reason)
        # A library in C++ that is refused memory aborts; the kernel short of memory kills.
        near_limit = self._peak > _NEAR * self._limits.memory_bytes
        if signal_number == signal.SIGKILL or (signal_number and near_limit):
            reason = f"Reading {name!r} needs more memory than one file is allowed."
            return FileProblem(State.OUT_OF_MEMORY, reason)
        how = (
            f"was killed by {signal.Signals(signal_number).name}"
            if signal_number
            else "ended early"
        )
        return FileProblem(State.PARSER_CRASH, f"The parser of {name!r} {how}; try another format.")

    def _ended(self, patience_s: float) -> bool:
        """Whether the child ends by itself within ``patience_s`` seconds; it is not yet waited for."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                status = os.waitid(os.P_PID, self._process.pid, _LOOK_ONLY)
            except ChildProcessError:
                return True  # the pool was closed meanwhile, and has waited for it
            if status is not None:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)

    def _reap(self, patience_s: float = 0.0) -> int:
        """Kill what is left of the process group; returns the signal that ended the child, 0 if none did."""
        process = self._process
        if process.returncode is None:
            ended = self._ended(patience_s)
            self._kill_group()  # before the child is waited for, so that its number is no other's
            code = process.wait()
            return max(-code, 0) if ended else 0
        return max(-process.returncode, 0)

    def _sample_memory(self) -> None:
        """Note the address space that the child has had at most; Linux tells, elsewhere it stays 0."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmPeak:"):
                self._peak = max(self._peak, int(line.split()[1]) * 1024)

    def _kill_group(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # every member is gone already

    def kill(self) -> None:
        """End the child and everything it started, and remove its folder."""
        self._reap()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
