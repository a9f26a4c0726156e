"""Groups the lines of one column into paragraphs, list items and listings.

What begins a paragraph is told from distance, font, bullets, indents and lines that end early; a line that was ended
on purpose stays a line of its own within its paragraph.
"""

from __future__ import annotations

import re
from itertools import pairwise
from statistics import median

from ingest.parsing.lines import RTL, Block, Row, block_of, continued, line_text

__all__ = ["paragraphs"]

_LIST_ITEM = re.compile(r"^(?:[•●▪■◦‣∙]\s*|[*–-]\s+|\(?(?:\d{1,3}|[a-z])[.)]\s+)\S")
_SENTENCE_END = (".", "!", "?", ":", ";", "。", "！", "？", "؟")


def paragraphs(rows: list[Row]) -> list[Block]:
    """Rows of one column as blocks."""
    if not rows:
        return []
    right = max(row[-1].x1 for row in rows)
    left = min(row[0].x0 for row in rows)
    usual = _usual_gap(rows)
    groups = [[rows[0]]]
    for above, row in pairwise(rows):
        if _starts_paragraph(groups[-1][0], above, row, left, right, usual):
            groups.append([row])
        else:
            groups[-1].append(row)
    return [_paragraph(group, right) for group in groups]


def _usual_gap(rows: list[Row]) -> float:
    gaps = [row[0].y0 - above[0].y1 for above, row in pairwise(rows)]
    near = [gap for gap, row in zip(gaps, rows[1:], strict=False) if gap < row[0].height]
    return median(near) if near else 0.0


def _starts_paragraph(
    head: Row, above: Row, row: Row, left: float, right: float, usual: float
) -> bool:
    """Whether ``row`` does not belong to the paragraph that begins with ``head`` and ends with
    ``above``.
    """
    first, last = row[0], above[0]
    if first.block or last.block:
        return first.block is not last.block
    em = max(first.size, 1.0)
    if row[0].y0 - above[0].y1 > usual + 0.4 * em or abs(first.size - last.size) > 0.12 * em:
        return True
    if first.mono != last.mono or _LIST_ITEM.match(line_text(row)):
        return True
    if _LIST_ITEM.match(line_text(head)) and first.x0 > head[0].x0 + 0.5 * em:
        return False  # the item's text hangs beside its bullet
    if all(p.bold for p in row) != all(p.bold for p in above):
        return line_text(above).endswith(_SENTENCE_END) or all(p.bold for p in above)
    short = above[-1].x1 < right - 0.25 * (right - left)
    ended = line_text(above).endswith(_SENTENCE_END)
    indented = first.x0 - last.x0 > 0.8 * em and last.x0 - left < 0.5 * em
    return ended and (short or indented)


def _paragraph(rows: list[Row], right: float) -> Block:
    pieces = [piece for row in rows for piece in row]
    if pieces[0].block:
        return pieces[0].block
    if all(piece.mono for piece in pieces):
        return block_of("code", _listing(rows), pieces, len(rows))
    text = line_text(rows[0])
    for above, row in pairwise(rows):
        line = line_text(row)
        text = f"{text}\n{line}" if _ends_early(above, row, right) else continued(text, line)
    kind = "list" if _LIST_ITEM.match(text) else "text"
    return block_of(kind, text, pieces, len(rows))


def _ends_early(above: Row, row: Row, right: float) -> bool:
    """Whether the line was ended on purpose: the next line's first word would have had room on it."""
    line = line_text(row)
    word = len(line.split(maxsplit=1)[0])
    advance = (row[-1].x1 - row[0].x0) / max(len(line), 1)
    return above[-1].x1 + (word + 2) * advance < right and not RTL.search(line)


def _listing(rows: list[Row]) -> str:
    left = min(row[0].x0 for row in rows)
    indents = (round((row[0].x0 - left) / (0.6 * max(row[0].size, 1.0))) for row in rows)
    return "\n".join(" " * n + line_text(row) for n, row in zip(indents, rows, strict=True))
