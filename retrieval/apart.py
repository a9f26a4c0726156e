"""Work that needs PyTorch for a moment, done in a process that ends afterwards.

PyTorch takes seconds to load and hundreds of megabytes for as long as its process lives. What Alcove needs it for
once (converting a model, measuring it) is therefore done apart: ``python -m retrieval.apart MODULE:FUNCTION`` reads
the arguments as JSON from standard input and writes what the function returns as JSON to standard output. Both ends
are of one installation; nothing else is read from the outside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from corpus import errors

__all__ = ["call_apart"]

ROOT = Path(__file__).parent.parent


def call_apart(function: str, **arguments: Any) -> Any:
    """Call ``module:function`` in a process of its own.

    Args:
        arguments: what JSON can hold, as is what comes back.

    Raises:
        AlcoveError: what the function raised.
        OperatorError: the process was killed, as for want of memory, or failed otherwise.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    run = subprocess.run(
        [sys.executable, "-m", "retrieval.apart", function],
        input=json.dumps(arguments).encode(),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        check=False,
    )
    if run.returncode != 0:
        last = (run.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        raise errors.OperatorError(
            f"preparing the encoder failed with status {run.returncode} ({last[:160]}); free some memory and try again"
        )
    reply = json.loads(run.stdout)
    if "error" in reply:
        raise getattr(errors, reply["error"])(reply["message"])
    return reply["result"]


def main() -> None:
    """Answer one call."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print is no answer
    module, _, name = sys.argv[1].partition(":")
    function = getattr(import_module(module), name)
    try:
        reply = {"result": function(**json.load(sys.stdin))}
    except errors.AlcoveError as exc:
        reply = {"error": type(exc).__name__, "message": str(exc)}
    with answer:
        json.dump(reply, answer)


if __name__ == "__main__":
    main()
