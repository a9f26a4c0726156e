"""The parser process: reads requests from its standard input, answers on its standard output, and
trusts no file.

Forked by ``ingest.parsing.supervisor``, one at a time per slot. Before the first file it puts
limits on itself (address space, processor time, size of written files, no core dumps), hands its
standard streams to nobody, and refuses every network connection made from Python. It says which
process it is, then, for every request, that it gets on, as far as the parser reports it, and at
last the answer. A file whose parser left processes behind is the last one of this process.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import resource
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from corpus.errors import FileProblem
from corpus.processes.kernel import adopt_orphans
from corpus.records import UPLOAD, Parsed, State
from ingest.parsing import parse_file
from ingest.parsing.limits import Limits
from ingest.parsing.progress import report_to
from ingest.parsing.unpacking import unpack
from ingest.parsing.wire import (
    HEADER_BYTES,
    frame,
    frame_length,
    members_to_json,
    parsed_to_json,
)

__all__ = ["serve"]

_DESCRIPTORS = 256
_MAX_STEM_BYTES = 200
_MAX_SUFFIX = 16

Parser = Callable[[Path, Limits], Parsed]


def serve(orders: dict[str, Any]) -> None:
    """Serve requests until the parent closes the pipe.

    Args:
        orders: ``limits`` (the fields of ``Limits``), ``scratch`` (a folder for temporary files),
            and perhaps ``parser`` (``module:function`` in place of ``parse_file``).
    """
    limits = Limits(**orders["limits"])
    parse = _parser(orders["parser"]) if orders.get("parser") else parse_file
    scratch = tempfile.tempdir = orders["scratch"]
    requests, answers = _private_streams()
    adopt_orphans()
    _limit_resources(limits)
    sys.addaudithook(_refuse_connections)
    sys.modules["torch"] = None  # type: ignore[assignment]  # spaCy would load it, at 200 MB, for nothing
    me = os.getpid()
    _say(answers, {"process": me})
    report_to(lambda goes_on: _say(answers, {"goes_on": goes_on}))
    while request := _next_request(requests):
        _limit_processor_time(limits)
        answer = _answer(request, parse, limits)
        if os.getpid() != me:
            os._exit(0)  # the parser forked, and this is the copy
        _empty(Path(scratch))
        strays = _has_children()
        _say(answers, {**answer, "last": strays})
        if strays:
            return


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


def _say(answers: BinaryIO, message: dict[str, Any]) -> None:
    answers.write(frame(message))
    answers.flush()


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


def _next_request(requests: BinaryIO) -> dict[str, str] | None:
    header = requests.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    message: dict[str, str] = json.loads(requests.read(frame_length(header)))
    return message


def _answer(request: dict[str, str], parse: Parser, limits: Limits) -> dict[str, Any]:
    name = request["name"].removeprefix(UPLOAD)
    try:
        path = _named(Path(request["path"]), name)
        if "folder" in request:
            return {"members": members_to_json(unpack(path, Path(request["folder"]), limits))}
        return {"parsed": parsed_to_json(parse(path, limits))}
    except FileProblem as problem:
        return {"state": problem.state, "reason": problem.reason}
    except MemoryError:
        reason = f"Reading {name!r} needs more memory than one file is allowed."
        return {"state": State.OUT_OF_MEMORY, "reason": reason}
    except Exception as exc:
        return _out_of_space(exc, name, limits) or _bug(exc, name)


def _out_of_space(exc: Exception, name: str, limits: Limits) -> dict[str, Any] | None:
    if not isinstance(exc, OSError):
        return None
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return {"disk_full": True}
    if exc.errno == errno.EFBIG:
        return {"state": State.BOMB, "reason": limits.too_much_scratch(name)}
    return None


def _bug(exc: Exception, name: str) -> dict[str, Any]:
    where = traceback.extract_tb(exc.__traceback__)[-1]
    place = f"{Path(where.filename).name}:{where.lineno}"
    reason = f"Reading {name!r} met a bug ({type(exc).__name__} at {place}); please report it."
    return {"state": State.INTERNAL_ERROR, "reason": reason}


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


def _has_children() -> bool:
    """Whether a process that the last parser started is still there; ended ones are reaped."""
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if not ended:
            return True


def _empty(scratch: Path) -> None:
    """Remove whatever the last file left in this process's own temporary folder."""
    for entry in scratch.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
