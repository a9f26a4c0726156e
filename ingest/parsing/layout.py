"""Puts the pieces of a page in reading order and groups them into paragraphs, headings, lists, code
and tables.

A piece is a run of words on one line with a box. Rows of pieces that share vertical gutters form
either columns of prose, each read to its end before the next, or a table, read row by row; which of
the two is told from how full the lines are. Works the same for a PDF's text layer and for
recognised text; knows nothing of either.

The cut at gutters follows the recursive X-Y cut (Nagy and Seth, ICPR 1984), on rows instead of
pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean, median

from ingest.parsing.lines import Block, Piece, Row, block_of, flow, rows_of
from ingest.parsing.paragraphs import paragraphs

__all__ = ["arrange", "gutters_of", "table_of"]

Gap = tuple[float, float]

_MIN_GUTTER_EM = 0.7
_PROSE_CHARACTERS = 18  # a column of prose has longer lines than this, on average
_PROSE_FILL = 0.62  # … and they fill this much of the column's width
_LOOSE_CHARACTERS = 12  # as _PROSE_CHARACTERS, where the lines of the columns do not stand level
_MAX_DEPTH = 12


def arrange(pieces: Iterable[Piece]) -> list[Block]:
    """The blocks that ``pieces`` form, in reading order."""
    return _arrange([piece for piece in pieces if piece.text.strip()], 0)


def gutters_of(pieces: Sequence[Piece]) -> list[Gap]:
    """The vertical gutters that all of ``pieces`` leave free, as (left, right) pairs."""
    rows = rows_of(pieces)
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
    rows = tuple(tuple(flow(cell) for cell in row) for row, _ in kept)
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
    return block_of("table", text, pieces, len(rows), rows)


def _arrange(pieces: Sequence[Piece], depth: int) -> list[Block]:
    blocks: list[Block] = []
    loose: list[Row] = []
    for rows, gutters in _runs(rows_of(pieces)):
        columns = _columns(rows, gutters)
        if gutters and depth < _MAX_DEPTH and _is_prose(rows, columns):
            blocks += paragraphs(loose)
            loose = []
            for column in columns:
                blocks += _arrange(column, depth + 1)
        elif gutters and sum(len(row) > 1 for row in rows) > 1:
            blocks += [*paragraphs(loose), _table(rows, gutters)]
            loose = []
        else:
            loose += rows
    return blocks + paragraphs(loose)


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
    lines = rows_of(column)
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
        tuple(flow([piece for line in group for piece in line[i]]) for i in range(len(gutters) + 1))
        for group in groups
    )
    return _table_block(cells, [piece for row in rows for piece in row])


def _logical_rows(rows: list[Row], lines: list[list[list[Piece]]]) -> list[list[list[list[Piece]]]]:
    """Lines of a table grouped into rows: lines that stand closer than rows do belong to wrapped
    cells.
    """
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
