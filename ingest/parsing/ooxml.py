"""What ``unstructured`` leaves out of Office files, read from their XML: charts' numbers, text boxes,
and how many words and pictures a file holds, by which a loss is noticed.

Knows the parts inside the containers; nothing of how text is arranged. Entities are never resolved.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.parsing.canonical import one_line

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = [
    "Table",
    "charts",
    "local_name",
    "pictures",
    "related",
    "running_text",
    "sheet_charts",
    "slide_charts",
    "slide_pictures",
    "text_boxes",
    "word_counts",
    "xml_root",
]

_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DRAWING_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_FORMULA = "{http://schemas.openxmlformats.org/officeDocument/2006/math}oMath"
_CHART_PART = re.compile(r"^\w+/charts/chart\w*\.xml$")
_BODY_PART = re.compile(r"^word/document\w*\.xml$")
_PICTURE = re.compile(r"^\w+/media/.+")
_WORKBOOK = "xl/workbook.xml"
_WORD = re.compile(r"\w+")

Table = list[list[str]]


def xml_root(data: bytes) -> _Element:
    """The XML in ``data``; nothing outside of it is looked at."""
    import lxml.etree

    return lxml.etree.fromstring(
        data, lxml.etree.XMLParser(resolve_entities=False, no_network=True)
    )


def pictures(path: Path) -> list[str]:
    """The parts that hold the pictures embedded in the file."""
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if _PICTURE.match(name)]


def slide_pictures(path: Path) -> dict[int, list[str]]:
    """The picture parts on each slide, slides counted from 1 in the order they are shown."""
    return _on_slides(path, "image")


def word_counts(path: Path, *, formulas: bool = True) -> Counter[str]:
    """The words of a Word file's body, text boxes and content controls included, deleted text not."""
    root = _body(path)
    if root is None:
        return Counter()
    if not formulas:
        for formula in list(root.iter(_FORMULA)):
            formula.clear(keep_tail=True)
    return Counter(_WORD.findall(running_text(root).lower()))


def text_boxes(path: Path) -> list[str]:
    """The paragraphs in the text boxes of a Word file's body."""
    root = _body(path)
    if root is None:
        return []
    boxes = (element for element in root.iter() if local_name(element) == "txbxContent")
    paragraphs = (one for box in boxes for one in box if local_name(one) == "p")
    return [text for paragraph in paragraphs if (text := one_line(running_text(paragraph)))]


def _body(path: Path) -> _Element | None:
    """The main part of a Word file, without what it says a second time for old programs."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if _BODY_PART.match(name)]
        if not names:
            return None
        root = xml_root(archive.read(names[0]))
    for fallback in list(root.iter(_FALLBACK)):
        fallback.getparent().remove(fallback)
    return root


def local_name(element: _Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def running_text(root: _Element) -> str:
    """The text below ``root``, as far as the document shows it."""
    pieces: list[str] = []
    for element in root.iter():
        local = local_name(element)
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
        return {name: _chart(xml_root(archive.read(name))) for name in sorted(names)}


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
    return _on_slides(path, "chart")


def _on_slides(path: Path, kind: str) -> dict[int, list[str]]:
    with zipfile.ZipFile(path) as archive:
        slides = related(archive, "ppt/presentation.xml", "slide")
        return {n: related(archive, slide, kind) for n, slide in enumerate(slides, 1)}


def sheet_charts(path: Path) -> list[tuple[str, list[str]]]:
    """Name and chart parts of each sheet of a workbook; sheets that are but a chart come last."""
    with zipfile.ZipFile(path) as archive:
        return [
            (
                name,
                [
                    chart
                    for part in related(archive, sheet, "drawing")
                    for chart in related(archive, part, "chart")
                ],
            )
            for kind in ("worksheet", "chartsheet")
            for name, sheet in _sheets(archive, kind)
        ]


def _sheets(archive: zipfile.ZipFile, kind: str) -> list[tuple[str, str]]:
    """Name and part of the sheets of one kind, in the order of their tabs."""
    parts = _relations(archive, _WORKBOOK, kind)
    if not parts:
        return []
    sheets = (one for one in xml_root(archive.read(_WORKBOOK)).iter() if local_name(one) == "sheet")
    named = ((str(one.get("name") or ""), _relation_id(one)) for one in sheets)
    return [(name, parts[id]) for name, id in named if id in parts]


def related(archive: zipfile.ZipFile, part: str, kind: str) -> list[str]:
    """The parts that ``part`` refers to as ``kind``: in the order in which it does so, as far as it
    names them one by one, and each once.
    """
    parts = _relations(archive, part, kind)
    if not parts:
        return []
    used = (_relation_id(one) for one in xml_root(archive.read(part)).iter())
    order = [id for id in dict.fromkeys(used) if id in parts]
    return list(dict.fromkeys(parts[id] for id in (*order, *parts)))


def _relation_id(element: _Element) -> str:
    return next((str(v) for key, v in element.items() if key.endswith(("}id", "}embed"))), "")


def _relations(archive: zipfile.ZipFile, part: str, kind: str) -> dict[str, str]:
    """Ids and parts of the relations of ``part`` whose type ends in ``kind`` and that are there."""
    folder, _, file = part.rpartition("/")
    names = set(archive.namelist())
    if not {part, listed := f"{folder}/_rels/{file}.rels"} <= names:
        return {}
    found = {
        str(one.get("Id")): posixpath.normpath(
            posixpath.join("/", folder, str(one.get("Target")))
        ).lstrip("/")
        for one in xml_root(archive.read(listed))
        if one.get("TargetMode") != "External" and str(one.get("Type")).endswith(f"/{kind}")
    }
    return {id: target for id, target in found.items() if target in names}
