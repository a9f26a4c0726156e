"""Turns one file into a ``Parsed`` document, in this process: ``parse_file(path)``.

One table says which function reads which media type; each function's module imports its backend
only when it is called. Every failure is a ``FileProblem`` whose state says what is wrong with the
file; anything else that escapes is a bug of ours. For files one does not trust, use
``ingest.parsing.worker.ParserPool``, which does the same in processes that can be killed.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from corpus.errors import FileProblem
from corpus.records import Element, Parsed, Span, State
from ingest.parsing.archives import OUT_OF_SPACE, refuse_bombs
from ingest.parsing.limits import Limits
from ingest.parsing.sniff import CODE, MEDIA_TYPES, detect, is_archive

__all__ = ["Limits", "is_archive", "parse_file", "supported_suffixes"]

Parser = Callable[..., Parsed]  # (path, media type, limits)

_PARSERS: dict[str, str] = {
    "application/pdf": "pdf:parse_pdf",
    MEDIA_TYPES[".docx"]: "office:parse_word",
    MEDIA_TYPES[".pptx"]: "office:parse_slides",
    MEDIA_TYPES[".xlsx"]: "office:parse_spreadsheet",
    MEDIA_TYPES[".xls"]: "office:parse_spreadsheet",
    MEDIA_TYPES[".odt"]: "converted:parse_converted",
    MEDIA_TYPES[".ods"]: "opendocument:parse_opendocument",
    MEDIA_TYPES[".odp"]: "opendocument:parse_opendocument",
    MEDIA_TYPES[".epub"]: "converted:parse_converted",
    MEDIA_TYPES[".rtf"]: "converted:parse_converted",
    "text/html": "markup:parse_html",
    "text/markdown": "markup:parse_markdown",
    "text/csv": "grids:parse_delimited",
    "text/tab-separated-values": "grids:parse_delimited",
    "text/plain": "plain:parse_text",
    CODE: "plain:parse_code",
    "message/rfc822": "mail:parse_mail",
    MEDIA_TYPES[".msg"]: "mail:parse_mail",
    "image/png": "pictures:parse_picture",
    "image/jpeg": "pictures:parse_picture",
    "image/tiff": "pictures:parse_picture",
    "image/bmp": "pictures:parse_picture",
    "image/webp": "pictures:parse_picture",
}
_CONVERT_FIRST = {
    MEDIA_TYPES[".doc"]: "DOCX",
    MEDIA_TYPES[".ppt"]: "PPTX",
}
_NESTING = ("message/rfc822", MEDIA_TYPES[".msg"])
_HERE = Path(__file__).parent
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
        OSError: there is no space for temporary files.
    """
    limits = limits or Limits()
    _check_size(path, limits)
    media_type = detect(path)
    parser = _parser(path, media_type)
    if media_type.startswith(_ZIPPED):
        refuse_bombs(path, limits)
    parsed = _within(_run(parser, path, media_type, limits, depth), limits)
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
        reason = (
            f"The file {path.name!r} is in an old binary format; save it as {wanted} and add that."
        )
        raise FileProblem(State.UNSUPPORTED_TYPE, reason)
    if media_type not in _PARSERS:
        reason = f"The file {path.name!r} is {media_type}, which no parser here reads."
        raise FileProblem(State.UNSUPPORTED_TYPE, reason)
    module, _, function = _PARSERS[media_type].partition(":")
    parser: Parser = getattr(importlib.import_module(f"ingest.parsing.{module}"), function)
    return parser


def _run(parser: Parser, path: Path, media_type: str, limits: Limits, depth: int) -> Parsed:
    options = {"depth": depth} if media_type in _NESTING else {}
    try:
        return parser(path, media_type, limits, **options)
    except FileProblem:
        raise
    except MemoryError as exc:
        reason = f"Reading {path.name!r} needs more memory than one file is allowed."
        raise FileProblem(State.OUT_OF_MEMORY, reason) from exc
    except Exception as exc:
        if _ours(exc) or (isinstance(exc, OSError) and exc.errno in OUT_OF_SPACE):
            raise
        reason = (
            f"The content of {path.name!r} is damaged ({type(exc).__name__}); get a fresh copy."
        )
        raise FileProblem(State.CORRUPT, reason) from exc


def _within(parsed: Parsed, limits: Limits) -> Parsed:
    """``parsed`` without what stands after the last character allowed, which is missing."""
    end = limits.max_characters
    if len(parsed.text) <= end:
        return parsed
    kept = tuple(_up_to(end, element) for element in parsed.elements if element.span.start < end)
    pages = (
        replace(page, span=Span(min(page.span.start, end), min(page.span.end, end)))
        for page in parsed.pages
    )
    rest = f"everything after character {end:,} of {len(parsed.text):,}: over the limit"
    return replace(
        parsed,
        text=parsed.text[:end],
        elements=kept,
        pages=tuple(pages),
        missing=(*parsed.missing, rest),
    )


def _up_to(end: int, element: Element) -> Element:
    if element.span.end <= end:
        return element
    start = element.span.start
    return replace(element, text=element.text[: end - start], span=Span(start, end), html=None)


def _ours(exc: Exception) -> bool:
    """Whether ``exc`` arose in our own code: that is a bug of ours, not a damaged file."""
    *_, (frame, _) = traceback.walk_tb(exc.__traceback__)
    return Path(frame.f_code.co_filename).is_relative_to(_HERE)


def _empty(path: Path, parsed: Parsed) -> FileProblem:
    detail = f" ({'; '.join(parsed.missing[:3])})" if parsed.missing else ""
    return FileProblem(State.EMPTY_TEXT, f"No text was found in {path.name!r}{detail}.")
