"""Makes files that refer to something outside of themselves, in every way that their formats know: ``REFERENCES``.

Each holds the words ``AFTER`` behind the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pptx
from reportlab.pdfgen.canvas import Canvas

from tests.ingest.parsing.papers import odt_of, zip_of

__all__ = ["AFTER", "REFERENCES"]

AFTER = "These words stand behind it."
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"


def _text(text: str) -> Callable[[Path, str], object]:
    """A text file; ``URL`` in it becomes the address, and the words follow."""
    return lambda path, url: path.write_text(text.replace("URL", url).replace("AFTER", AFTER))


def _rewritten(path: Path, part: str, change: Callable[[bytes], bytes]) -> None:
    """Change one part of an Office file."""
    import zipfile

    with zipfile.ZipFile(path) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    zip_of(path, {**parts, part: change(bytes(parts.get(part, b"")))})


def _external(kind: str, url: str) -> Callable[[bytes], bytes]:
    """Adds a relation to something outside to the relations of a part."""
    one = (
        f'<Relationship Id="rIdX" Type="{_RELATIONS}/{kind}" Target="{url}" TargetMode="External"/>'
    )
    none = (
        f'<Relationships xmlns="{_RELATIONS.replace("officeDocument", "package")}"></Relationships>'
    )
    end = b"</Relationships>"
    return lambda xml: (xml or none.encode()).replace(end, one.encode() + end)


def _word(kind: str, part: str) -> Callable[[Path, str], None]:
    def make(path: Path, url: str) -> None:
        document = docx.Document()
        document.add_paragraph(AFTER)
        document.save(str(path))
        _rewritten(path, f"word/_rels/{part}.rels", _external(kind, url))

    return make


def _word_field(path: Path, url: str) -> None:
    document = docx.Document()
    document.add_paragraph()
    document.add_paragraph(AFTER)
    document.save(str(path))
    field = f'<w:fldSimple w:instr=" INCLUDEPICTURE &quot;{url}&quot; "/>'.encode()
    _rewritten(
        path, "word/document.xml", lambda xml: xml.replace(b"<w:p/>", b"<w:p>%b</w:p>" % field)
    )


def _word_entity(path: Path, url: str) -> None:
    document = docx.Document()
    document.add_paragraph("Before.")
    document.add_paragraph(AFTER)
    document.save(str(path))
    doctype = (
        f'<!DOCTYPE d SYSTEM "{url}/d.dtd" [<!ENTITY e SYSTEM "{url}/e">]><w:document'.encode()
    )
    _rewritten(
        path,
        "word/document.xml",
        lambda xml: xml.replace(b"<w:document", doctype, 1).replace(b"Before.", b"Before &e; it."),
    )


def _sheet(kind: str) -> Callable[[Path, str], None]:
    def make(path: Path, url: str) -> None:
        book = openpyxl.Workbook()
        book.active["A1"] = f'=WEBSERVICE("{url}/a")'
        book.active["A2"] = f"='{url}/[other.xlsx]S'!A1"
        book.active["A3"] = AFTER
        book.save(path)
        _rewritten(path, "xl/_rels/workbook.xml.rels", _external(kind, url))

    return make


def _slides(kind: str) -> Callable[[Path, str], None]:
    def make(path: Path, url: str) -> None:
        deck = pptx.Presentation()
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = AFTER
        deck.save(str(path))
        _rewritten(path, "ppt/slides/_rels/slide1.xml.rels", _external(kind, url))

    return make


def _mail(path: Path, url: str) -> None:
    message = EmailMessage()
    message["Subject"] = "A picture"
    message.set_content(
        f"<img src='{url}/a.png'><link href='{url}/a.css'><p>{AFTER}</p>", subtype="html"
    )
    path.write_bytes(message.as_bytes())


def _mail_of_links(path: Path, url: str) -> None:
    path.write_text(
        'Subject: elsewhere\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n'
        f'Content-Type: message/external-body; access-type=URL; URL="{url}/body"\n\n--b\n'
        f"Content-Type: text/plain\n\n{AFTER}\n--b--\n"
    )


def _pdf(path: Path, url: str) -> None:
    sheet = Canvas(str(path))
    sheet.drawString(72, 700, AFTER)
    sheet.linkURL(url, (72, 690, 300, 720))
    sheet.save()
    action = f"/OpenAction<</S/URI/URI({url}/open)>>/AA<</O<</S/GoToR/F<</FS/URL/F({url}/r.pdf)>>/D[0/Fit]>>>>"
    launch = f"/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(app.launchURL\\('{url}'\\))>>]>>>>"
    path.write_bytes(
        path.read_bytes().replace(b"/Type /Catalog", f"/Type /Catalog {action}{launch}".encode())
    )


def _epub(path: Path, url: str) -> None:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i"><metadata'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T</dc:title></metadata><manifest><item id="a"'
        f' href="a.xhtml" media-type="application/xhtml+xml"/><item id="c" href="{url}/c.css" media-type="text/css"/>'
        '</manifest><spine><itemref idref="a"/></spine></package>'
    )
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile'
        ' full-path="c.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    page = (
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head><link rel="stylesheet" href="{url}/c.css"/></head>'
        f'<body><img src="{url}/a.png"/><p>{AFTER}</p></body></html>'
    )
    parts = {"META-INF/container.xml": container, "c.opf": package, "a.xhtml": page}
    zip_of(path, {"mimetype": "application/epub+zip", **parts})


def _picture_in_text(path: Path, url: str) -> None:
    frame = f'<draw:frame><draw:image xlink:href="{url}/a.png"/></draw:frame>'
    odt_of(path, f"Before.\n\n{AFTER}", lambda xml: xml.replace("Before.", f"Before. {frame}"))


def _open_document(kind: str, body: str) -> Callable[[Path, str], None]:
    def make(path: Path, url: str) -> None:
        names = " ".join(
            f'xmlns:{short}="{_ODF}{long}:1.0"'
            for short, long in (
                ("office", "office"),
                ("text", "text"),
                ("table", "table"),
                ("draw", "drawing"),
            )
        )
        content = (
            f'<office:document-content {names} xmlns:xlink="http://www.w3.org/1999/xlink"><office:body>'
            f"{body.replace('URL', url).replace('AFTER', AFTER)}</office:body></office:document-content>"
        )
        mimetype = f"application/vnd.oasis.opendocument.{kind}"
        zip_of(path, {"mimetype": mimetype, "content.xml": content})

    return make


REFERENCES: dict[str, Callable[[Path, str], object]] = {
    "embeds.html": _text(
        "<img src='URL/a'><script src='URL/b'></script><iframe src='URL/c'></iframe><link rel=stylesheet"
        " href='URL/d'><object data='URL/e'></object><video src='URL/f'></video><p>AFTER</p>"
    ),
    "base.html": _text(
        "<base href='URL'><meta http-equiv=refresh content='0;url=URL'><img src=a><p>AFTER"
    ),
    "doctype.xhtml": _text(
        "<!DOCTYPE html SYSTEM 'URL/x.dtd'><html><body><p>AFTER</p></body></html>"
    ),
    "entity.html": _text("<!DOCTYPE h [<!ENTITY e SYSTEM 'URL/e'>]><p>&e;</p><p>AFTER</p>"),
    "entity.xml": _text("<!DOCTYPE h SYSTEM 'URL/d' [<!ENTITY e SYSTEM 'URL/e'>]><p>&e; AFTER</p>"),
    "picture.svg": _text(
        "<svg><image href='URL/a'/><style>@import 'URL/b'</style><text>AFTER</text></svg>"
    ),
    "picture.md": _text("![a](URL/a.png) <img src='URL/b'>\n\n[c]: URL/c\n\nAFTER\n"),
    "template.docx": _word("attachedTemplate", "settings.xml"),
    "picture.docx": _word("image", "document.xml"),
    "object.docx": _word("oleObject", "document.xml"),
    "field.docx": _word_field,
    "entity.docx": _word_entity,
    "link.xlsx": _sheet("externalLink"),
    "connection.xlsx": _sheet("connections"),
    "media.pptx": _slides("video"),
    "picture.pptx": _slides("image"),
    "picture.eml": _mail,
    "external-body.eml": _mail_of_links,
    "actions.pdf": _pdf,
    "css.epub": _epub,
    "object.rtf": _text(
        r"{\rtf1 {\field{\*\fldinst INCLUDEPICTURE URL/a.png}{\fldrslt }}"
        r"{\object\objautlink{\*\objclass htmlfile}{\*\objdata 00}} AFTER}"
    ),
    "picture.odt": _picture_in_text,
    "source.ods": _open_document(
        "spreadsheet",
        '<table:table><table:table-source xlink:href="URL/t.ods"/><table:table-row><table:table-cell>'
        "<text:p>AFTER</text:p></table:table-cell></table:table-row></table:table>",
    ),
    "formula.csv": _text('=WEBSERVICE("URL/a"),=HYPERLINK("URL/b")\nAFTER,1\n'),
}
