"""What ``unstructured`` leaves out of Office files, read from their XML: charts' numbers, comments
in cells, and how many words and pictures a file holds, by which a loss is noticed.

Knows the parts inside the containers; nothing of how text is arranged. Entities are never resolved.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.parsing.canonical import one_line

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["cell_comments", "charts", "count_pictures", "slide_charts", "text_boxes", "word_counts"]

_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DRAWING_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_FORMULA = "{http://schemas.openxmlformats.org/officeDocument/2006/math}oMath"
_CHART_PART = re.compile(r"^\w+/charts/chart\w*\.xml$")
_BODY_PART = re.compile(r"^word/document\w*\.xml$")
_PICTURE = re.compile(r"^\w+/media/.+")
_NOTICE = re.compile(r"^\[Threaded comment\].*?\bComment: ")  # what Excel tells its old versions
_WORD = re.compile(r"\w+")

Table = list[list[str]]


def _root(data: bytes) -> _Element:
    import lxml.etree

    return lxml.etree.fromstring(
        data, lxml.etree.XMLParser(resolve_entities=False, no_network=True)
    )


def count_pictures(path: Path) -> int:
    """Pictures embedded in the file; they are not read."""
    with zipfile.ZipFile(path) as archive:
        return sum(bool(_PICTURE.match(name)) for name in archive.namelist())


def word_counts(path: Path, *, formulas: bool = True) -> Counter[str]:
    """The words of a Word file's body, text boxes and content controls included, deleted text not."""
    root = _body(path)
    if root is None:
        return Counter()
    if not formulas:
        for formula in list(root.iter(_FORMULA)):
            formula.clear(keep_tail=True)
    return Counter(_WORD.findall(_running_text(root).lower()))


def text_boxes(path: Path) -> list[str]:
    """The paragraphs in the text boxes of a Word file's body."""
    root = _body(path)
    if root is None:
        return []
    boxes = (element for element in root.iter() if _local(element) == "txbxContent")
    paragraphs = (one for box in boxes for one in box if _local(one) == "p")
    return [text for paragraph in paragraphs if (text := one_line(_running_text(paragraph)))]


def _body(path: Path) -> _Element | None:
    """The main part of a Word file, without what it says a second time for old programs."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if _BODY_PART.match(name)]
        if not names:
            return None
        root = _root(archive.read(names[0]))
    for fallback in list(root.iter(_FALLBACK)):
        fallback.getparent().remove(fallback)
    return root


def _local(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _running_text(root: _Element) -> str:
    pieces: list[str] = []
    for element in root.iter():
        local = _local(element)
        if local == "t":
            pieces.append(element.text or "")
        elif local in ("p", "tab", "br", "oMath"):
            pieces.append(" ")
    return "".join(pieces)


def charts(path: Path) -> dict[str, tuple[str, Table]]:
    """Each chart part's name with the chart's title and its numbers: a header row, then a row per
    category.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if _CHART_PART.match(name)]
        return {name: _chart(_root(archive.read(name))) for name in sorted(names)}


def _chart(root: _Element) -> tuple[str, Table]:
    title = root.find(f".//{_CHART}title")
    heading = "" if title is None else "".join(t.text or "" for t in title.iter(_DRAWING_TEXT))
    series = list(root.iter(f"{_CHART}ser"))
    names = [" ".join(_points(one, "tx").values()) for one in series]
    categories = next((found for one in series if (found := _points(one, "cat", "xVal"))), {})
    values = [_points(one, "val", "yVal") for one in series]
    places = sorted({place for column in (categories, *values) for place in column})
    rows = [[categories.get(i, ""), *(column.get(i, "") for column in values)] for i in places]
    return one_line(heading), [["", *names], *rows] if rows else []


def _points(series: _Element, *parts: str) -> dict[int, str]:
    """Place and text of the points in the first of ``parts`` that the series has."""
    for part in parts:
        holder = series.find(f"{_CHART}{part}")
        if holder is not None:
            points = holder.iter(f"{_CHART}pt")
            return {place: p.findtext(f"{_CHART}v") or "" for place, p in enumerate(points)}
    return {}


def slide_charts(path: Path) -> dict[int, list[str]]:
    """The chart parts on each slide, slides counted from 1 in the order they are shown."""
    from pptx import Presentation

    found: dict[int, list[str]] = {}
    for number, slide in enumerate(Presentation(str(path)).slides, 1):
        parts = (
            rel.target_part.partname for rel in slide.part.rels.values() if not rel.is_external
        )
        names = [str(name).lstrip("/") for name in parts]
        found[number] = [name for name in names if _CHART_PART.match(name)]
    return found


def cell_comments(path: Path) -> Iterator[tuple[int, str]]:
    """Sheet number and wording of every comment in a workbook."""
    with zipfile.ZipFile(path) as archive:
        if not any(re.match(r"^xl/.*comments?\d*\.xml$", name) for name in archive.namelist()):
            return
    from openpyxl import load_workbook

    for number, sheet in enumerate(load_workbook(path).worksheets, 1):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.comment is not None:
                    text = _NOTICE.sub("", one_line(cell.comment.text or ""))
                    yield number, f"Comment at {cell.coordinate}: {text}"
