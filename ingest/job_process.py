"""The process that does jobs for the service: ``python -m ingest``, spoken to in JSON lines.

Started when it is needed, and started anew when it was killed. One thread asks it; any thread may kill it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from corpus.errors import OperatorError

__all__ = ["JobProcess"]


class JobProcess:
    """One process, kept between requests.

    Args:
        settings: what it is told first: the JSON of the corpus, ingest and embedding settings.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    def exchange(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Send one request and yield what comes back, until the process says no more.

        Raises:
            OSError: it could not be started.
        """
        process = self._ready()
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise OperatorError("the ingestion process has no pipes")
        try:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
        except BrokenPipeError:
            return
        for line in stdout:
            yield json.loads(line)

    def kill(self) -> None:
        """End it at once, which the commit is built to survive."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait(timeout=10)

    def close(self) -> None:
        """End it and close its pipes; only the thread that asks it does this."""
        if self._process is not None:
            self.kill()
            with suppress(BrokenPipeError):
                self._process.__exit__(None, None, None)
            self._process = None

    def _ready(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ingest"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(self._settings) + "\n")
        return self._process
