"""Draws the sample's pictures of text: scanned pages, a sign on a door, a terminal window.

The bytes must be the same on every machine, so nothing here uses floating point, a compressor or a
system font: the font is the one bundled with Pillow, paper is skewed by whole pixels, noise comes
from Python's own generator with a fixed seed, scans are JPEG and PNG files are stored uncompressed.
"""

from __future__ import annotations

import random
import struct
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from corpus.sample.build.blocks import Block

__all__ = ["scanned_pages", "write_sign", "write_terminal"]

_PAPER = (1240, 1754)  # A4 at 150 dots per inch, in pixels
_LEFT, _TOP, _BOTTOM = 120, 130, 1640
_SIZES = {1: 44, 2: 32, 3: 28}
_SIZE = 25


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType: install its published wheel.")
    return font


def scanned_pages(blocks: list[Block], seed: int) -> list[bytes]:
    """The pages of ``blocks`` as JPEG files of skewed, noisy grey paper."""
    pages: list[list[Block]] = [[]]
    for block in blocks:
        if block.kind == "break":
            pages.append([])
        else:
            pages[-1].append(block)
    return [_scan(_page(page), seed + number) for number, page in enumerate(pages)]


def _page(blocks: list[Block]) -> Image.Image:
    image = Image.new("L", _PAPER, 250)
    pen = ImageDraw.Draw(image)
    y = _TOP
    for block in blocks:
        y = _draw_block(pen, block, y) + 18
    if y > _BOTTOM:
        raise ValueError(f"A scanned page overflows by {y - _BOTTOM} pixels: add a '---' line.")
    return image


def _draw_block(pen: ImageDraw.ImageDraw, block: Block, y: int) -> int:
    """Draw one block from ``y`` downwards; gives the y below it, in pixels."""
    if block.kind == "heading":
        return _draw_lines(pen, [block.text], _LEFT, y, _SIZES[block.level])
    if block.kind == "table":
        return _draw_table(pen, block.rows, y)
    if block.kind in ("bullets", "numbers"):
        for number, item in enumerate(block.items, 1):
            mark = "-" if block.kind == "bullets" else f"{number}."
            pen.text((_LEFT, y), mark, font=_font(_SIZE), fill=25)
            y = _draw_lines(pen, _wrap(item, _PAPER[0] - 2 * _LEFT - 40), _LEFT + 40, y, _SIZE)
        return y
    return _draw_lines(pen, _wrap(block.text, _PAPER[0] - 2 * _LEFT), _LEFT, y, _SIZE)


def _draw_lines(pen: ImageDraw.ImageDraw, lines: list[str], x: int, y: int, size: int) -> int:
    for line in lines:
        pen.text((x, y), line, font=_font(size), fill=25)
        y += size * 3 // 2
    return y


def _wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font(_SIZE).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _draw_table(pen: ImageDraw.ImageDraw, rows: tuple[tuple[str, ...], ...], y: int) -> int:
    widths = [
        int(max(_font(_SIZE).getlength(cell) for cell in column)) + 36
        for column in zip(*rows, strict=True)
    ]
    height = _SIZE * 2
    for row in rows:
        x = _LEFT
        for cell, width in zip(row, widths, strict=True):
            pen.rectangle((x, y, x + width, y + height), outline=90, width=2)
            pen.text((x + 16, y + 10), cell, font=_font(_SIZE), fill=25)
            x += width
        y += height
    return y


def _scan(image: Image.Image, seed: int) -> bytes:
    """What a scanner makes of ``image``: skewed by a third of a degree, soft, grainy."""
    soft = _skew(image, 170).filter(ImageFilter.BoxBlur(1))
    grain = Image.frombytes("L", _PAPER, random.Random(seed).randbytes(_PAPER[0] * _PAPER[1]))
    quiet = grain.point([level // 9 for level in range(256)])
    out = BytesIO()
    ImageChops.subtract(soft, quiet).save(out, "JPEG", quality=60, dpi=(150, 150))
    return out.getvalue()


def _skew(image: Image.Image, run: int) -> Image.Image:
    """Move columns down and rows left by one pixel every ``run`` pixels: a small turn, exactly."""
    width, height = image.size
    tilted = Image.new("L", image.size, 250)
    for left in range(0, width, run):
        strip = image.crop((left, 0, min(left + run, width), height))
        tilted.paste(strip, (left, left // run))
    turned = Image.new("L", image.size, 250)
    for top in range(0, height, run):
        strip = tilted.crop((0, top, width, min(top + run, height)))
        turned.paste(strip, (-(top // run), top))
    return turned


def write_sign(path: Path, text: str) -> None:
    """A sign on a grey wall, the first line large, as a PNG of 16 shades."""
    image = Image.new("L", (1000, 760), 150)
    pen = ImageDraw.Draw(image)
    for y in range(760):
        pen.line((0, y, 999, y), fill=170 - y // 16)
    pen.rectangle((96, 66, 916, 706), fill=70)
    pen.rectangle((84, 54, 904, 694), fill=246, outline=40, width=6)
    y = 90
    for number, line in enumerate(text.splitlines()):
        size = 58 if number == 0 else 34
        pen.text((130, y), line, font=_font(size), fill=20)
        y += size * 3 // 2
    for x, top in ((104, 74), (872, 74), (104, 662), (872, 662)):
        pen.ellipse((x, top, x + 12, top + 12), fill=90)
    _write_png(path, image)


def write_terminal(path: Path, text: str) -> None:
    """A terminal window with ``text``, light on dark; a tab in the text starts the next column."""
    lines = text.splitlines()
    image = Image.new("L", (1180, 90 + 36 * len(lines)), 24)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 1180, 44), fill=70)
    for x in (20, 52, 84):
        pen.ellipse((x, 12, x + 20, 32), fill=150)
    pen.text((440, 8), "operator@spark-01", font=_font(24), fill=230)
    for number, line in enumerate(lines):
        for column, cell in enumerate(line.split("\t")):
            pen.text((24 + 290 * column, 62 + 36 * number), cell, font=_font(25), fill=235)
    _write_png(path, image)


def _write_png(path: Path, image: Image.Image) -> None:
    """Write ``image`` as a 4-bit grey PNG whose data are stored, since compressors differ."""
    width, height = image.size
    levels = image.tobytes()
    rows = []
    for start in range(0, width * height, width):
        row = levels[start : start + width]
        packed = bytes(
            (high & 0xF0) | (low >> 4) for high, low in zip(row[::2], row[1::2], strict=True)
        )
        rows.append(b"\x00" + packed)
    header = struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", _stored(b"".join(rows))), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_png_part(*part) for part in parts))


def _png_part(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def _stored(data: bytes) -> bytes:
    """A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4) that holds ``data``."""
    pieces = [data[start : start + 65535] for start in range(0, len(data), 65535)]
    out = bytearray(b"\x78\x01")
    for number, piece in enumerate(pieces, 1):
        out += struct.pack("<BHH", number == len(pieces), len(piece), len(piece) ^ 0xFFFF) + piece
    return bytes(out + struct.pack(">I", zlib.adler32(data)))
