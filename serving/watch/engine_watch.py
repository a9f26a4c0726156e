"""Supervises one engine: starts it, asks it for a token, sheds load and ends it as memory runs out.

    start ──► starting ──► ready ◄──► shedding     (memory below the first line, above it again)
                 ▲            │            │
                 │            ▼            ▼
              waiting ◄── ended, silent, or memory below the second line

Memory is looked at ten times a second, since unified memory can be gone within seconds; where it falls fast the
second line is met ahead of time. An engine that is ended takes everything that it started with it
(``corpus.processes.tended``), also when this process is killed. Starts are further and further apart;
``give_up`` of them in a row without a token end the watchdog. Knows nothing of plans.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from corpus.errors import OperatorError
from corpus.processes.tended import tended
from serving.available import available
from serving.watch.probe import counted_tokens, one_token
from serving.watch.state import EngineState, write_state

__all__ = ["Limits", "Watchdog", "Watched"]

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Watched:
    """The engine: ``command`` with ``environment`` on top of this process's, answering at ``url`` as ``model``."""

    engine: str
    command: Sequence[str]
    url: str
    model: str
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    api_key: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """When something is done.

    Args:
        shed: bytes left below which new work is refused; it is taken again above a quarter more.
        stop: bytes left below which the engine is ended.
        needed: bytes that must be left before it is started.
        ahead_s: seconds ahead that a fall of memory is followed.
        look_s: between two looks at memory.
        probe_s: between two tokens asked for; ``token_s``: what one may take.
        misses: tokens in a row that do not come, of an engine that makes none for others either, until it is ended.
        ready_s: what loading may take.
        backoff_s: before the second start in a row; each further one doubles it, up to ``longest_backoff_s``.
        give_up: starts in a row without a token.
    """

    shed: int = 6 * GIB
    stop: int = 3 * GIB
    needed: int = 0
    ahead_s: float = 1.0
    look_s: float = 0.1
    probe_s: float = 3.0
    token_s: float = 4.0
    misses: int = 2
    ready_s: float = 1800.0
    backoff_s: float = 2.0
    longest_backoff_s: float = 60.0
    give_up: int = 5


