"""One parser process, seen from the process that trusts it with a file and not with more.

It runs below a supervisor (``ingest.parsing.supervisor``) in a session of its own, with a temporary
folder of its own. While it works its memory, its temporary files and its progress are watched; to
end it is to end everything it started, and to remove its folder.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from corpus.errors import DiskFull, FileProblem
from corpus.records import State
from ingest.parsing.limits import Limits
from ingest.parsing.scratch import disk_use
from ingest.parsing.wire import HEADER_BYTES, frame, frame_length

__all__ = ["Answer", "ParserProcess"]

Answer = TypeVar("Answer")

_ROOT = Path(__file__).resolve().parents[2]
_BLOCK = 1 << 20
_LOOK_ONLY = os.WEXITED | os.WNOHANG | os.WNOWAIT
_SAMPLE_S = 0.2  # between looks at a parser's memory and temporary files
_SAMPLE_SHARE = 0.1  # of the time, at most, goes into looking
_NEAR = 0.75  # of the memory limit
_DYING_S = 5.0  # a dying process closes its pipes a moment before it is gone
_BYTES_PER_CHARACTER = 16  # of a document on the wire: text twice in escapes, elements, tables
# One thread per parser: the pool is what runs in parallel. Arenas keep the address space within its
# limit.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUNBUFFERED": "1",
}


class ParserProcess:
    """A parser process and its temporary folder.

    Attributes:
        files: how many it was asked for.
        spent: whether it must not be asked again.
    """

    def __init__(self, limits: Limits, parser: str | None) -> None:
        self.files = 0
        self.spent = False
        self._parser: int | None = None  # the process below the supervisor
        self._peak = 0
        self._limits = limits
        self._clock = _Clock(limits)
        self._next_sample = 0.0
        self._scratch = tempfile.mkdtemp(prefix="alcove-parse-")
        orders = {
            "parent": os.getpid(),
            "scratch": self._scratch,
            "limits": dataclasses.asdict(limits),
            "parser": parser,
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingest.parsing.supervisor", json.dumps(orders)],
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
        """What ``read`` makes of the answer.

        Raises:
            FileProblem: the parser's, or ``timeout``, ``bomb``, ``out_of_memory``, ``parser_crash``.
            DiskFull: there is no space for temporary files.
        """
        self.files += 1
        name = request["name"]
        try:
            self._clock = _Clock(self._limits)
            self._send(frame(request))
            message = self._answer(name)
            self.spent = bool(message.get("last"))
            if "disk_full" in message:
                raise DiskFull(
                    f"no space left for temporary files at {self._scratch!r}; free some and run the same command again"
                )
            if "state" not in message:
                return read(message)
            state, reason = State(message["state"]), str(message["reason"])
        except TimeoutError as exc:
            self.spent = True
            raise FileProblem(State.TIMEOUT, f"Reading {name!r} {exc}.") from exc
        except EOFError as exc:
            self.spent = True
            raise self._post_mortem(name) from exc
        except (ValueError, KeyError, TypeError) as exc:
            self.spent = True
            reason = f"The parser of {name!r} answered nonsense."
            raise FileProblem(State.PARSER_CRASH, reason) from exc
        raise FileProblem(state, reason)

    def _send(self, message: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(message)
        except BrokenPipeError as exc:
            raise EOFError from exc

    def _answer(self, name: str) -> dict[str, Any]:
        """The first message that is neither a greeting nor a sign of progress."""
        while True:
            length = frame_length(self._receive(HEADER_BYTES, name))
            if length > self._limits.max_characters * _BYTES_PER_CHARACTER:
                raise ValueError("the answer is longer than any document")
            message: dict[str, Any] = json.loads(self._receive(length, name))
            if "process" in message:
                self._parser = int(message["process"])
            elif "goes_on" in message:
                self._clock.step(bool(message["goes_on"]))
            else:
                return message

    def _receive(self, length: int, name: str) -> bytes:
        assert self._process.stdout is not None
        stream = self._process.stdout.fileno()
        received = bytearray()
        poll = select.poll()
        poll.register(stream, select.POLLIN)
        while len(received) < length:
            ready = poll.poll(min(self._clock.left(), _SAMPLE_S) * 1000)
            self._sample(name)
            if not ready:
                continue
            block = os.read(stream, min(length - len(received), _BLOCK))
            if not block:
                raise EOFError
            received += block
        return bytes(received)

    def _sample(self, name: str) -> None:
        """Look at the parser's memory and temporary files, unless that was done a moment ago."""
        begin = time.monotonic()
        if begin < self._next_sample:
            return
        self._sample_memory()
        if self._parser and disk_use(self._scratch, self._parser) > self._limits.scratch_bytes:
            self.spent = True
            raise FileProblem(State.BOMB, self._limits.too_much_scratch(name))
        took = time.monotonic() - begin
        self._next_sample = begin + max(_SAMPLE_S, took / _SAMPLE_SHARE)

    def _sample_memory(self) -> None:
        """Note the address space that the parser has had at most; Linux tells, elsewhere it stays 0."""
        try:
            status = Path(f"/proc/{self._parser}/status").read_text(encoding="ascii")
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmPeak:"):
                self._peak = max(self._peak, int(line.split()[1]) * 1024)

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
        """End what is left of it; returns the signal that ended the parser, 0 if none did."""
        process = self._process
        if process.returncode is not None:
            return max(-process.returncode, 0)
        ended = self._ended(patience_s)
        if not ended:
            process.terminate()  # the supervisor kills all that the parser started
            if not self._ended(_DYING_S):
                process.kill()
        code = process.wait()
        return max(-code, 0) if ended else 0

    def kill(self) -> None:
        """End the parser and everything it started, and remove its folder."""
        self._reap()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


class _Clock:
    """The time that is left for one file, in all and, while its parser reports steps, for a step."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._end = time.monotonic() + limits.timeout_s
        self._step_end = math.inf

    def step(self, goes_on: bool) -> None:
        """A step begins, or the steps are over."""
        self._step_end = time.monotonic() + self._limits.stall_s if goes_on else math.inf

    def left(self) -> float:
        """Seconds; raises TimeoutError, which says in words what took too long, when none are."""
        now = time.monotonic()
        if now >= self._end:
            raise TimeoutError(f"took longer than {self._limits.timeout_s:g} seconds")
        if now >= self._step_end:
            raise TimeoutError(f"got no further for {self._limits.stall_s:g} seconds")
        return min(self._end, self._step_end) - now
