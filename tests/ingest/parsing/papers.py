"""Makes small files of many formats for the parsing tests."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path

import pypandoc
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from corpus.records import Parsed

WIDTH, HEIGHT = A4


def assert_sound(parsed: Parsed) -> None:
    """What holds of every parsed document."""
    for element in parsed.elements:
        assert element.text == parsed.text[element.span.start : element.span.end]
        if element.box is not None:
            sides = (element.box.x0, element.box.y0, element.box.x1, element.box.y1)
            assert all(0 <= side <= 1 for side in sides)
    starts = [element.span.start for element in parsed.elements]
    assert starts == sorted(starts)
    for page in parsed.pages:
        assert 0 <= page.span.start <= page.span.end <= len(parsed.text)


def texts(parsed: Parsed, kind: str) -> list[str]:
    return [element.text for element in parsed.elements if element.kind == kind]


def pdf(path: Path, pages: Sequence[Sequence[tuple[float, float, str]]], **canvas: object) -> Path:
    """A PDF file with words at given places; y counts from the top, in points."""
    sheet = Canvas(str(path), pagesize=A4, **canvas)
    for words in pages:
        sheet.setFont("Helvetica", 11)
        for x, y, text in words:
            sheet.drawString(x, HEIGHT - y, text)
        sheet.showPage()
    sheet.save()
    return path


def picture_of(lines: Sequence[str], size: tuple[int, int] = (900, 400)) -> Image.Image:
    """A picture of ``lines`` in large black letters on white."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=36)
    for number, line in enumerate(lines):
        pen.text((40, 40 + 70 * number), line, fill="black", font=font)
    return image


def zip_of(path: Path, parts: dict[str, str | bytes], *, deflate: bool = True) -> Path:
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def odt_of(path: Path, words: str, change: Callable[[str], str]) -> Path:
    """An ODT file of some Markdown, whose ``content.xml`` is changed then."""
    pypandoc.convert_text(words, "odt", format="markdown", outputfile=str(path))
    with zipfile.ZipFile(path) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    content = change(bytes(parts["content.xml"]).decode())  # type: ignore[arg-type]
    return zip_of(path, {**parts, "content.xml": content})


def mail(path: Path, body: str, attachments: dict[str, bytes] | None = None) -> Path:
    message = EmailMessage()
    message["Subject"] = "Spare fans"
    message["From"] = "Stores <stores@lab.example>"
    message["To"] = "Operator <operator@lab.example>"
    message["Date"] = "Tue, 02 Jun 2026 09:30:00 +0200"
    message.set_content(body)
    for name, content in (attachments or {}).items():
        message.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=name
        )
    path.write_bytes(message.as_bytes())
    return path


def png_bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def ole_of(path: Path, name: str, stream: bytes) -> Path:
    """A container of old Office files with one stream of at least 4,096 bytes in it."""
    free, end, fat, none = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
    blocks = -(-len(stream) // 512)
    head = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        bytes(16),
        *(0x3E, 3, 0xFFFE, 9, 6, bytes(6)),
        *(0, 1, 1, 0, 4096, end, 0, end, 0),
    )
    chain = [fat, end, *range(3, blocks + 2), end]

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        letters = title.encode("utf-16-le")
        return struct.pack(
            "<64sHBBIII36sIQ",
            letters,
            len(letters) + 2,
            *(kind, 1, none, none, child, bytes(36), start, size),
        )

    folder = entry("Root Entry", 5, 1, end, 0) + entry(name, 2, none, 2, len(stream))
    table = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))
    first = struct.pack("<109I", 0, *[free] * 108)
    path.write_bytes(
        head + first + table + folder.ljust(512, b"\0") + stream.ljust(blocks * 512, b"\0")
    )
    return path
