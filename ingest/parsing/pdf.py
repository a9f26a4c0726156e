"""Reads PDF files page by page with pdfium: the text layer where there is one, OCR where there is
only a picture.

The choice between the two is made for each page. A broken page costs that page, and is named in
``missing``. Text in pictures on a page that has a text layer is not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import FileProblem
from corpus.records import Box, ElementKind, Parsed, State
from ingest.parsing.canonical import TextBuilder, one_line
from ingest.parsing.glyphs import UNKNOWN, pieces
from ingest.parsing.grids import rows_to_html
from ingest.parsing.layout import arrange
from ingest.parsing.limits import Limits
from ingest.parsing.lines import Block
from ingest.parsing.progress import in_time
from ingest.parsing.rules import lines_of, with_ruled_tables

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

__all__ = ["open_pdf", "parse_pdf"]

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_OCR_DPI = 200
_FEW_CHARACTERS = 100
_NUMBERS = re.compile(r"\d+")
_DOTTED = re.compile(r"^(\d+(?:\.\d+)*)\.?\s+\S")
_KINDS = {"list": ElementKind.LIST, "code": ElementKind.CODE, "table": ElementKind.TABLE}
_HEADING_CHARACTERS = 140
_NO_VALUE = ("", "unspecified", "anonymous", "untitled")
_MARGIN = 0.09  # of the page's height, above and below, where running heads stand


@dataclass(frozen=True, slots=True)
class _PageText:
    number: int
    width: float
    height: float
    origin: str
    blocks: list[Block]


def open_pdf(path: Path) -> PdfDocument:
    """Open the PDF file at ``path``.

    Raises:
        FileProblem: ``encrypted`` when it needs a password, ``corrupt`` when pdfium cannot make
            sense of it.
    """
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as exc:
        if exc.err_code == _PASSWORD_ERROR:
            reason = f"The file {path.name!r} is protected by a password; save a copy without one."
            raise FileProblem(State.ENCRYPTED, reason) from exc
        reason = f"The PDF {path.name!r} is damaged and cannot be opened; get a fresh copy."
        raise FileProblem(State.CORRUPT, reason) from exc


def parse_pdf(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read a PDF file: its pages in order, each in the reading order of its columns and tables."""
    builder = TextBuilder()
    with open_pdf(path) as document:
        pages = list(_read_pages(document, limits, builder.missing))
        info = _metadata(document)
    running = _running_heads(pages)
    body, sizes = _heading_sizes(pages)
    for page in pages:
        builder.start_page(page.number, origin=page.origin, width=page.width, height=page.height)
        for block in page.blocks:
            key = _running_key(block, page)
            if key in running and running[key] != page.number:
                continue  # a running head is said once
            _add(builder, page, block, _level(block, body, sizes))
    return builder.build(media_type, title=_title(info), metadata=info)


def _metadata(document: PdfDocument) -> dict[str, str]:
    info = {key: one_line(value) for key, value in document.get_metadata_dict(True).items()}
    return {key: value for key, value in info.items() if value.strip("()") not in _NO_VALUE}


def _title(info: dict[str, str]) -> str:
    """The title the file gives itself, unless it is what writing programs put there unasked."""
    title = info.get("Title", "")
    unasked = not title or title.lower().endswith((".doc", ".docx", ".tex", ".dvi", ".indd"))
    return "" if unasked or "untitled" in title.lower() or title.startswith("Microsoft") else title


def _read_pages(document: PdfDocument, limits: Limits, missing: list[str]) -> Iterator[_PageText]:
    import pypdfium2

    total = len(document)
    if total > limits.max_pages:
        missing.append(f"pages {limits.max_pages + 1} to {total}: over the limit of pages")
    for index in in_time(range(min(total, limits.max_pages)), limits, missing, "pages"):
        try:
            page = document[index]
            try:
                yield _read_page(page, index + 1, limits, missing)
            finally:
                page.close()
        except pypdfium2.PdfiumError:
            missing.append(f"page {index + 1}: damaged")
            yield _PageText(index + 1, 0.0, 0.0, "text", [])


