"""The parser process: reads requests from its standard input, answers on its standard output, and
trusts no file.

Started by ``ingest.parsing.worker``, one at a time per slot: ``python -m ingest.parsing.child
LIMITS-AS-JSON``. Before the first file it puts limits on itself (address space, processor time,
size of written files, no core dumps), hands its standard streams to nobody, refuses every network
connection made from Python, and watches for its parent's death.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from corpus.errors import FileProblem
from corpus.records import Parsed, State
from ingest.parsing import parse_file
from ingest.parsing.limits import Limits
from ingest.parsing.unpacking import unpack
from ingest.parsing.wire import (
    HEADER_BYTES,
    frame,
    frame_length,
    members_to_json,
    parsed_to_json,
)

__all__ = ["main"]

_PARENT_CHECK_S = 1.0
_DESCRIPTORS = 256
_MAX_STEM_BYTES = 200
_MAX_SUFFIX = 16

Parser = Callable[[Path, Limits], Parsed]


def main() -> None:
    """Serve requests until the parent closes the pipe."""
    limits = Limits(**json.loads(sys.argv[1]))
    parse = _parser(sys.argv[2]) if len(sys.argv) > 2 else parse_file
    requests, answers = _private_streams()
    threading.Thread(target=_die_with_parent, args=(os.getppid(),), daemon=True).start()
    _limit_resources(limits)
    sys.addaudithook(_refuse_connections)
    sys.modules["torch"] = None  # type: ignore[assignment]  # spaCy would load it, at 200 MB, for nothing
    while request := _next_request(requests):
        _limit_processor_time(limits)
        answers.write(_answer(request, parse, limits))
        answers.flush()
        _empty_scratch()
    _remove_scratch()


def _parser(name: str) -> Parser:
    """The function ``module:function``; tests put their own misbehaving one here."""
    module, _, function = name.partition(":")
    parser: Parser = getattr(importlib.import_module(module), function)
    return parser


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the parent, out of reach of anything that prints; the standard streams lead
    nowhere.
    """
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return requests, answers


def _limit_resources(limits: Limits) -> None:
    for what, ceiling in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.scratch_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
    ):
        _, hard = resource.getrlimit(what)
        allowed = ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard)
        resource.setrlimit(what, (allowed, allowed))


def _limit_processor_time(limits: Limits) -> None:
    """Allow ``limits.cpu_s`` more seconds than were used so far; the kernel ends the process after
    them.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + limits.cpu_s + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def _refuse_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise PermissionError("A parser may not use the network.")


def _die_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    _remove_scratch()
    os.killpg(0, signal.SIGKILL)


def _next_request(requests: BinaryIO) -> dict[str, str] | None:
    header = requests.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    message: dict[str, str] = json.loads(requests.read(frame_length(header)))
    return message


def _answer(request: dict[str, str], parse: Parser, limits: Limits) -> bytes:
    name = request["name"]
    try:
        path = _named(Path(request["path"]), name)
        if "folder" in request:
            members = unpack(path, Path(request["folder"]), limits)
            return frame({"members": members_to_json(members)})
        return frame({"parsed": parsed_to_json(parse(path, limits))})
    except FileProblem as problem:
        return frame({"state": problem.state, "reason": problem.reason})
    except MemoryError:
        reason = f"Reading {name!r} needs more memory than one file is allowed."
        return frame({"state": State.OUT_OF_MEMORY, "reason": reason})
    except Exception as exc:
        where = traceback.extract_tb(exc.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        reason = f"Reading {name!r} met a bug ({type(exc).__name__} at {place}); please report it."
        return frame({"state": State.INTERNAL_ERROR, "reason": reason})


def _named(path: Path, name: str) -> Path:
    """``path`` itself, or a link to it in the scratch folder that is called ``name``: parsers go by
    the ending, and reasons name the file.
    """
    if path.name == name:
        return path
    pure = PurePosixPath(name.replace("\0", ""))
    suffix = pure.suffix[:_MAX_SUFFIX]
    stem = os.fsencode(pure.name.removesuffix(pure.suffix))[:_MAX_STEM_BYTES]
    link = Path(tempfile.mkdtemp(prefix="named-")) / (
        (stem.decode("utf-8", "ignore").strip(".") or "file") + suffix
    )
    link.symlink_to(path)
    return link


def _remove_scratch() -> None:
    """Remove this process's temporary folder: the parent that made it is gone, or about to do so."""
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)


def _empty_scratch() -> None:
    """Remove whatever the last file left in this process's own temporary folder."""
    for entry in Path(tempfile.gettempdir()).iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
