"""Draws a page of a PDF file or of a picture as PNG, with a span of its text highlighted.

Formats without pages of their own (office files, web pages, plain text) have no page image:
``NotFound``.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import NotFound
from corpus.records import Box, Parsed, Span
from ingest.parsing.boxes import span_boxes
from ingest.parsing.limits import Limits

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["has_page_images", "page_image"]

_PDFIUM = threading.Lock()  # pdfium may only be used from one thread at a time
_YELLOW = (255, 214, 0, 96)  # red, green, blue, opacity: the text stays readable through it
_PAD = 2  # pixels that a highlight reaches beyond its words
_MAX_WIDTH = 4000
_MAX_ASPECT = 20  # height over width of a page; a longer one is drawn smaller


def has_page_images(media_type: str) -> bool:
    """Whether pages of this media type can be drawn."""
    return media_type == "application/pdf" or media_type.startswith("image/")


def page_image(
    path: Path,
    media_type: str,
    page: int,
    width: int = 1000,
    parsed: Parsed | None = None,
    span: Span | None = None,
) -> bytes:
    """Page ``page`` as PNG.

    Args:
        path: the stored original.
        media_type: as its parser reported it.
        page: from 1.
        width: of the image in pixels; kept between 64 and 4,000.
        parsed: the document, needed to find ``span``.
        span: what to highlight; nothing when it does not touch this page.

    Raises:
        NotFound: there is no such page, or pages of this media type cannot be drawn.
    """
    if not has_page_images(media_type):
        raise NotFound(
            f"A document of type {media_type!r} has no page images; show its text instead."
        )
    width = min(max(width, 64), _MAX_WIDTH)
    draw = _draw_pdf if media_type == "application/pdf" else _draw_picture
    with _PDFIUM:
        image = draw(path, page, width).convert("RGBA")
        boxes = span_boxes(path, parsed, page, span) if parsed and span else []
    image = _highlighted(image, boxes) if boxes else image
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _no_page(path: Path, page: int, pages: int) -> NotFound:
    return NotFound(f"There is no page {page!r} in {path.name!r}; it has {pages} of them.")


def _draw_pdf(path: Path, page: int, width: int) -> Image:
    from ingest.parsing.pdf import open_pdf

    with open_pdf(path) as document:
        if not 1 <= page <= len(document):
            raise _no_page(path, page, len(document))
        shown = document[page - 1]
        page_width, page_height = shown.get_size()
        scale = min(width / page_width, width * _MAX_ASPECT / page_height)
        image: Image = shown.render(scale=scale).to_pil()
        shown.close()
    return image


def _draw_picture(path: Path, page: int, width: int) -> Image:
    from PIL import ImageOps

    from ingest.parsing.pictures import open_picture

    with open_picture(path, Limits()) as image:
        frames = getattr(image, "n_frames", 1)
        if not 1 <= page <= frames:
            raise _no_page(path, page, frames)
        image.seek(page - 1)
        upright = ImageOps.exif_transpose(image).convert("RGB")
    height = min(max(round(upright.height * width / upright.width), 1), width * _MAX_ASPECT)
    return upright.resize((width, height))


def _highlighted(image: Image, boxes: Sequence[Box]) -> Image:
    from PIL import Image as Images
    from PIL import ImageDraw

    layer = Images.new("RGBA", image.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    width, height = image.size
    for box in boxes:
        corners = (box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height)
        x0, y0, x1, y1 = corners
        pen.rectangle((x0 - _PAD, y0 - _PAD, x1 + _PAD, y1 + _PAD), fill=_YELLOW)
    return Images.alpha_composite(image, layer)
