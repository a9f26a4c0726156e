"""Writes the sample's Word, PowerPoint and Excel files.

The three libraries stamp the time into their files and compress them; `_settle` re-packs each file
with fixed dates and without compression, so that the same content is the same bytes everywhere.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from corpus.sample.build.blocks import Block

__all__ = ["write_docx", "write_pptx", "write_xlsx"]

_AUTHOR = "The lab"
_MADE = datetime(2026, 7, 8, 9, 0, tzinfo=UTC)
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:\2>)")


def write_docx(path: Path, title: str, blocks: list[Block]) -> None:
    """Write ``blocks`` to ``path`` as a Word document."""
    from docx import Document

    document = Document()
    _slim(document)
    document.core_properties.title = title
    document.core_properties.author = _AUTHOR
    for block in blocks:
        _add_to_docx(document, block)
    path.write_bytes(_settle(document.save))


def _slim(document: Any) -> None:
    """Drop what python-docx's template brings and nothing here uses: 700 kB of table styles."""
    from docx.enum.style import WD_STYLE_TYPE

    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in ("Normal Table", "Table Grid"):
            style.delete()
    for name, relation in list(document.part.rels.items()):
        if relation.reltype.endswith("/stylesWithEffects"):
            del document.part.rels[name]


def _add_to_docx(document: Any, block: Block) -> None:
    if block.kind == "heading":
        document.add_heading(block.text, level=block.level - 1)
    elif block.kind == "table":
        _add_table_to_docx(document, block)
    elif block.kind == "break":
        document.add_page_break()
    elif block.kind == "paragraph":
        document.add_paragraph(block.text)
    else:
        style = "List Bullet" if block.kind == "bullets" else "List Number"
        for item in block.items:
            document.add_paragraph(item, style=style)


def _add_table_to_docx(document: Any, block: Block) -> None:
    table = document.add_table(rows=len(block.rows), cols=len(block.rows[0]), style="Table Grid")
    for row, texts in zip(table.rows, block.rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    for cell in table.rows[0].cells:
        for run in cell.paragraphs[0].runs:
            run.bold = True


def write_pptx(path: Path, title: str, blocks: list[Block]) -> None:
    """Write ``blocks`` to ``path`` as slides: a break starts one, its heading is the title.

    A paragraph becomes the slide's speaker notes.
    """
    from pptx import Presentation

    deck = Presentation()
    deck.core_properties.title = title
    deck.core_properties.author = _AUTHOR
    slides: list[list[Block]] = [[]]
    for block in blocks:
        if block.kind == "break":
            slides.append([])
        else:
            slides[-1].append(block)
    for slide in slides:
        _add_slide(deck, slide)
    path.write_bytes(_settle(deck.save))


def _add_slide(deck: Any, blocks: list[Block]) -> None:
    has_table = any(block.kind == "table" for block in blocks)
    slide = deck.slides.add_slide(deck.slide_layouts[5 if has_table else 1])
    for block in blocks:
        if block.kind == "heading":
            slide.shapes.title.text = block.text
        elif block.kind == "table":
            _add_table_to_slide(slide, block)
        elif block.kind == "paragraph":
            slide.notes_slide.notes_text_frame.text = block.text
        else:
            slide.placeholders[1].text = "\n".join(block.items)


def _add_table_to_slide(slide: Any, block: Block) -> None:
    from pptx.util import Cm, Pt

    size = (len(block.rows), len(block.rows[0]))
    table = slide.shapes.add_table(*size, Cm(1.5), Cm(4.5), Cm(22.4), Cm(1.1) * size[0]).table
    for number, row in enumerate(block.rows):
        for column, text in enumerate(row):
            table.cell(number, column).text = text
            table.cell(number, column).text_frame.paragraphs[0].font.size = Pt(15)


def write_xlsx(path: Path, title: str, sheets: dict[str, list[list[Any]]]) -> None:
    """Write ``sheets`` (name to rows of cells, the first row the header) to ``path``."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    book.remove(book.active)
    book.properties.title = title
    book.properties.creator = _AUTHOR
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for column in sheet.columns:
            longest = max(len(str(cell.value or "")) for cell in column)
            sheet.column_dimensions[column[0].column_letter].width = min(60, longest + 3)
    path.write_bytes(_settle(book.save))


def _settle(save: Callable[[BytesIO], object]) -> bytes:
    """The file that ``save`` writes, with fixed dates and every part stored uncompressed."""
    raw, out = BytesIO(), BytesIO()
    save(raw)
    stamp = _MADE.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = _STAMP.sub(rb"\g<1>" + stamp + rb"\g<3>", data)
            part = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            part.create_system = 3  # Unix, whatever the machine: Python would write its own
            part.external_attr = 0o644 << 16
            target.writestr(part, data)
    return out.getvalue()
