"""Work that needs PyTorch for a moment, done in a process that ends afterwards.

PyTorch takes seconds to load and hundreds of megabytes for as long as its process lives. What Alcove needs it for
once (converting a model, measuring it) is therefore done apart: ``python -m retrieval.apart`` reads calls from
standard input, one in a line as JSON, and writes what each function returns to standard output likewise. Both ends
are of one installation; nothing else is read from the outside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from corpus import errors

__all__ = ["Apart"]

ROOT = Path(__file__).parent.parent


class Apart:
    """A process that the first call starts and that ends with the ``with`` block."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Apart:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()  # it holds nothing that is not on disk already
            self._process.communicate()
        self._said.close()

    def __call__(self, function: str, **arguments: Any) -> Any:
        """Call ``module:function`` there.

        Args:
            arguments: what JSON can hold, as is what comes back.

        Raises:
            AlcoveError: what the function raised.
            OperatorError: the process was killed, as for want of memory, or failed otherwise.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"function": function, "arguments": arguments}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._said.seek(0)
            last = (self._said.read().strip().splitlines() or [""])[-1][:160]
            raise errors.OperatorError(
                f"preparing the encoder failed with status {process.wait()} ({last}); free some memory and try again"
            )
        reply = json.loads(line)
        if "error" in reply:
            raise errors.error_class(reply["error"])(reply["message"])
        return reply["result"]

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "retrieval.apart"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
            )
        return self._process


def main() -> None:
    """Answer calls until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print is no answer
    for line in sys.stdin:
        call = json.loads(line)
        module, _, name = call["function"].partition(":")
        try:
            reply = {"result": getattr(import_module(module), name)(**call["arguments"])}
        except errors.AlcoveError as exc:
            reply = {"error": type(exc).__name__, "message": str(exc)}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
