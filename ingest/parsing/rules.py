"""Tables that are drawn with lines: finds the ruled grids of a PDF page and reads their cells.

A table's lines say where its rows and columns are, whatever the text in the cells does: wrapped
cells, cells set in the middle and empty cells come out right. Tables without lines are left to
``layout``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from ingest.parsing.glyphs import to_page
from ingest.parsing.layout import gutters_of, table_of
from ingest.parsing.lines import Piece

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

__all__ = ["Line", "lines_of", "with_ruled_tables"]

_TOUCH = 3.0  # points within which two lines meet, or are the same line
_MIN_LENGTH = 8.0
_STRAIGHT = 0.8  # points that a line may rise over its length
_MAX_SEGMENTS = 20_000  # a page with more is a drawing
_MAX_LINES = 600
_MIN_WIDTH = 60.0
_MAX_ROW = 90.0  # points between lines that part the rows of a table without upright lines


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal or vertical line, in points from the page's top left corner; ``at`` is its fixed
    coordinate.
    """

    horizontal: bool
    at: float
    start: float
    end: float


def lines_of(page: PdfPage) -> list[Line]:
    """The straight horizontal and vertical lines drawn on ``page``; none if it is full of drawings."""
    from pypdfium2 import raw

    transform = to_page(page)
    found: list[Line] = []
    segments = 0
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=3):
        count = raw.FPDFPath_CountSegments(item)
        segments += count
        if segments > _MAX_SEGMENTS:
            return []
        matrix = item.get_matrix()
        last: tuple[float, float] | None = None
        first: tuple[float, float] | None = None
        for index in range(count):
            segment = raw.FPDFPath_GetPathSegment(item, index)
            x, y = ctypes.c_float(), ctypes.c_float()
            raw.FPDFPathSegment_GetPoint(segment, x, y)
            point = transform(*matrix.on_point(x.value, y.value))
            kind = raw.FPDFPathSegment_GetType(segment)
            if kind == raw.FPDF_SEGMENT_LINETO and last is not None:
                found += _straight(last, point)
            first = point if kind == raw.FPDF_SEGMENT_MOVETO else first
            if raw.FPDFPathSegment_GetClose(segment) and first is not None:
                found += _straight(point, first)
            last = point
    return found


def _straight(a: tuple[float, float], b: tuple[float, float]) -> list[Line]:
    (ax, ay), (bx, by) = a, b
    if abs(ay - by) < _STRAIGHT and abs(ax - bx) >= _MIN_LENGTH:
        return [Line(True, (ay + by) / 2, min(ax, bx), max(ax, bx))]
    if abs(ax - bx) < _STRAIGHT and abs(ay - by) >= _MIN_LENGTH:
        return [Line(False, (ax + bx) / 2, min(ay, by), max(ay, by))]
    return []


def with_ruled_tables(pieces: Sequence[Piece], lines: Sequence[Line]) -> list[Piece]:
    """``pieces`` with those inside each ruled table replaced by pieces that carry the table."""
    rest = list(pieces)
    for group in _joined(_whole(lines)):
        rows = _places(line.at for line in group if line.horizontal)
        columns = _places(line.at for line in group if not line.horizontal)
        inside = _inside(rest, group)
        if len(rows) < 3 or len(inside) < 4:
            continue
        edges = columns[1:-1] if len(columns) > 2 else _edges(inside)
        cells = _cells(inside, rows[1:-1], edges)
        if not _is_table(cells):
            continue
        rest = [piece for piece in rest if piece not in inside]
        rest += table_of(cells)
    return rest


def _whole(lines: Sequence[Line]) -> list[Line]:
    """Lines put together from the strokes that continue each other; none if so many are left that
    it is a drawing.
    """
    whole: list[Line] = []
    for line in sorted(lines, key=lambda one: (one.horizontal, round(one.at / _TOUCH), one.start)):
        last = whole[-1] if whole else None
        if last and last.horizontal == line.horizontal and _touch(last, line):
            whole[-1] = replace(last, end=max(last.end, line.end))
        else:
            whole.append(line)
    return whole if len(whole) <= _MAX_LINES else []


def _joined(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that form one grid: they touch, or are horizontal, alone and of the same extent."""
    grids = _grouped([[line] for line in lines], _touch)
    crossed = [grid for grid in grids if any(not line.horizontal for line in grid)]
    alone = [grid for grid in grids if all(line.horizontal for line in grid)]
    return [grid for grid in crossed + _grouped(alone, _same_extent) if _width(grid) >= _MIN_WIDTH]


def _grouped(parts: list[list[Line]], related: Callable[[Line, Line], bool]) -> list[list[Line]]:
    """``parts`` put together wherever a line of one is related to a line of another."""
    groups: list[list[Line]] = []
    for part in parts:
        near = [g for g in groups if any(related(line, other) for line in part for other in g)]
        groups = [group for group in groups if group not in near]
        groups.append([*part, *(line for group in near for line in group)])
    return groups


def _width(grid: list[Line]) -> float:
    across = [line for line in grid if line.horizontal] or grid
    return max(line.end for line in across) - min(line.start for line in across)


def _same_extent(a: Line, b: Line) -> bool:
    return (
        abs(a.start - b.start) < _TOUCH
        and abs(a.end - b.end) < _TOUCH
        and abs(a.at - b.at) < _MAX_ROW
    )


def _touch(a: Line, b: Line) -> bool:
    if a.horizontal == b.horizontal:
        touching = min(a.end, b.end) - max(a.start, b.start) > -_TOUCH
        return abs(a.at - b.at) < _TOUCH and touching
    return a.start - _TOUCH <= b.at <= a.end + _TOUCH and b.start - _TOUCH <= a.at <= b.end + _TOUCH


def _places(values: Iterable[float]) -> list[float]:
    """The distinct coordinates among ``values``, ascending."""
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > _TOUCH:
            places.append(value)
    return places


def _inside(pieces: Sequence[Piece], group: list[Line]) -> list[Piece]:
    xs = [x for line in group for x in ((line.start, line.end) if line.horizontal else (line.at,))]
    ys = [y for line in group for y in ((line.at,) if line.horizontal else (line.start, line.end))]
    left, right, top, bottom = min(xs) - _TOUCH, max(xs) + _TOUCH, min(ys), max(ys)
    return [
        piece
        for piece in pieces
        if left <= (piece.x0 + piece.x1) / 2 <= right and top <= (piece.y0 + piece.y1) / 2 <= bottom
    ]


def _edges(inside: Sequence[Piece]) -> list[float]:
    """Where columns begin, in a table that has lines between its rows only."""
    return [(gap[0] + gap[1]) / 2 for gap in gutters_of(inside)]


def _cells(
    inside: Iterable[Piece], rows: Sequence[float], columns: Sequence[float]
) -> list[list[list[Piece]]]:
    cells: list[list[list[Piece]]] = [
        [[] for _ in range(len(columns) + 1)] for _ in range(len(rows) + 1)
    ]
    for piece in inside:
        row = sum((piece.y0 + piece.y1) / 2 > edge for edge in rows)
        column = sum(
            piece.x0 + min(0.3 * (piece.x1 - piece.x0), piece.size) > edge for edge in columns
        )
        cells[row][column].append(piece)
    return cells


def _is_table(cells: list[list[list[Piece]]]) -> bool:
    """Whether a fair part of the cells is filled; a frame around text is no table."""
    filled = [sum(bool(cell) for cell in row) for row in cells]
    return len(cells[0]) > 1 and sum(n > 1 for n in filled) > 1 and median(filled) >= 1
