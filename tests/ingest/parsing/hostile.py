"""Files made to hurt whoever reads them, each with the state it has to end in: ``HOSTILE``.

``make(name, folder)`` writes one of them. Known texts stand in those of which something can be read.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from tests.ingest.parsing import bombs
from tests.ingest.parsing.bombs import GIB, Packed, flate, forged_zip, office, pdf_of, spaces
from tests.ingest.parsing.papers import odt_of, zip_of

__all__ = ["HOSTILE", "KEPT", "make"]

KEPT = "These words are read."
_DEEP = 100_000
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_O = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
)
_ODF = "application/vnd.oasis.opendocument."
_LAUGHS = (
    '<!DOCTYPE lol [<!ENTITY a "ha ha ha ha ">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]>"
)
_QUADRATIC = f'<!DOCTYPE lol [<!ENTITY j "{"x" * 200_000}">]>'
_EXTERNAL = '<!DOCTYPE lol [<!ENTITY j SYSTEM "file:///etc/passwd">]>'


def _word(path: Path, body: str, doctype: str = "") -> None:
    xml = f"{doctype}<w:document {_W}><w:body>{body}</w:body></w:document>"
    office(path, "word/document.xml", "wordprocessingml.document.main", {"word/document.xml": xml})


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _sheet(path: Path, rows: str, doctype: str = "", extra: str = "") -> None:
    namespace = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    book = f'<workbook {_S} xmlns:r="{namespace}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
    target = f'<Relationship Id="r1" Type="{namespace}/worksheet" Target="worksheets/sheet1.xml"/>'
    relations = f'<Relationships xmlns="{namespace.replace("officeDocument", "package")}">{target}</Relationships>'
    sheet = f"{doctype}<worksheet {_S}>{extra}<sheetData>{rows}</sheetData></worksheet>"
    parts = {
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": relations,
        "xl/worksheets/sheet1.xml": sheet,
    }
    office(path, "xl/workbook.xml", "spreadsheetml.sheet.main", dict(parts))


def _cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def _open_document(path: Path, kind: str, body: str, doctype: str = "") -> None:
    xml = f"{doctype}<office:document-content {_O}><office:body>{body}</office:body></office:document-content>"
    zip_of(path, {"mimetype": _ODF + kind, "content.xml": xml})


def _laughing_text(path: Path, doctype: str) -> None:
    def change(xml: str) -> str:
        return xml.replace("Ha.", "Ha &j;").replace(
            "<office:document-content", f"{doctype}<office:document-content"
        )

    odt_of(path, f"Ha.\n\n{KEPT}", change)


def _laughing_sheet(path: Path, doctype: str) -> None:
    cells = "".join(
        f"<table:table-row><table:table-cell><text:p>{text}</text:p></table:table-cell></table:table-row>"
        for text in ("&j;", KEPT)
    )
    _open_document(path, "spreadsheet", f"<table:table>{cells}</table:table>", doctype)


def _deep_sheet(path: Path) -> None:
    _open_document(path, "spreadsheet", "<table:table>" * _DEEP + "</table:table>" * _DEEP)


def _bomb_in(name: str, *others: Packed) -> Callable[[Path], None]:
    return lambda path: forged_zip(path, [*others, Packed(name, spaces(), 4 * GIB)])


def _liar(path: Path) -> None:
    forged_zip(path, [Packed("word/document.xml", spaces(), 1000)])


def _overlap(path: Path) -> None:
    data, folder = spaces(16 << 20), "word" if path.suffix == ".docx" else "notes"
    first = Packed(f"{folder}/0.xml", data, 16 << 20)
    others = [Packed(f"{folder}/{n}.xml", data, 16 << 20, shares=0) for n in range(1, 60)]
    forged_zip(path, [first, *others])


def _pdf_page(content: bytes, box: bytes = b"0 0 595 842", more: bytes = b"") -> list[bytes]:
    return [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Contents 4 0 R/Resources<<%b"
        b"/Font<</F <</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>" % (box, more),
        content,
    ]


def _stream(data: bytes, keys: bytes = b"") -> bytes:
    return b"<</Length %d%b>>stream\n%b\nendstream" % (len(data), keys, data)


def _words(*more: bytes) -> bytes:
    return b"BT /F 12 Tf 72 700 Td (%b) Tj ET %b" % (KEPT.encode(), b" ".join(more))


def _pdf_tree_loop(path: Path) -> None:
    kids = b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>"
    first, _, page, content = _pdf_page(_stream(_words()))
    pdf_of(path, [first, kids, page, content])


def _pdf_of_a_million_pages(path: Path) -> None:
    first, _, page, content = _pdf_page(_stream(_words()))
    pdf_of(path, [first, b"<</Type/Pages/Kids[3 0 R]/Count 2147483647>>", page, content])


def _pdf_form_loop(path: Path) -> None:
    form = _stream(
        b"/X Do " * 10,
        b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>",
    )
    objects = _pdf_page(_stream(_words(b"/X Do")), more=b"/XObject<</X 5 0 R>>")
    pdf_of(path, [*objects, form])


def _pdf_picture(path: Path) -> None:
    keys = (
        b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 8"
        b"/ColorSpace/DeviceGray/Filter/FlateDecode"
    )
    objects = _pdf_page(_stream(b"595 0 0 842 0 0 cm /X Do"), more=b"/XObject<</X 5 0 R>>")
    pdf_of(path, [*objects, _stream(flate(), keys)])


def _pdf_of_lines(path: Path) -> None:
    """A page of 200,000 short lines and letters, which is hard on whatever compares each with each."""
    sheet = Canvas(str(path), pageCompression=1)
    for n in range(100_000):
        sheet.line(n % 500, n // 200, n % 500 + 3, n // 200)
        sheet.drawString(n % 597, n // 129, "x")
    sheet.save()


def _mail(path: Path, build: Callable[[EmailMessage], None]) -> None:
    message = EmailMessage()
    message["Subject"] = "Many things"
    message.set_content(KEPT)
    build(message)
    path.write_bytes(message.as_bytes())


def _mail_in_mail(path: Path) -> None:
    text = f"Subject: innermost\n\n{KEPT}\n"
    for n in range(50):
        text = (
            f'Subject: {n}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n\n{KEPT}\n'
            f"--b{n}\nContent-Type: message/rfc822\n\n{text}\n--b{n}--\n"
        )
    path.write_text(text)


def _mail_of_parts_in_parts(path: Path) -> None:
    head = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(5000)
    )
    path.write_text(f"Subject: deep\nMIME-Version: 1.0\n{head}\n{KEPT}\n")


def _many_attachments(message: EmailMessage) -> None:
    for n in range(10_000):
        message.add_attachment(f"{n}", filename=f"{n}.txt")


def _jpeg(path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG")
    bombs.jpeg_of(path, buffer.getvalue(), 65_500, 65_500)


def _large_picture(path: Path) -> None:
    bombs.png_of(path, 10_400, 10_400, zlib.compress(bytes(1301 * 10_400)))


def _epub_loop(path: Path) -> None:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i"><metadata'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T</dc:title></metadata><manifest><item id="a"'
        ' href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine>'
        + '<itemref idref="a"/>' * 1000
        + "</spine></package>"
    )
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile'
        ' full-path="c.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{KEPT}</p><a href="a.xhtml">on</a></body></html>'
    parts = {"META-INF/container.xml": container, "c.opf": package, "a.xhtml": page}
    zip_of(path, {"mimetype": "application/epub+zip", **parts})


def _slides_loop(path: Path) -> None:
    import pptx

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = KEPT
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/slide"
    slide.part.rels.get_or_add(kind, slide.part)
    deck.save(str(path))


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(KEPT.encode())
        file.seek(300 << 20)
        file.write(b"end")


def _text(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text) and None


_ROW = "".join(f"<w:tc>{_paragraph('x')}</w:tc>" for _ in range(300))
_WIDEST = '<dimension ref="A1:XFD1048576"/>'
_NEAR = f'<row r="1">{_cell("A1", KEPT)}</row>'
_FAR = f'{_NEAR}<row r="1048576">{_cell("XFD1048576", "far")}</row>'

# What each is called, the state it ends in ("unpacked": every member has a problem), and how it is made.
HOSTILE: dict[str, tuple[str, Callable[[Path], object]]] = {
    # containers
    "deflate.zip": ("bomb", _bomb_in("a.txt")),
    "deflate.docx": ("bomb", _bomb_in("word/document.xml")),
    "deflate.xlsx": ("bomb", _bomb_in("xl/sharedStrings.xml")),
    "deflate.epub": ("bomb", _bomb_in("a.xhtml", Packed("mimetype", b"application/epub+zip", 20, 0))),
    "deflate.odt": ("bomb", _bomb_in("content.xml", Packed("mimetype", (_ODF + "text").encode(), 39, 0))),
    "liar.docx": ("corrupt", _liar),
    "overlap.docx": ("bomb", _overlap),
    "overlap.zip": ("bomb", _overlap),
    "many-members.zip": ("bomb", lambda p: zip_of(p, {f"{n}": "" for n in range(60_000)})),
    "nested-bombs.zip": ("unpacked", lambda p: bombs.nested_zip(p, 2, 10)),
    "zip-in-zip.zip": ("unpacked", lambda p: bombs.zip_in_zip(p, 300, b"PK\x03\x04")),
    # entities
    "laughs.docx": ("corrupt", lambda p: _word(p, _paragraph("&j;") + _paragraph(KEPT), _LAUGHS)),
    "laughs.xlsx": ("corrupt", lambda p: _sheet(p, f'<row r="1">{_cell("A1", "&j;")}</row>', _LAUGHS)),
    "laughs.odt": ("corrupt", lambda p: _laughing_text(p, _LAUGHS)),
    "laughs.ods": ("corrupt", lambda p: _laughing_sheet(p, _LAUGHS)),
    "laughs.html": ("indexed", _text(f"{_LAUGHS}<p>&j;</p><p>{KEPT}</p>")),
    "laughs.xml": ("indexed", _text(f"{_LAUGHS}<p>&j;</p><p>{KEPT}</p>")),
    "laughs.svg": ("indexed", _text(f"{_LAUGHS}<svg><text>&j;{KEPT}</text></svg>")),
    "quadratic.docx": ("corrupt", lambda p: _word(p, _paragraph("&j;" * 50_000) + _paragraph(KEPT), _QUADRATIC)),
    "external.docx": ("indexed", lambda p: _word(p, _paragraph("&j;") + _paragraph(KEPT), _EXTERNAL)),
    "external.odt": ("corrupt", lambda p: _laughing_text(p, _EXTERNAL)),
    # markup without end
    "deep.docx": ("corrupt", lambda p: _word(p, "<w:p>" * _DEEP + "</w:p>" * _DEEP)),
    "deep.html": ("indexed_partial", _text(f"<p>{KEPT}" + "<div>" * _DEEP)),
    "deeper.html": ("indexed", _text("<div>" * 2_000 + KEPT)),
    "deep.md": ("indexed_partial", _text(f"{KEPT}\n\n" + "> " * 50_000 + "x")),
    "brackets.md": ("timeout", _text(f"{KEPT}\n\n" + "[" * _DEEP + "![](" * _DEEP)),
    "stars.md": ("indexed", _text(f"{KEPT}\n\n" + "*a **b " * 50_000)),
    "deep.json": ("indexed", _text("[" * 1_000_000)),
    "deep.rtf": ("corrupt", _text("{\\rtf1 " + "{" * 1_000_000 + KEPT)),
    "deep.ods": ("corrupt", _deep_sheet),
    "tags.html": ("indexed", _text("<b a=1 b=2>" * 1_000 + KEPT)),
    # pictures
    "huge.png": ("bomb", lambda p: bombs.png_of(p, 60_000, 60_000, flate())),
    "huge.tiff": ("bomb", lambda p: bombs.tiff_of(p, 60_000, 60_000)),
    "huge.bmp": ("bomb", lambda p: bombs.bmp_of(p, 60_000, 60_000)),
    "huge.jpg": ("bomb", _jpeg),
    "large.png": ("empty_text", _large_picture),
    "loop.tiff": ("empty_text", bombs.tiff_that_loops),
    "pages.tiff": ("empty_text", lambda p: bombs.many_ifds(p, 100_000)),
    # PDF
    "tree-loop.pdf": ("indexed_partial", _pdf_tree_loop),
    "million-pages.pdf": ("indexed", _pdf_of_a_million_pages),
    "flate.pdf": ("out_of_memory", lambda p: pdf_of(p, _pdf_page(_stream(flate(), b"/Filter/FlateDecode")))),
    "form-loop.pdf": ("out_of_memory", _pdf_form_loop),
    "wide.pdf": ("indexed", lambda p: pdf_of(p, _pdf_page(_stream(_words()), b"0 0 2000000000 2000000000"))),
    "picture.pdf": ("empty_text", _pdf_picture),
    "lines.pdf": ("indexed", _pdf_of_lines),
    # text
    "sparse.txt": ("too_large", _sparse),
    "line.txt": ("indexed_partial", _text("x" * (150 << 20))),
    "blanks.txt": ("indexed", _text(KEPT + " " * (5 << 20) + "x")),
    "columns.csv": ("indexed", _text("x," * 1_000_000)),
    "open-quote.csv": ("indexed_partial", _text('a,b\n"' + "x, y\n" * 4_000_000)),
    # mail
    "mail-in-mail.eml": ("indexed_partial", _mail_in_mail),
    "parts-in-parts.eml": ("corrupt", _mail_of_parts_in_parts),
    "attachments.eml": ("indexed_partial", lambda p: _mail(p, _many_attachments)),
    # Office
    "far.xlsx": ("indexed", lambda p: _sheet(p, _FAR, extra=_WIDEST)),
    "claims.xlsx": ("indexed", lambda p: _sheet(p, _NEAR, extra=_WIDEST)),
    "cells.docx": ("indexed", lambda p: _word(p, f"<w:tbl>{f'<w:tr>{_ROW}</w:tr>' * 300}</w:tbl>")),
    "loop.epub": ("indexed", _epub_loop),
    "loop.pptx": ("indexed", _slides_loop),
    "font.ttf": ("unsupported_type", lambda p: p.write_bytes(b"\x00\x01\x00\x00" + bytes(10_000))),
}  # fmt: skip


def make(name: str, folder: Path) -> Path:
    """Write the file ``name`` into ``folder``."""
    path = folder / name
    HOSTILE[name][1](path)
    return path
