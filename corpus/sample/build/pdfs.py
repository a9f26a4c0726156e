"""Draws the sample's PDF files: one or two columns, tables, a password, or scanned pages.

Everything that could differ between two runs is fixed: reportlab's ``invariant`` mode (dates and
file id), no compression (so that no zlib version shows in the bytes), and RC4 for the password,
which, unlike AES, has no random part. Uses only the fonts that every PDF viewer has.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    ListItem,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from corpus.sample.build.blocks import Block
from corpus.sample.build.pictures import scanned_pages

__all__ = ["AUTHOR", "write_pdf", "write_scan"]

AUTHOR = "The lab"
_MARGIN = 22 * mm
_GUTTER = 8 * mm
_BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=12, leading=17, spaceAfter=7)
_NARROW = ParagraphStyle("narrow", parent=_BODY, fontSize=10, leading=13.5, spaceAfter=5)
_BULLET = "\u2022"
_CELL = ParagraphStyle("cell", fontName="Helvetica", fontSize=8.5, leading=10.5)
_HEAD_CELL = ParagraphStyle("headcell", parent=_CELL, fontName="Helvetica-Bold")
_HEADINGS = {
    level: ParagraphStyle(
        f"h{level}",
        fontName="Helvetica-Bold",
        fontSize=size,
        leading=size * 1.25,
        spaceBefore=8,
        spaceAfter=5,
        keepWithNext=1,
    )
    for level, size in ((1, 20), (2, 13), (3, 11))
}
_TABLE_STYLE = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
)


def write_pdf(
    path: Path, title: str, blocks: list[Block], *, columns: int = 1, password: str | None = None
) -> None:
    """Write ``blocks`` to ``path`` in one or two columns, openable only with ``password`` if given.

    In two columns the title runs over both.
    """
    document = BaseDocTemplate(
        str(path), pagesize=A4, title=title, author=AUTHOR, invariant=1, pageCompression=0
    )
    if password is not None:
        document.encrypt = StandardEncryption(password, ownerPassword=password, strength=128)
    document.addPageTemplates(_templates(title, columns))
    text = _BODY if columns == 1 else _NARROW
    width = _column_width(columns)
    pieces = [piece for block in blocks for piece in _draw(block, width, text)]
    document.build([NextPageTemplate("later"), *pieces])


def write_scan(path: Path, title: str, blocks: list[Block], seed: int) -> None:
    """Write ``blocks`` to ``path`` as pictures of paper: no text layer, a little skew and noise."""
    canvas = Canvas(str(path), pagesize=A4, invariant=1, pageCompression=0)
    canvas.setTitle(title)
    canvas.setAuthor(AUTHOR)
    for picture in scanned_pages(blocks, seed):
        canvas.drawImage(ImageReader(BytesIO(picture)), 0, 0, width=A4[0], height=A4[1])
        canvas.showPage()
    canvas.save()


def _column_width(columns: int) -> float:
    return float((A4[0] - 2 * _MARGIN - (columns - 1) * _GUTTER) / columns)


def _templates(title: str, columns: int) -> list[PageTemplate]:
    """The first page, where two columns leave room for the title above, and all later ones."""
    head = 26 * mm if columns > 1 else 0

    def frames(room: float) -> list[Frame]:
        width, height = _column_width(columns), A4[1] - 2 * _MARGIN - room
        step = width + _GUTTER
        top = [Frame(_MARGIN, A4[1] - _MARGIN - room, A4[0] - 2 * _MARGIN, room, 0, 0, 0, 0)]
        body = [
            Frame(_MARGIN + column * step, _MARGIN, width, height, 0, 0, 0, 0)
            for column in range(columns)
        ]
        return top + body if room else body

    def footer(canvas: Canvas, _document: BaseDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(_MARGIN, 11 * mm, title)
        canvas.drawRightString(A4[0] - _MARGIN, 11 * mm, f"Page {canvas.getPageNumber()}")

    return [
        PageTemplate("first", frames(head), onPage=footer),
        PageTemplate("later", frames(0), onPage=footer),
    ]


def _draw(block: Block, width: float, text: ParagraphStyle) -> list[Flowable]:
    if block.kind == "heading":
        return [Paragraph(escape(block.text), _HEADINGS[block.level])]
    if block.kind == "table":
        return [_table(block.rows, width), Spacer(1, 8)]
    if block.kind == "break":
        return [PageBreak()]
    if block.kind in ("bullets", "numbers"):
        return [_list(block, text)]
    return [Paragraph(escape(block.text), text)]


def _list(block: Block, text: ParagraphStyle) -> Flowable:
    items = [ListItem(Paragraph(escape(item), text)) for item in block.items]
    size = text.fontSize
    if block.kind == "numbers":
        return ListFlowable(
            items, bulletType="1", bulletFormat="%s.", bulletFontSize=size, leftIndent=18
        )
    return ListFlowable(items, bulletType="bullet", start=_BULLET, leftIndent=14)


def _table(rows: tuple[tuple[str, ...], ...], width: float) -> Flowable:
    head, *body = rows
    cells = [[Paragraph(escape(cell), _HEAD_CELL) for cell in head]]
    cells += [[Paragraph(escape(cell), _CELL) for cell in row] for row in body]
    table = Table(cells, colWidths=_column_widths(rows, width), repeatRows=1)
    table.setStyle(_TABLE_STYLE)
    return table


def _column_widths(rows: tuple[tuple[str, ...], ...], width: float) -> list[float]:
    """Room for the longest word of each column, the rest of ``width`` shared by cell length."""
    columns = list(zip(*rows, strict=True))
    least = [max(_word_width(cell) for cell in column) + 9 for column in columns]
    longest = [min(40, max(len(cell) for cell in column)) for column in columns]
    spare = width - sum(least)
    if spare < 0:
        raise ValueError(f"The table that starts with {rows[0][0]!r} is too wide for its column.")
    return [room + spare * share / sum(longest) for room, share in zip(least, longest, strict=True)]


def _word_width(cell: str) -> float:
    words = cell.split() or [""]
    return max(float(stringWidth(word, _HEAD_CELL.fontName, _HEAD_CELL.fontSize)) for word in words)
