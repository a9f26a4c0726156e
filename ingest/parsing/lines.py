"""Words on a page, the lines they form, and how lines are read: the vocabulary of ``layout``.

Boxes are in points from the page's top left corner. Knows nothing of columns or of where the words came from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

__all__ = ["RTL", "Block", "Piece", "Row", "block_of", "continued", "flow", "line_text", "rows_of"]

_BULLET = re.compile(r"^(?:[•●▪■◦‣∙·*–—-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)])$")
RTL = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LETTER = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading candidate, list item, listing or table; ``rows`` holds the cells of a
    table.
    """

    kind: str  # "text", "list", "code" or "table"
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    lines: int = 1
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Words on one line; the box is in points from the page's top left corner, ``size`` the font's,
    in points.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    mono: bool = False
    block: Block | None = None  # a table that is already read and only needs its place

    @property
    def height(self) -> float:
        return self.y1 - self.y0


Row = list[Piece]


def rows_of(pieces: Sequence[Piece]) -> list[Row]:
    """Pieces that stand beside each other, top row first, each row from left to right."""
    rows: list[Row] = []
    for piece in sorted(pieces, key=lambda p: (p.y0 + p.y1, p.x0)):
        if rows and _beside(rows[-1], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [_with_bullets(sorted(row, key=lambda p: p.x0)) for row in rows]


def _beside(row: Row, piece: Piece) -> bool:
    first = row[0]
    shared = min(first.y1, piece.y1) - max(first.y0, piece.y0)
    return shared > 0.5 * min(first.height, piece.height)


def _with_bullets(row: Row) -> Row:
    """Join each bullet or item number with the piece it stands in front of."""
    joined: Row = []
    for piece in row:
        last = joined[-1] if joined else None
        if last and _BULLET.match(last.text) and piece.x0 - last.x1 < 4 * piece.size:
            joined[-1] = _join(last, piece)
        else:
            joined.append(piece)
    return joined


def _join(left: Piece, right: Piece) -> Piece:
    return replace(
        right,
        text=f"{left.text} {right.text}",
        x0=min(left.x0, right.x0),
        y0=min(left.y0, right.y0),
        x1=max(left.x1, right.x1),
        y1=max(left.y1, right.y1),
    )


def flow(pieces: Sequence[Piece]) -> str:
    """The text of ``pieces``, line after line, on one line."""
    text = ""
    for row in rows_of(pieces):
        text = continued(text, line_text(row))
    return text


def line_text(row: Row) -> str:
    """The text of one line, from the side that its script begins on."""
    letters = "".join(piece.text for piece in row)
    right_to_left = len(RTL.findall(letters)) * 2 > len(_LETTER.findall(letters))
    ordered = reversed(row) if right_to_left else row
    return " ".join(piece.text for piece in ordered)


def continued(text: str, line: str) -> str:
    """``line`` set after ``text`` as a reader would: a word hyphenated at the line's end becomes
    whole again.
    """
    if not text:
        return line
    if (
        len(text) > 1
        and text[-1] in "-\u2010\u00ad\x02"
        and text[-2].isalpha()
        and line[:1].islower()
    ):
        return text[:-1] + line
    if text[-1] == "\x02":  # a line-end hyphen that belongs to the word
        return text[:-1] + "-" + line
    return f"{text} {line}"


def block_of(
    kind: str,
    text: str,
    pieces: list[Piece],
    lines: int,
    rows: tuple[tuple[str, ...], ...] = (),
) -> Block:
    """A block of ``kind`` around ``pieces``, which stand on ``lines`` lines."""
    return Block(
        kind=kind,
        text=text.replace("\x02", "-"),
        x0=min(p.x0 for p in pieces),
        y0=min(p.y0 for p in pieces),
        x1=max(p.x1 for p in pieces),
        y1=max(p.y1 for p in pieces),
        size=median(p.size for p in pieces),
        bold=all(p.bold for p in pieces),
        lines=lines,
        rows=rows,
    )
