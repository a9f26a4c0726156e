"""Reads PDF files page by page."""

from __future__ import annotations

from pathlib import Path

from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder
from ingest.parsing.limits import Limits

__all__ = ["parse_pdf"]


def parse_pdf(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read a PDF file's text layer, in the order of its content stream."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    builder = TextBuilder()
    for number, page in enumerate(document, 1):
        width, height = page.get_size()
        builder.start_page(number, width=width, height=height)
        for block in page.get_textpage().get_text_range().split("\r\n\r\n"):
            builder.add(ElementKind.TEXT, block)
    return builder.build(media_type)
