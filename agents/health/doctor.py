"""What the doctor found lately, for whoever asks the running service: asking never waits for a check.

The lasting checks are made in the background by a process of their own (``python -m agents.health``), which gives way
to others and does not outlive this one (``corpus.processes.tended``). What it found is kept, and shown while a newer
look is under way. Knows nothing of HTTP.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.health.checks import Finding
from agents.job_settings import job_settings
from agents.settings import Settings
from corpus.processes.tended import tended

__all__ = ["PROGRAM", "Diagnosis", "Doctor"]

_LOG = logging.getLogger(__name__)
PROGRAM = (sys.executable, "-P", "-m", "agents.health")
_KEEP_S = 3600.0  # every stored byte is read for it
_PATIENCE_S = 1800.0  # after which a look is given up
_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings of the last look; of the first one, as far as it is.

    ``checked`` is when it ended (ISO 8601; ``None``: it has not yet), ``looking`` whether one is under way.
    """

    findings: tuple[Finding, ...]
    checked: str | None
    looking: bool


class Doctor:
    """Looks at one home, at most one look at a time. Safe to use from several threads.

    Args:
        settings: what is looked at.
        program: the process that looks.
        keep_s: after how long (seconds) whoever asks has a newer look begun.
        patience_s: how long one may take.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        settings: Settings,
        program: Sequence[str] = PROGRAM,
        keep_s: float = _KEEP_S,
        patience_s: float = _PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        told = {k: v for k, v in job_settings(settings).items() if k in Settings.model_fields}
        self._told = json.dumps(told) + "\n"
        self._program, self._keep_s, self._patience_s = tuple(program), keep_s, patience_s
        self._clock = clock
        self._lock = threading.Lock()
        self._found: tuple[Finding, ...] = ()
        self._checked: str | None = None
        self._ended = 0.0
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[str] | None = None
        self._closing = False

    def diagnosis(self) -> Diagnosis:
        """What was found last; a newer look begins if that is old, or if there is none."""
        with self._lock:
            if self._checked is None or self._clock() - self._ended > self._keep_s:
                self._begin()
            return Diagnosis(self._found, self._checked, self._thread is not None)

    def look(self) -> None:
        """Begin to look anew, unless that is being done."""
        with self._lock:
            self._begin()

    def close(self) -> None:
        """End the look that is under way."""
        with self._lock:
            self._closing = True
            thread = self._thread
            self._stop()
        if thread is not None:
            thread.join(_STOP_S)

    def _begin(self) -> None:
        """The caller holds the lock."""
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._work, name="doctor", daemon=True)
            self._thread.start()

    def _stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def _work(self) -> None:
        found: list[Finding] = []
        trouble = ""
        try:
            trouble = self._examine(found)
        except (OSError, ValueError, TypeError) as exc:  # no process, or not our lines
            trouble = str(exc)
        if trouble and not self._closing:
            _LOG.error("the doctor could not look at everything: %s", trouble)
            words = f"not everything could be looked at ({trouble})"
            found.append(Finding("doctor", words, "run `alcove doctor`", "advice"))
        with self._lock:
            if not self._closing:
                self._found = tuple(found)
                self._checked = datetime.now(UTC).isoformat(timespec="seconds")
                self._ended = self._clock()
            self._thread = None

    def _examine(self, found: list[Finding]) -> str:
        """Add to ``found`` what the process finds; why it did not get to its end, or nothing."""
        with subprocess.Popen(
            tended(self._program),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the service, which then stops this
        ) as process:
            with self._lock:
                self._process = process
                if self._closing:
                    self._stop()
            limit = threading.Timer(self._patience_s, process.terminate)
            limit.start()
            try:
                self._read(process, found)
            except BaseException:
                process.terminate()  # it would wait for whoever reads its lines
                raise
            finally:
                limit.cancel()
        return "" if process.returncode == 0 else f"its process ended with {process.returncode}"

    def _read(self, process: subprocess.Popen[str], found: list[Finding]) -> None:
        if process.stdin is None or process.stdout is None:
            raise OSError("the process has no pipes")
        process.stdin.write(self._told)
        process.stdin.close()
        for line in process.stdout:
            found.append(Finding(**json.loads(line)))
            if self._checked is None:  # there is nothing older to show meanwhile
                self._found = tuple(found)
