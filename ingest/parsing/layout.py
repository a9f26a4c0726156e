"""Puts the pieces of a page in reading order and groups them into paragraphs, headings, lists, code and tables.

A piece is a run of words on one line with a box. Rows of pieces that share vertical gutters form either columns
of prose, each read to its end before the next, or a table, read row by row; which of the two is told from how
full the lines are. Works the same for a PDF's text layer and for recognised text; knows nothing of either.

The cut at gutters follows the recursive X-Y cut (Nagy and Seth, ICPR 1984), on rows instead of pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median

__all__ = ["Block", "Piece", "arrange", "gutters_of", "table_of"]

Gap = tuple[float, float]

_BULLET = re.compile(r"^(?:[•●▪■◦‣∙·*–—-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)])$")
_LIST_ITEM = re.compile(r"^(?:[•●▪■◦‣∙]\s*|[*–-]\s+|\(?(?:\d{1,3}|[a-z])[.)]\s+)\S")
_SENTENCE_END = (".", "!", "?", ":", ";", "。", "！", "？", "؟")
_RTL = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LETTER = re.compile(r"\w")
_MIN_GUTTER_EM = 0.7
_PROSE_CHARACTERS = 18  # a column of prose has longer lines than this, on average
_PROSE_FILL = 0.62  # … and they fill this much of the column's width
_LOOSE_CHARACTERS = 12  # as _PROSE_CHARACTERS, where the lines of the columns do not stand level
_MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading candidate, list item, listing or table; ``rows`` holds the cells of a table."""

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
    """Words on one line; the box is in points from the page's top left corner, ``size`` the font's, in points."""

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


def arrange(pieces: Iterable[Piece]) -> list[Block]:
    """The blocks that ``pieces`` form, in reading order."""
    return _arrange([piece for piece in pieces if piece.text.strip()], 0)


def gutters_of(pieces: Sequence[Piece]) -> list[Gap]:
    """The vertical gutters that all of ``pieces`` leave free, as (left, right) pairs."""
    rows = _rows(pieces)
    free = _free(rows[0])
    for row in rows[1:]:
        free = _intersect(free, _free(row))
    return _inner(rows, free)


def table_of(cells: Sequence[Sequence[Sequence[Piece]]]) -> list[Piece]:
    """Pieces that stand for a table, one per row, given the pieces in each cell of each row.

    They take the table's place among the lines of text, also of a column beside it.
    """
    inside = [[piece for cell in row for piece in cell] for row in cells]
    kept = [(row, pieces) for row, pieces in zip(cells, inside, strict=True) if pieces]
    rows = tuple(tuple(_flow(cell) for cell in row) for row, _ in kept)
    block = _table_block(rows, [piece for _, pieces in kept for piece in pieces])
    return [
        Piece(
            text=" ".join(row),
            x0=block.x0,
            y0=min(piece.y0 for piece in pieces),
            x1=block.x1,
            y1=max(piece.y1 for piece in pieces),
            size=block.size,
            block=block,
        )
        for row, (_, pieces) in zip(rows, kept, strict=True)
    ]


def _table_block(rows: tuple[tuple[str, ...], ...], pieces: list[Piece]) -> Block:
    text = "\n".join(" | ".join(row).rstrip(" |") for row in rows)
    return _block("table", text, pieces, len(rows), rows)


def _arrange(pieces: Sequence[Piece], depth: int) -> list[Block]:
    blocks: list[Block] = []
    loose: list[Row] = []
    for rows, gutters in _runs(_rows(pieces)):
        columns = _columns(rows, gutters)
        if gutters and depth < _MAX_DEPTH and _is_prose(rows, columns):
            blocks += _paragraphs(loose)
            loose = []
            for column in columns:
                blocks += _arrange(column, depth + 1)
        elif gutters and sum(len(row) > 1 for row in rows) > 1:
            blocks += [*_paragraphs(loose), _table(rows, gutters)]
            loose = []
        else:
            loose += rows
    return blocks + _paragraphs(loose)


def _rows(pieces: Sequence[Piece]) -> list[Row]:
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


