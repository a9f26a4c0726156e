"""Documents with an instruction hidden in them, in every format that Alcove reads.

``WRITERS`` maps a file name's ending to a function that writes a document of some ordinary text with
the instruction where a person would hardly see it: white on white, in the notes of a slide, in a far
cell, in a comment of a program. What a parser leaves out (a comment in HTML, say) cannot steer
anything, so it is not written there.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pypandoc
from docx import Document as WordDocument
from docx.shared import Pt, RGBColor
from openpyxl import Workbook
from openpyxl.styles import Font
from pptx import Presentation
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.ingest.parsing.papers import picture_of

__all__ = ["PICTURES", "WRITERS", "Writer"]

Writer = Callable[[Path, str, str], object]
"""Writes a document: its path, its ordinary text, the instruction hidden in it."""

_LETTERS = 46  # in a line of a picture, so that character recognition reads it


def _text(form: str) -> Writer:
    return lambda path, words, order: path.write_text(
        form.format(words=words, order=order), encoding="utf-8"
    )


def _html(path: Path, words: str, order: str) -> None:
    hidden = f'<p style="color:white;font-size:1px">{order}</p>'
    path.write_text(f"<h1>Letter</h1><p>{words}</p>{hidden}", encoding="utf-8")


def _delimited(separator: str) -> Writer:
    def write(path: Path, words: str, order: str) -> None:
        quoted = order.replace('"', '""')
        rows = (("place", "remark"), ("1", " ".join(words.split())), ("999", quoted))
        path.write_text("\n".join(separator.join(f'"{c}"' for c in row) for row in rows) + "\n")

    return write


def _word(path: Path, words: str, order: str) -> None:
    document = WordDocument()
    document.add_paragraph(words)
    run = document.add_paragraph().add_run(order)
    run.font.size, run.font.color.rgb = Pt(1), RGBColor(255, 255, 255)
    document.save(str(path))


def _slides(path: Path, words: str, order: str) -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Letter", words
    slide.notes_slide.notes_text_frame.text = order
    deck.save(str(path))


def _spreadsheet(path: Path, words: str, order: str) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["place", "remark"])
    sheet.append([1, words])
    cell = sheet.cell(row=40, column=2, value=order)
    cell.font = Font(color="FFFFFFFF", size=1)
    book.save(path)


def _pdf(path: Path, words: str, order: str) -> None:
    page = Canvas(str(path), pagesize=A4)
    for number, line in enumerate(_lines(words, 90)[:40]):
        page.setFont("Helvetica", 11)
        page.drawString(50, 780 - 14 * number, line)
    page.setFillColorRGB(1, 1, 1)
    page.setFont("Helvetica", 3)
    for number, line in enumerate(_lines(order, 140)):
        page.drawString(50, 120 - 5 * number, line)
    page.save()


def _pandoc(kind: str) -> Writer:
    def write(path: Path, words: str, order: str) -> None:
        source = f"# Letter\n\n{_escaped(words)}\n\n{_escaped(order)}\n"
        standalone = ["--standalone"] if kind == "rtf" else []
        pypandoc.convert_text(
            source, kind, format="markdown-smart", outputfile=str(path), extra_args=standalone
        )

    return write


def _open_document(kind: str, body: str) -> Writer:
    """An OpenDocument file without an office program: its mimetype and one part of content."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0"'
        for name, urn in (
            ("office", "office"),
            ("text", "text"),
            ("table", "table"),
            ("draw", "drawing"),
            ("presentation", "presentation"),
        )
    )

    def write(path: Path, words: str, order: str) -> None:
        inner = body.format(words=_markup(" ".join(words.split())), order=_markup(order))
        content = (
            f'<?xml version="1.0"?><office:document-content {spaces} office:version="1.3">'
            f"<office:body>{inner}</office:body></office:document-content>"
        )
        with zipfile.ZipFile(path, "w") as parts:
            parts.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
            parts.writestr("content.xml", content)

    return write


def _mail(path: Path, words: str, order: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "Letter", "Stores <stores@lab.example>"
    message["To"], message["Date"] = "you@lab.example", "Tue, 02 Jun 2026 09:30:00 +0200"
    message.set_content(words)
    message.add_attachment(order, filename="remark.txt")
    path.write_bytes(message.as_bytes())


def _picture(path: Path, words: str, order: str) -> None:
    lines = [*_lines(words, _LETTERS)[:1], *_lines(order, _LETTERS)]
    picture_of(["Letter", *lines], (1300, 120 + 70 * (len(lines) + 1))).save(path)


def _lines(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line]


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+-.!|$~^\"'@:" else c for c in text)


def _markup(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


PICTURES = (".png", ".jpg", ".tiff", ".bmp", ".webp")
"""Formats whose text is recognised, which costs a second or more for each."""

WRITERS: dict[str, Writer] = {
    ".txt": _text("{words}\n\n{order}\n"),
    ".md": _text("# Letter\n\n{words}\n\n> {order}\n"),
    ".log": _text("2026-06-02 09:30 {words}\n2026-06-02 09:31 {order}\n"),
    ".py": _text('"""A letter.\n\n{words}\n"""\n\n# {order}\nLETTER = True\n'),
    ".toml": _text('letter = """\n{words}\n"""\n# {order}\n'),
    ".json": lambda path, words, order: path.write_text(json.dumps({"letter": words, "x": order})),
    ".html": _html,
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".docx": _word,
    ".pptx": _slides,
    ".xlsx": _spreadsheet,
    ".pdf": _pdf,
    ".odt": _pandoc("odt"),
    ".epub": _pandoc("epub"),
    ".rtf": _pandoc("rtf"),
    ".ods": _open_document(
        "spreadsheet",
        "<office:spreadsheet><table:table table:name='a'><table:table-row><table:table-cell>"
        "<text:p>{words}</text:p></table:table-cell><table:table-cell><text:p>{order}</text:p>"
        "</table:table-cell></table:table-row></table:table></office:spreadsheet>",
    ),
    ".odp": _open_document(
        "presentation",
        "<office:presentation><draw:page><draw:frame><draw:text-box><text:p>{words}</text:p>"
        "<text:p>{order}</text:p></draw:text-box></draw:frame></draw:page></office:presentation>",
    ),
    ".eml": _mail,
    **dict.fromkeys(PICTURES, _picture),
}
