"""The papers that the fake service holds: real PDF pages with known line boxes, and plain text."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
from PIL import ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from corpus.errors import NotFound
from corpus.records import content_id

Json = dict[str, Any]
_TOP, _LEADING, _LEFT, _SIZE = 760.0, 22.0, 64.0, 11

_FORMATS = (
    (
        "Quantization formats for local inference",
        "NVFP4 stores weights in four bits with a scale for every sixteen values.",
        "MXFP4 uses blocks of thirty-two values with a shared power-of-two scale.",
        "FP8 halves the memory of FP16 and needs almost no calibration.",
    ),
    (
        "What fits in 128 GB",
        "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4.",
        "GPT-OSS-120B in MXFP4 takes 65.9 GiB and decodes 34.57 tokens per second.",
        "A model over about 200B parameters does not fit in 128 GB of unified memory.",
    ),
    (
        "Starting the engines",
        "vLLM has a cold start of about 62 seconds.",
        "TensorRT-LLM may take up to 28 minutes to build its engine on the first start.",
    ),
)
_RUNBOOK = """# Backups of the inference box

The nightly backup of the catalog starts at 02:30 and keeps fourteen days.
Restore by stopping the service, copying the home folder back and starting it again.
Ring the on-call person when the backup disk is over 85 % full.
"""
_INVOICE = """Invoice 2026-114
Two NVMe drives of 4 TB for the inference box cost 612.40 EUR including tax.
"""


@dataclass(frozen=True)
class Line:
    """One line of a paper: its text and where it stands."""

    text: str
    start: int
    page: int | None
    row: int


@dataclass(frozen=True)
class Paper:
    """A document of the fake, with its pages when it is a PDF."""

    source: str
    title: str
    text: str
    media_type: str
    collection: str = "sample"
    pages: tuple[tuple[str, ...], ...] = ()
    original: bytes = field(default=b"", repr=False)
    state: str = "indexed"
    reason: str = ""

    @property
    def id(self) -> str:
        return content_id("document", self.collection, self.source, self.text)

    def lines(self) -> list[Line]:
        """Every line but headings, with its place in the text."""
        found, at = [], 0
        rows = [(n, i, t) for n, page in enumerate(self.pages, 1) for i, t in enumerate(page)]
        for number, row, text in rows or [(None, 0, t) for t in self.text.splitlines()]:
            at = self.text.index(text, at)
            if text.strip() and text.endswith("."):
                found.append(Line(text, at, number, row))
            at += len(text)
        return found

    def record(self) -> Json:
        """The document as the API lists it."""
        return {
            "id": self.id,
            "source": self.source,
            "title": self.title,
            "media_type": self.media_type,
            "collection": self.collection,
            "pages": len(self.pages),
            "state": self.state,
            "reason": self.reason,
            "size": len(self.original),
            "chunks": len(self.lines()),
        }

    def details(self) -> Json:
        """The record with its pages."""
        pages = [
            {"number": n, "origin": "text", "characters": sum(map(len, p))}
            for n, p in enumerate(self.pages, 1)
        ]
        return {**self.record(), "page_details": pages, "gone": False}

    def chunks(self, strategy: str) -> list[Json]:
        """Its chunks: every line, or (``fixed``) the whole text at once."""
        if strategy == "fixed":
            pieces = [(self.text, 0, 1 if self.pages else None)] if self.text else []
        else:
            pieces = [(line.text, line.start, line.page) for line in self.lines()]
        return [
            {
                "id": content_id("chunk", self.id, strategy, str(n)),
                "n": n,
                "start": start,
                "end": start + len(text),
                "page": page,
                "headings": [self.title] if self.title else [],
                "text": text,
                "tokens": len(text.split()),
            }
            for n, (text, start, page) in enumerate(pieces, 1)
        ]

    def passage(self, number: int, line: Line, score: float) -> Json:
        """A line as a passage."""
        record = {
            "sha256": hashlib.sha256(self.original).hexdigest(),
            "media_type": self.media_type,
            "collection": self.collection,
            "pages": len(self.pages),
            "state": self.state,
            "reason": self.reason,
            "size": len(self.original),
            "metadata": {},
        }
        return {
            "number": number,
            "document": self.id,
            "source": self.source,
            "title": self.title,
            "page": line.page,
            "start": line.start,
            "end": line.start + len(line.text),
            "text": line.text,
            "headings": [],
            "score": score,
            "record": record,
        }

    def page_png(self, number: int, width: int, start: int, end: int) -> bytes:
        """A picture of the page with the lines of ``[start, end)`` marked."""
        if not 1 <= number <= len(self.pages):
            raise NotFound(f"{self.source!r} has no picture of page {number}; read its text")
        page = pypdfium2.PdfDocument(self.original)[number - 1]
        scale = width / A4[0]
        picture = page.render(scale=scale).to_pil().convert("RGB")
        draw = ImageDraw.Draw(picture, "RGBA")
        for line in self.lines():
            if line.page == number and line.start < end and start < line.start + len(line.text):
                bottom = A4[1] - (_TOP - line.row * _LEADING)
                box = [_LEFT - 3, bottom - _SIZE, _LEFT + 5.1 * len(line.text), bottom + 4]
                draw.rectangle([b * scale for b in box], fill=(255, 214, 10, 90))
        out = io.BytesIO()
        picture.save(out, "PNG")
        return out.getvalue()


def make_pdf(pages: tuple[tuple[str, ...], ...]) -> bytes:
    """A PDF with one line of text per string; the first of a page is its heading."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    for lines in pages:
        for row, text in enumerate(lines):
            canvas.setFont("Helvetica-Bold" if row == 0 else "Helvetica", _SIZE)
            canvas.drawString(_LEFT, _TOP - row * _LEADING, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def papers() -> list[Paper]:
    """What the fake holds at its start."""
    text = "\n\n".join("\n".join(page) for page in _FORMATS)
    return [
        Paper(
            "guides/quantization-formats.pdf",
            "Quantization formats for local inference",
            text,
            "application/pdf",
            pages=_FORMATS,
            original=make_pdf(_FORMATS),
        ),
        Paper(
            "operations/backups.md",
            "Backups of the inference box",
            _RUNBOOK,
            "text/markdown",
            original=_RUNBOOK.encode(),
        ),
        Paper(
            "finance/invoice-114.txt",
            "Invoice 2026-114",
            _INVOICE,
            "text/plain",
            original=_INVOICE.encode(),
        ),
        Paper(
            "finance/contract-sealed.pdf",
            "contract-sealed.pdf",
            "",
            "application/pdf",
            original=b"%PDF-1.7",
            state="encrypted",
            reason="The file asks for a password.",
        ),
        Paper(
            "images/whiteboard.png",
            "whiteboard.png",
            "Order two drives before Friday.",
            "image/png",
            original=b"\x89PNG",
            state="indexed_partial",
            reason="Some of the picture could not be read.",
        ),
    ]


def read_upload(name: str, data: bytes, collection: str) -> Paper:
    """What becomes of an uploaded file."""
    source = f"upload:{name}"
    if not data:
        return Paper(
            source,
            name,
            "",
            "text/plain",
            collection,
            state="empty_text",
            reason="The file is empty.",
        )
    if name.endswith(".pdf"):
        document = pypdfium2.PdfDocument(data)
        pages = tuple(tuple(p.get_textpage().get_text_bounded().splitlines()) for p in document)
        text = "\n\n".join("\n".join(page) for page in pages)
        return Paper(source, name, text, "application/pdf", collection, pages=pages, original=data)
    if name.endswith((".txt", ".md")):
        return Paper(source, name, data.decode(), "text/plain", collection, original=data)
    return Paper(
        source,
        name,
        "",
        "",
        collection,
        original=data,
        state="unsupported_type",
        reason="Alcove cannot read this kind of file.",
    )
