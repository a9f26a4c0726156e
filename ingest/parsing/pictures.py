"""Reads pictures of text (PNG, JPEG, BMP, WebP, TIFF with several pages) through OCR; a frame is a
page.

Also turns one picture, whatever it came from, into blocks in reading order (``picture_blocks``).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from corpus.errors import FileProblem
from corpus.records import Box, ElementKind, Parsed, State
from ingest.parsing.canonical import TextBuilder
from ingest.parsing.layout import arrange
from ingest.parsing.limits import Limits
from ingest.parsing.lines import Block, Piece
from ingest.parsing.ocr import OcrLine, read_lines
from ingest.parsing.progress import in_time

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["open_picture", "parse_picture", "picture_blocks"]

_LEAST_PIXELS = 12  # of a picture's shorter side, for a line of text to be legible in it
_FONT_OF_LINE = 0.75  # the box of a recognised line is that much taller than its font


def picture_blocks(image: Image, width: float, height: float) -> list[Block]:
    """The text of ``image`` in reading order, placed on a page of ``width`` by ``height`` points."""
    lines = read_lines(image) if min(image.size) >= _LEAST_PIXELS else []
    usual = median((line.box.y1 - line.box.y0) * height for line in lines) if lines else 0.0
    return arrange(_piece(line, width, height, usual) for line in lines)


def _piece(line: OcrLine, width: float, height: float, usual: float) -> Piece:
    """A recognised line; its box, which is tighter or wider by chance, is evened out where it is of
    usual height.
    """
    box = line.box
    tall = (box.y1 - box.y0) * height
    tall = usual if abs(tall - usual) < 0.3 * usual else tall
    middle = (box.y0 + box.y1) / 2 * height
    return Piece(
        text=line.text,
        x0=box.x0 * width,
        y0=middle - tall / 2,
        x1=box.x1 * width,
        y1=middle + tall / 2,
        size=tall * _FONT_OF_LINE,
    )


@contextmanager
def open_picture(path: Path, limits: Limits) -> Iterator[Image]:
    """The picture at ``path``; raises ``FileProblem`` when it is damaged or has too many pixels."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", Image.DecompressionBombWarning
            )  # our own limit is below
            with Image.open(path) as image:
                if image.width * image.height > limits.max_image_pixels:
                    raise _bomb(path)
                yield image
    except Image.DecompressionBombError as exc:
        raise _bomb(path) from exc
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as exc:
        reason = f"The picture {path.name!r} is damaged ({exc}); get a fresh copy."
        raise FileProblem(State.CORRUPT, reason) from exc


def parse_picture(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Recognise the text of every frame."""
    builder = TextBuilder()
    with open_picture(path, limits) as image:
        for number in in_time(
            _frames(image, limits, builder.missing), limits, builder.missing, "pages"
        ):
            _add_frame(builder, image, number)
    return builder.build(media_type)


def _frames(image: Image, limits: Limits, missing: list[str]) -> Iterator[int]:
    """Turn to one frame after the other, and say its number. To count them first would take Pillow a
    time that grows with the square of their number.
    """
    for index in count():
        try:
            image.seek(index)
        except EOFError:
            return
        if index == limits.max_pages:
            missing.append(f"pages after the first {limits.max_pages:,}: over the limit of pages")
            return
        yield index + 1


def _add_frame(builder: TextBuilder, frame: Image, number: int) -> None:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(frame)
    width, height = upright.size
    builder.start_page(number, origin="ocr", width=width, height=height)
    blocks = picture_blocks(upright, width, height)
    if not blocks:
        builder.missing.append(f"page {number}: a picture in which no text was recognised")
    for block in blocks:
        sides = (block.x0 / width, block.y0 / height, block.x1 / width, block.y1 / height)
        builder.add(ElementKind.IMAGE_TEXT, block.text, box=Box(*(round(s, 5) for s in sides)))


def _bomb(path: Path) -> FileProblem:
    reason = f"The picture {path.name!r} has more pixels than a page needs; it was not opened."
    return FileProblem(State.BOMB, reason)
