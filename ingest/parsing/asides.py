"""What stands beside the text of Office files, and ``unstructured`` leaves out: footnotes, endnotes
and comments of Word files, comments on slides and in cells.

Each comes back as a line that says what it is and, of a comment, whose.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.parsing.canonical import one_line
from ingest.parsing.ooxml import local_name, related, running_text, xml_root

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["cell_comments", "slide_comments", "word_asides"]

_WORD_PARTS = (
    ("word/footnotes.xml", "footnote", "Footnote"),
    ("word/endnotes.xml", "endnote", "Endnote"),
    ("word/comments.xml", "comment", "Comment"),
)
_COMMENT_PART = re.compile(r"^xl/.*comments?\d*\.xml$")
_AUTHORS = ("ppt/commentAuthors.xml", "ppt/authors.xml")
_NOTICE = re.compile(r"^\[Threaded comment\].*?\bComment: ")  # what Excel tells its old versions
_THREAD = "tc="  # begins what Excel writes in place of the author of a thread


def word_asides(path: Path) -> list[str]:
    """Notes, then comments, in the order of their numbers."""
    found: list[str] = []
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        for part, tag, title in _WORD_PARTS:
            if part in names:
                found += _word_part(xml_root(archive.read(part)), tag, title)
    return found


def _word_part(root: _Element, tag: str, title: str) -> Iterator[str]:
    notes = [one for one in root if local_name(one) == tag and _get(one, "type") in ("", "normal")]
    for number, note in enumerate(notes, 1):
        if text := one_line(running_text(note)):
            yield (
                _said(title, _get(note, "author"), text)
                if tag == "comment"
                else f"{title} {number}: {text}"
            )


def slide_comments(path: Path) -> dict[int, list[str]]:
    """The comments on each slide that has some, slides counted from 1 in the order they are shown."""
    found: dict[int, list[str]] = {}
    with zipfile.ZipFile(path) as archive:
        authors = _authors(archive)
        for number, slide in enumerate(related(archive, "ppt/presentation.xml", "slide"), 1):
            for part in related(archive, slide, "comments"):
                found.setdefault(number, []).extend(
                    _on_slide(xml_root(archive.read(part)), authors)
                )
    return found


def _authors(archive: zipfile.ZipFile) -> dict[str, str]:
    parts = [part for part in _AUTHORS if part in archive.namelist()]
    return {
        _get(author, "id"): _get(author, "name")
        for part in parts
        for author in xml_root(archive.read(part))
    }


def _on_slide(root: _Element, authors: dict[str, str]) -> Iterator[str]:
    """Comments and the replies to them; the older format has the text in one element, the newer one
    in paragraphs.
    """
    for comment in root.iter():
        if local_name(comment) not in ("cm", "reply"):
            continue
        own = (one for one in comment if local_name(one) in ("text", "txBody"))
        if text := one_line(" ".join("".join(one.itertext()) for one in own)):
            yield _said("Comment", authors.get(_get(comment, "authorId"), ""), text)


def cell_comments(path: Path) -> Iterator[tuple[int, str]]:
    """Sheet number and wording of every comment in a workbook."""
    with zipfile.ZipFile(path) as archive:
        if not any(_COMMENT_PART.match(name) for name in archive.namelist()):
            return
    from openpyxl import load_workbook

    for number, sheet in enumerate(load_workbook(path).worksheets, 1):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.comment is not None:
                    text = _NOTICE.sub("", one_line(cell.comment.text or ""))
                    author = str(cell.comment.author or "")
                    name = "" if author.startswith(_THREAD) else author
                    yield number, _said(f"Comment at {cell.coordinate}", name, text)


def _said(what: str, author: str, text: str) -> str:
    return f"{what} by {one_line(author)}: {text}" if author.strip() else f"{what}: {text}"


def _get(element: _Element, name: str) -> str:
    """The attribute of that name, whatever its namespace; empty if there is none."""
    found = (value for key, value in element.items() if key.rpartition("}")[2] == name)
    return str(next(found, ""))