def _runs(rows: list[Row]) -> list[tuple[list[Row], list[Gap]]]:
    """Neighbouring rows with the gutters that all of them leave free; rows on their own have none."""
    runs: list[tuple[list[Row], list[Gap]]] = []
    current: list[Row] = []
    free: list[Gap] = []
    for row in rows:
        narrowed = _intersect(free, _free(row)) if current else _free(row)
        if current and not _worth_joining(current, free, row, narrowed):
            runs.append((current, _inner(current, free)))
            current, narrowed = [], _free(row)
        current, free = [*current, row], narrowed
    if current:
        runs.append((current, _inner(current, free)))
    return runs


def _worth_joining(rows: list[Row], free: list[Gap], row: Row, narrowed: list[Gap]) -> bool:
    """Whether ``row`` continues the columns or the table that ``rows`` form."""
    before, after = len(_inner(rows, free)), len(_inner([*rows, row], narrowed))
    if after == 0:
        return False
    several = sum(len(known) > 1 for known in rows)
    if several == 0 and after < len(_inner([row], _free(row))):
        return False  # what came before is a line of text, and this begins a table
    if several > 1 and after < before:
        return False
    gap = row[0].y0 - max(piece.y1 for piece in rows[-1])
    if several > 1 and len(row) == 1 and gap > _pitch(rows) + 0.7 * row[0].size:
        return False  # a line of text below a table
    return gap < 3.5 * row[0].height


def _pitch(rows: list[Row]) -> float:
    """The usual distance from one row's bottom to the next one's top."""
    gaps = [b[0].y0 - max(p.y1 for p in a) for a, b in pairwise(rows)]
    return median(gaps) if gaps else 0.0


def _free(row: Row) -> list[Gap]:
    """The stretches of the line that ``row`` leaves blank, from minus to plus infinity."""
    gaps, edge = [], float("-inf")
    for piece in row:
        if piece.x0 > edge:
            gaps.append((edge, piece.x0))
        edge = max(edge, piece.x1)
    return [*gaps, (edge, float("inf"))]


def _intersect(first: list[Gap], second: list[Gap]) -> list[Gap]:
    crossed = ((max(a[0], b[0]), min(a[1], b[1])) for a in first for b in second)
    return [gap for gap in crossed if gap[1] > gap[0]]


def _inner(rows: list[Row], free: list[Gap]) -> list[Gap]:
    """Gutters wide enough to mean something, with pieces on both sides."""
    pieces = [piece for row in rows for piece in row]
    left, right = min(p.x0 for p in pieces), max(p.x1 for p in pieces)
    width = _MIN_GUTTER_EM * median(p.size for p in pieces)
    return [gap for gap in free if gap[0] > left and gap[1] < right and gap[1] - gap[0] >= width]


def _columns(rows: list[Row], gutters: list[Gap]) -> list[list[Piece]]:
    edges = [gap[1] for gap in gutters]
    columns: list[list[Piece]] = [[] for _ in range(len(edges) + 1)]
    for row in rows:
        for piece in row:
            columns[sum(piece.x0 >= edge - 0.01 for edge in edges)].append(piece)
    return columns


def _is_prose(rows: list[Row], columns: list[list[Piece]]) -> bool:
    """Whether the columns are texts of their own, not the cells of a table."""
    if not 2 <= len(columns) <= 4 or len(rows) < 3:
        return False
    level = _stand_level(rows)
    return all(_is_prose_column(column, level) for column in columns)


def _stand_level(rows: list[Row]) -> bool:
    """Whether pieces beside each other share a base line, as the cells of a table do."""
    pairs = [(a, b) for row in rows for a, b in pairwise(row)]
    level = sum(abs(a.y1 - b.y1) < 0.12 * max(a.size, b.size) for a, b in pairs)
    return level > 0.6 * len(pairs)


def _is_prose_column(column: list[Piece], level: bool) -> bool:
    lines = _rows(column)
    left, right = min(p.x0 for p in column), max(p.x1 for p in column)
    fill = fmean((row[-1].x1 - row[0].x0) / (right - left or 1.0) for row in lines)
    characters = fmean(sum(len(piece.text) for piece in row) for row in lines)
    if len(lines) < 2:
        return False
    if not level and len(lines) > 4:
        return characters >= _LOOSE_CHARACTERS
    return characters >= _PROSE_CHARACTERS and fill >= _PROSE_FILL


