"""Reads plain text and source code.

Text is decoded as UTF-8 (or UTF-16 with a byte-order mark), else by ``charset_normalizer``, else as
Windows-1252, which never fails. Paragraphs are what blank lines part; source code is cut before
top-level definitions, so that a chunk can hold a whole function.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder, clean
from ingest.parsing.limits import Limits

__all__ = ["decode", "parse_code", "parse_text", "read_bytes", "read_text"]

_PARAGRAPHS = re.compile(r"\n\s*\n")
_BULLET = re.compile(r"^\s*(?:[-*•‣◦·]|\d{1,3}[.)])\s+\S")
_MAX_GUESS = 65_536
_MAX_BYTES_PER_CHARACTER = 4  # in UTF-8
# The start of something at the left margin that a reader would call one thing.
_DEFINITION = re.compile(
    r"^(?:@\w|(?:export |pub |public |private |protected |static |async |abstract |default )*"
    r"(?:def|class|func|fn|function|struct|enum|trait|impl|interface|type|module|namespace|service)\b|"
    r"\[[\w.\"-]+\]|CREATE\b|create\b|\w[\w -]*\(\) *\{)",
    re.MULTILINE,
)


def decode(data: bytes) -> str:
    """``data`` as text, whatever its encoding; never fails."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(data[:_MAX_GUESS]).best()
        return data.decode(best.encoding if best else "cp1252", "replace")


def read_bytes(path: Path, limits: Limits, missing: list[str]) -> bytes:
    """The bytes of the text file at ``path``, as far as they can hold the characters allowed.

    Args:
        missing: gets a line when the file is longer.
    """
    most = limits.max_characters * _MAX_BYTES_PER_CHARACTER
    with path.open("rb") as file:
        data = file.read(most)
        if file.read(1):
            missing.append(
                f"everything after the first {most:,} bytes: over the limit of characters"
            )
    return data


def read_text(path: Path, limits: Limits, missing: list[str]) -> str:
    """The text of the file at ``path``, decoded; arguments as for ``read_bytes``."""
    return decode(read_bytes(path, limits, missing))


def parse_text(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Paragraphs and lists of a plain text file."""
    builder = TextBuilder()
    add_paragraphs(builder, read_text(path, limits, builder.missing))
    return builder.build(media_type)


def add_paragraphs(builder: TextBuilder, text: str) -> None:
    """Add what blank lines part to ``builder``, as text or, if every line has a bullet, as list
    items.
    """
    for block in _PARAGRAPHS.split(clean(text)):
        lines = [line for line in block.split("\n") if line.strip()]
        if len(lines) > 1 and all(_BULLET.match(line) for line in lines):
            for line in lines:
                builder.add(ElementKind.LIST, line)
        else:
            builder.add(ElementKind.TEXT, block)


def parse_code(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Source code, one element per top-level definition (or per run of lines before the first)."""
    builder = TextBuilder()
    text = clean(read_text(path, limits, builder.missing))
    starts = [match.start() for match in _DEFINITION.finditer(text)]
    cuts = [0, *(_with_leading_comments(text, start) for start in starts), len(text)]
    for start, end in pairwise(cuts):
        if start < end:
            builder.add(ElementKind.CODE, text[start:end].strip("\n"))
    return builder.build(media_type, title=path.name)


def _with_leading_comments(text: str, start: int) -> int:
    """Move ``start`` up over the comment and decorator lines that belong to the definition there."""
    while start > 0:
        line_start = text.rfind("\n", 0, start - 1) + 1
        if not re.match(r"(#|//|/\*|\*| \*|--|@)", text[line_start:start]):
            break
        start = line_start
    return start