class Watchdog:
    """Watches over ``watched``; ``run`` does it in this thread.

    Args:
        home: where its state is written.
        log: the file that takes what the engine prints; made anew.
        left: gives the bytes of memory that are left.
        tell: is told every change, in a sentence.
    """

    def __init__(
        self,
        watched: Watched,
        limits: Limits,
        home: Path,
        log: Path,
        left: Callable[[], int] = available,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._watched, self._limits, self._home, self._log = watched, limits, home, log
        self._left, self._tell = left, tell
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._state = EngineState(watched.engine, watched.model, watched.url, "waiting")
        self._seen: tuple[float, int] | None = None
        self._written = 0.0

    def stop(self) -> None:
        """End the engine, and ``run`` with it; from any thread or a signal."""
        self._stopping.set()

    def run(self) -> None:
        """Keep the engine running until ``stop``.

        Raises:
            OperatorError: it cannot be started, or never made a token in ``give_up`` starts.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_bytes(b"")
        failed = 0
        try:
            while not self._stopping.is_set():
                self._await_memory()
                worked, reason = self._one_life()
                if self._stopping.is_set():
                    break
                failed = 0 if worked else failed + 1
                if failed >= self._limits.give_up:
                    raise OperatorError(
                        f"{self._watched.engine!r} was started {failed} times and made no token"
                        f" ({reason}); its output is in {str(self._log)!r}"
                    )
                self._pause(reason, failed)
        finally:
            self._say("stopped", self._state.reason)

    # One start of the engine

    def _one_life(self) -> tuple[bool, str]:
        """From a start to its end: whether it made a token, and why it ended."""
        self._start()
        worked = False
        prober = _Prober(self._watched, self._limits)
        began = time.monotonic()
        try:
            while not self._stopping.is_set():
                reason = self._trouble(prober, began, worked)
                if reason:
                    return worked, reason
                if prober.answered and not worked:
                    worked = True
                    self._say("ready", "")
                self._stopping.wait(self._limits.look_s)
            return worked, "it was asked to stop"
        finally:
            prober.close()
            self._end()

    def _trouble(self, prober: _Prober, began: float, worked: bool) -> str:
        """Why the engine must end now, or has ended; empty while it may go on."""
        process = self._process
        if process is None or process.poll() is not None:
            status = process.returncode if process else "?"
            return f"it ended by itself with status {status}"
        left = self._left()
        if self._foreseen(left) < self._limits.stop:
            return f"only {left / GIB:.1f} GiB of memory were left, so it was ended"
        self._shed(left, worked)
        if worked and prober.missed >= self._limits.misses:
            return prober.reason
        if not worked and time.monotonic() - began > self._limits.ready_s:
            return f"it made no token within {self._limits.ready_s:.0f} seconds"
        return ""

    def _shed(self, left: int, worked: bool) -> None:
        """Refuse new work, or take it again, by what is left."""
        limits = self._limits
        if left < limits.shed and self._state.state != "shedding":
            self._say(
                "shedding",
                f"only {left / GIB:.1f} GiB of memory are left; ask again when other programs have"
                " given some back",
            )
        elif self._state.state == "shedding" and left >= limits.shed * 1.25:
            self._say("ready" if worked else "starting", "")
        else:
            self._say(self._state.state, self._state.reason)

    def _foreseen(self, left: int) -> float:
        """What will be left ``ahead_s`` from now if memory goes on falling as it did since the last look."""
        now, before = time.monotonic(), self._seen
        self._seen = (now, left)
        if before is None or now <= before[0] or left >= before[1]:
            return left
        fall = (before[1] - left) / (now - before[0])
        near = left < 2 * self._limits.shed  # while a model is loaded memory falls fast, and may
        return left - fall * self._limits.ahead_s if near else left

    def _start(self) -> None:
        watched = self._watched
        self._say("starting", "")
        with self._log.open("ab") as out:
            try:
                self._process = subprocess.Popen(
                    tended(list(watched.command), niceness=0),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env={**os.environ, **watched.environment},
                    cwd=watched.folder,
                    start_new_session=True,  # Ctrl-C is for the watchdog, which then ends it
                )
            except OSError as exc:
                raise OperatorError(
                    f"{watched.engine!r} cannot be started ({exc.strerror}); is it installed?"
                ) from exc

    def _end(self) -> None:
        """End the engine with everything that it started, and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        process.wait()
        self._seen = None

    # Between two starts

    def _await_memory(self) -> None:
        """Wait until as much is left as the engine needs."""
        while (left := self._left()) < self._limits.needed and not self._stopping.is_set():
            self._say(
                "waiting",
                f"it needs {self._limits.needed / GIB:.1f} GiB and {left / GIB:.1f} are left",
            )
            self._stopping.wait(1.0)

    def _pause(self, reason: str, failed: int) -> None:
        limits = self._limits
        pause = min(limits.backoff_s * 2 ** max(failed - 1, 0), limits.longest_backoff_s)
        self._state = replace(self._state, restarts=self._state.restarts + 1)
        end = time.monotonic() + pause
        while (rest := end - time.monotonic()) > 0 and not self._stopping.is_set():
            self._say("waiting", reason)
            self._stopping.wait(min(rest, 1.0))

    def _say(self, state: str, reason: str) -> None:
        """Write the state when it changed, and every second that it is still so."""
        changed = (state, reason) != (self._state.state, self._state.reason)
        now = time.monotonic()
        if not changed and now - self._written < 1.0:
            return
        self._state = replace(
            self._state, state=state, reason=reason, pid=os.getpid(), available=self._left()
        )
        write_state(self._home, self._state)
        self._written = now
        if changed:
            self._tell(f"{self._watched.engine}: {state}" + (f": {reason}" if reason else ""))


class _Prober:
    """Asks for a token again and again, in a thread of its own: memory is not waited for."""

    def __init__(self, watched: Watched, limits: Limits) -> None:
        self.answered = False
        self.missed = 0
        self.reason = ""
        self._watched, self._limits = watched, limits
        self._counted: float | None = None
        self._closed = threading.Event()
        threading.Thread(target=self._ask, name="engine-prober", daemon=True).start()

    def close(self) -> None:
        """Ask no more."""
        self._closed.set()

    def _ask(self) -> None:
        watched, limits = self._watched, self._limits
        while not self._closed.is_set():
            reason = one_token(watched.url, watched.model, limits.token_s, watched.api_key)
            if not reason:
                self.answered, self.missed = True, 0
            elif not self._busy():
                self.reason, self.missed = reason, self.missed + 1
            settled = self.answered and not self.missed
            self._closed.wait(limits.probe_s if settled else min(limits.probe_s, 1.0))

    def _busy(self) -> bool:
        """Whether it has made tokens for others since this was last asked."""
        if not self.answered:
            return False
        before, self._counted = self._counted, counted_tokens(self._watched.url, 1.0)
        return self._counted is not None and (before is None or self._counted > before)
