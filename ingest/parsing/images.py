"""Reads pictures of text (PNG, JPEG, BMP, WebP, TIFF with several pages) through OCR; a frame is a page."""

from __future__ import annotations

from pathlib import Path

from corpus.records import ElementKind, Parsed
from ingest.parsing.canonical import TextBuilder
from ingest.parsing.limits import Limits
from ingest.parsing.ocr import read_lines

__all__ = ["parse_image"]


def parse_image(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Recognise the text of every frame."""
    from PIL import Image, ImageSequence

    builder = TextBuilder()
    with Image.open(path) as image:
        for number, frame in enumerate(ImageSequence.Iterator(image), 1):
            builder.start_page(number, origin="ocr", width=frame.width, height=frame.height)
            for line in read_lines(frame):
                builder.add(ElementKind.IMAGE_TEXT, line.text, box=line.box)
    return builder.build(media_type)