def _read_page(page: PdfPage, number: int, limits: Limits, missing: list[str]) -> _PageText:
    width, height = page.get_size()
    textpage = page.get_textpage()
    try:
        found = pieces(page, textpage)
        if not found and textpage.count_chars() > 0:
            blocks = _as_it_comes(textpage.get_text_range(), width, height)
        else:
            blocks = arrange(with_ruled_tables(found, lines_of(page)))
    finally:
        textpage.close()
    unknown = sum(block.text.count(UNKNOWN) for block in blocks)
    if not _needs_ocr(page, blocks, width * height):
        if unknown:
            missing.append(
                f"page {number}: {unknown} characters whose meaning the file does not give"
            )
        return _PageText(number, width, height, "text", blocks)
    from ingest.parsing.pictures import picture_blocks

    scale = min(_OCR_DPI / 72, (limits.max_image_pixels / (width * height)) ** 0.5)
    image = page.render(scale=scale).to_pil()
    seen = picture_blocks(image, width, height)
    if sum(len(b.text) for b in seen) > sum(len(b.text) for b in blocks):
        return _PageText(number, width, height, "ocr", seen)
    if not blocks:
        missing.append(f"page {number}: a picture in which no text was recognised")
    return _PageText(number, width, height, "text", blocks)


def _as_it_comes(text: str, width: float, height: float) -> list[Block]:
    """All text of a page on which every character is set at an angle."""
    parts = [part for part in re.split(r"(?:\r?\n){2,}", text) if part.strip()]
    return [Block("text", part, 0.0, 0.0, width, height, 0.0) for part in parts]


def _needs_ocr(page: PdfPage, blocks: list[Block], area: float) -> bool:
    """Whether the page is a picture: no usable text layer, but something to see."""
    from pypdfium2 import raw

    text = "".join(block.text for block in blocks)
    if len(text) >= _FEW_CHARACTERS and text.count(UNKNOWN) < 0.3 * len(text):
        return False
    shown = list(page.get_objects(max_depth=3))
    pictures = [item for item in shown if item.type == raw.FPDF_PAGEOBJ_IMAGE]
    if not text.strip():
        return bool(pictures) or len(shown) > 50  # letters drawn as outlines are many shapes
    covered = 0.0
    for picture in pictures:
        left, bottom, right, top = picture.get_bounds()
        covered += (right - left) * (top - bottom)
    return covered > 0.5 * area


def _running_key(block: Block, page: _PageText) -> tuple[str, int] | None:
    in_margin = block.y1 < _MARGIN * page.height or block.y0 > (1 - _MARGIN) * page.height
    if not in_margin or block.lines > 2:
        return None
    return _NUMBERS.sub("#", block.text), round(block.y0 / 8)


def _running_heads(pages: list[_PageText]) -> dict[tuple[str, int], int]:
    """Heads and feet that most pages share, with the page each is first on; page numbers count as
    equal.
    """
    first: dict[tuple[str, int], int] = {}
    count: Counter[tuple[str, int]] = Counter()
    for page in pages:
        for key in {_running_key(block, page) for block in page.blocks} - {None}:
            if key is not None:
                count[key] += 1
                first.setdefault(key, page.number)
    return {key: first[key] for key, n in count.items() if n >= max(3, 0.4 * len(pages))}


def _heading_sizes(pages: list[_PageText]) -> tuple[float, list[float]]:
    """The body's font size, and the larger sizes in use, largest first."""
    weight: Counter[float] = Counter()
    for page in pages:
        for block in page.blocks:
            weight[round(block.size, 1)] += len(block.text)
    body = weight.most_common(1)[0][0] if weight else 0.0
    return body, sorted((size for size in weight if size > body * 1.12), reverse=True)


def _level(block: Block, body: float, sizes: list[float]) -> int:
    """Heading depth of ``block``, 0 if it is none."""
    if block.kind in ("code", "table") or len(block.text) > _HEADING_CHARACTERS or block.lines > 3:
        return 0
    if not any(char.isalpha() for char in block.text) or block.text.endswith((".", ",", ";", ":")):
        return 0
    numbered = _DOTTED.match(block.text)
    large = round(block.size, 1) in sizes
    if not large and not (block.bold and block.size > 0.95 * body):
        return 0
    if block.kind == "list" and not (numbered and (large or block.bold)):
        return 0
    if numbered:
        return min(numbered.group(1).count(".") + 2, 6)
    return min(sizes.index(round(block.size, 1)) + 1, 4) if large else min(len(sizes) + 1, 5)


def _add(builder: TextBuilder, page: _PageText, block: Block, level: int) -> None:
    kind = ElementKind.TITLE if level else _KINDS.get(block.kind, ElementKind.TEXT)
    if page.origin == "ocr":
        kind, level = ElementKind.IMAGE_TEXT, 0
    html = rows_to_html(block.rows) if block.rows else None
    builder.add(
        kind, block.text.replace(UNKNOWN, ""), box=_box(block, page), level=level, html=html
    )


def _box(block: Block, page: _PageText) -> Box:
    def part(value: float, whole: float) -> float:
        return round(min(max(value / whole, 0.0), 1.0), 5) if whole else 0.0

    return Box(
        part(block.x0, page.width),
        part(block.y0, page.height),
        part(block.x1, page.width),
        part(block.y1, page.height),
    )
