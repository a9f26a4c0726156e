"""Turns one file into a ``Parsed`` document, in this process: ``parse_file(path)``.

One table says which function reads which media type; each function's module imports its backend only when it is
called. Every failure is a ``FileProblem`` whose state says what is wrong with the file; anything else that
escapes is a bug of ours. For files one does not trust, use ``ingest.parsing.pool.ParserPool``, which does the
same in processes that can be killed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from corpus.errors import FileProblem
from corpus.records import Parsed, State
from ingest.parsing.archives import refuse_bombs
from ingest.parsing.limits import Limits
from ingest.parsing.sniff import CODE, MEDIA_TYPES, detect

__all__ = ["Limits", "parse_file", "supported_suffixes"]

Parser = Callable[[Path, str, Limits], Parsed]

_PARSERS: dict[str, str] = {
    "application/pdf": "pdf:parse_pdf",
    MEDIA_TYPES[".docx"]: "office:parse_office",
    MEDIA_TYPES[".pptx"]: "office:parse_office",
    MEDIA_TYPES[".xlsx"]: "office:parse_spreadsheet",
    MEDIA_TYPES[".xls"]: "office:parse_spreadsheet",
    MEDIA_TYPES[".odt"]: "office:parse_office",
    MEDIA_TYPES[".ods"]: "opendocument:parse_opendocument",
    MEDIA_TYPES[".odp"]: "opendocument:parse_opendocument",
    MEDIA_TYPES[".epub"]: "office:parse_office",
    MEDIA_TYPES[".rtf"]: "office:parse_office",
    "text/html": "office:parse_office",
    "text/markdown": "office:parse_office",
    "text/csv": "grids:parse_delimited",
    "text/tab-separated-values": "grids:parse_delimited",
    "text/plain": "plain:parse_text",
    CODE: "plain:parse_code",
    "message/rfc822": "mail:parse_mail",
    MEDIA_TYPES[".msg"]: "mail:parse_mail",
    "image/png": "images:parse_image",
    "image/jpeg": "images:parse_image",
    "image/tiff": "images:parse_image",
    "image/bmp": "images:parse_image",
    "image/webp": "images:parse_image",
}
_CONVERT_FIRST = {
    MEDIA_TYPES[".doc"]: "DOCX",
    MEDIA_TYPES[".ppt"]: "PPTX",
}
_ZIPPED = ("application/vnd.openxmlformats", "application/vnd.oasis", "application/epub")


def supported_suffixes() -> list[str]:
    """The file name endings that a parser is registered for, sorted."""
    return sorted(suffix for suffix, media_type in MEDIA_TYPES.items() if media_type in _PARSERS)


def parse_file(path: Path, limits: Limits | None = None, *, depth: int = 0) -> Parsed:
    """Read one file.

    Args:
        path: the file; its name's ending and its content must agree.
        limits: ceilings; of these, time and memory are only kept by ``ParserPool``.
        depth: how many containers (mails) the file was taken out of.

    Raises:
        FileProblem: the file ends in the problem's state and is not indexed.
    """
    limits = limits or Limits()
    _check_size(path, limits)
    media_type = detect(path)
    parser = _parser(path, media_type)
    if media_type.startswith(_ZIPPED):
        refuse_bombs(path, limits)
    parsed = _run(parser, path, media_type, limits, depth)
    if not parsed.text.strip():
        raise _empty(path, parsed)
    return parsed


def _check_size(path: Path, limits: Limits) -> None:
    try:
        size = path.stat().st_size
    except OSError as exc:
        reason = f"The file {path.name!r} cannot be opened: {exc.strerror}."
        raise FileProblem(State.UNREADABLE, reason) from exc
    if size > limits.max_bytes:
        reason = f"The file {path.name!r} has {size:,} bytes, more than the {limits.max_bytes:,} allowed."
        raise FileProblem(State.TOO_LARGE, reason)


def _parser(path: Path, media_type: str) -> Parser:
    if media_type in _CONVERT_FIRST:
        wanted = _CONVERT_FIRST[media_type]
        reason = f"The file {path.name!r} is in an old binary format; save it as {wanted} and add that."
        raise FileProblem(State.UNSUPPORTED_TYPE, reason)
    if media_type not in _PARSERS:
        reason = f"The file {path.name!r} is {media_type}, which no parser here reads."
        raise FileProblem(State.UNSUPPORTED_TYPE, reason)
    module, _, function = _PARSERS[media_type].partition(":")
    parser: Parser = getattr(importlib.import_module(f"ingest.parsing.{module}"), function)
    return parser


def _run(parser: Parser, path: Path, media_type: str, limits: Limits, depth: int) -> Parsed:
    return parser(path, media_type, limits)


def _empty(path: Path, parsed: Parsed) -> FileProblem:
    detail = f" ({'; '.join(parsed.missing[:3])})" if parsed.missing else ""
    return FileProblem(State.EMPTY_TEXT, f"No text was found in {path.name!r}{detail}.")