def _table(rows: list[Row], gutters: list[Gap]) -> Block:
    lines = [_columns([row], gutters) for row in rows]
    groups = _logical_rows(rows, lines)
    cells = tuple(
        tuple(
            _flow([piece for line in group for piece in line[i]]) for i in range(len(gutters) + 1)
        )
        for group in groups
    )
    return _table_block(cells, [piece for row in rows for piece in row])


def _logical_rows(rows: list[Row], lines: list[list[list[Piece]]]) -> list[list[list[list[Piece]]]]:
    """Lines of a table grouped into rows: lines that stand closer than rows do belong to wrapped cells."""
    groups = [[lines[0]]]
    for above, row, line in zip(rows, rows[1:], lines[1:], strict=False):
        gap = min(p.y0 for p in row) - max(p.y1 for p in above)
        if gap < 0.25 * row[0].size:
            groups[-1].append(line)
        else:
            groups.append([line])
    wrapped = [group for group in groups if len(group) > 1]
    alone = all(
        any(sum(bool(line[i]) for line in group) == 1 for i in range(len(lines[0])))
        for group in wrapped
    )
    return groups if alone and len(groups) > 1 else [[line] for line in lines]


def _flow(pieces: Sequence[Piece]) -> str:
    text = ""
    for row in _rows(pieces):
        text = _continue(text, _line_text(row))
    return text


def _line_text(row: Row) -> str:
    letters = "".join(piece.text for piece in row)
    right_to_left = len(_RTL.findall(letters)) * 2 > len(_LETTER.findall(letters))
    ordered = reversed(row) if right_to_left else row
    return " ".join(piece.text for piece in ordered)


def _continue(text: str, line: str) -> str:
    """``line`` set after ``text`` as a reader would: a word hyphenated at the line's end becomes whole again."""
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


def _paragraphs(rows: list[Row]) -> list[Block]:
    """Rows of one column as blocks."""
    if not rows:
        return []
    right = max(row[-1].x1 for row in rows)
    left = min(row[0].x0 for row in rows)
    usual = _usual_gap(rows)
    groups = [[rows[0]]]
    for above, row in pairwise(rows):
        if _starts_paragraph(above, row, left, right, usual):
            groups.append([row])
        else:
            groups[-1].append(row)
    return [_paragraph(group) for group in groups]


def _usual_gap(rows: list[Row]) -> float:
    gaps = [row[0].y0 - above[0].y1 for above, row in pairwise(rows)]
    near = [gap for gap, row in zip(gaps, rows[1:], strict=False) if gap < row[0].height]
    return median(near) if near else 0.0


def _starts_paragraph(above: Row, row: Row, left: float, right: float, usual: float) -> bool:
    first, last = row[0], above[0]
    if first.block or last.block:
        return first.block is not last.block
    em = max(first.size, 1.0)
    if row[0].y0 - above[0].y1 > usual + 0.4 * em or abs(first.size - last.size) > 0.12 * em:
        return True
    if first.mono != last.mono or _LIST_ITEM.match(_line_text(row)):
        return True
    if all(p.bold for p in row) != all(p.bold for p in above):
        return _line_text(above).endswith(_SENTENCE_END) or all(p.bold for p in above)
    short = above[-1].x1 < right - 0.25 * (right - left)
    ended = _line_text(above).endswith(_SENTENCE_END)
    indented = first.x0 - last.x0 > 0.8 * em and last.x0 - left < 0.5 * em
    return ended and (short or indented)


def _paragraph(rows: list[Row]) -> Block:
    pieces = [piece for row in rows for piece in row]
    if pieces[0].block:
        return pieces[0].block
    if all(piece.mono for piece in pieces):
        return _block("code", _listing(rows), pieces, len(rows))
    text = ""
    for row in rows:
        text = _continue(text, _line_text(row))
    kind = "list" if _LIST_ITEM.match(text) else "text"
    return _block(kind, text, pieces, len(rows))


def _listing(rows: list[Row]) -> str:
    left = min(row[0].x0 for row in rows)
    indents = (round((row[0].x0 - left) / (0.6 * max(row[0].size, 1.0))) for row in rows)
    return "\n".join(" " * n + _line_text(row) for n, row in zip(indents, rows, strict=True))


def _block(
    kind: str,
    text: str,
    pieces: list[Piece],
    lines: int,
    rows: tuple[tuple[str, ...], ...] = (),
) -> Block:
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
