"""Reads HTML and Markdown (as HTML) through ``unstructured``.

``unstructured`` leaves out what it takes for boilerplate: figures with their captions,
``<details>``, forms, deleted and inserted text, table captions, and every tag it does not know,
with the text inside. All of that can be what a reader looks for, so such tags are first renamed to
plain ones it reads. Navigation, scripts and embedded media are left out.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.records import Parsed
from ingest.parsing.canonical import TextBuilder, one_line
from ingest.parsing.limits import Limits
from ingest.parsing.office import add_elements
from ingest.parsing.plain import decode, read_text
from ingest.parsing.quiet_unstructured import partition

if TYPE_CHECKING:
    from lxml.html import HtmlElement

__all__ = ["add_html", "parse_html", "parse_markdown"]

_DROPPED = [
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "svg",
    "select",
    "datalist",
    "iframe",
    "object",
    "embed",
    "audio",
    "video",
    "canvas",
    "input",
    "textarea",
    "button",
    "noembed",
    "noframes",
    "link",
    "meta",
    "title",
]
_BLOCKS = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "div",
    "footer",
    "header",
    "hgroup",
    "main",
    "section",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "p",
    "pre",
    "dl",
    "ol",
    "ul",
    "dd",
    "dt",
    "li",
    "table",
]
_INLINE = [
    "a",
    "b",
    "em",
    "i",
    "strong",
    "abbr",
    "bdi",
    "bdo",
    "big",
    "br",
    "cite",
    "code",
    "data",
    "dfn",
    "kbd",
    "mark",
    "meter",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "sub",
    "sup",
    "time",
    "tt",
    "u",
    "var",
    "wbr",
    "math",
    "img",
]
_TABLE_PARTS = ["thead", "tbody", "tfoot", "tr", "td", "th", "colgroup", "col"]
_BOXES = ("figure", "form", "details", "fieldset", "search", "menu")
_RENAMED = {"summary": "p", "figcaption": "p", "legend": "p", "caption": "p"}
_KNOWN = {*_BLOCKS, *_INLINE, *_TABLE_PARTS, "html", "head", "hr"}
_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>")
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z][\w -]{0,40}):[ \t]*(\S.*)$", re.MULTILINE)


def parse_html(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read a web page."""
    builder = TextBuilder()
    title = add_html(builder, _decoded(path.read_bytes()))
    return builder.build(media_type, title=title)


def parse_markdown(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read CommonMark with tables; the fields of a front matter become metadata.

    ``markdown-it-py`` makes the HTML: the converter that ``unstructured`` uses by itself does not
    see a list, code fence or table that follows a paragraph without a blank line between.
    """
    from markdown_it import MarkdownIt

    text = read_text(path).replace("\r\n", "\n")
    front = _FRONT_MATTER.match(text)
    fields = (
        {key: one_line(value).strip("\"'") for key, value in _FIELD.findall(front[1])}
        if front
        else {}
    )
    if front and fields:
        text = text[front.end() :]
    converter = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    builder = TextBuilder()
    add_html(builder, f"<html><body>{converter.render(text)}</body></html>")
    return builder.build(media_type, title=fields.get("title", ""), metadata=fields)


def add_html(builder: TextBuilder, html: str) -> str:
    """Add the text of ``html`` to ``builder``; returns the page's own title."""
    import lxml.etree
    import lxml.html

    try:
        root = lxml.html.document_fromstring(_PROLOG.sub("", html))
    except lxml.etree.ParserError:
        return ""  # no element at all: an empty page
    title = one_line(root.findtext(".//title") or "")
    _simplify(root)
    elements = partition("html", text=lxml.html.tostring(root, encoding="unicode"))
    add_elements(builder, elements)
    return title


def _decoded(data: bytes) -> str:
    named = _CHARSET.search(data[:4096])
    if named and not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        try:
            return data.decode(codecs.lookup(named[1].decode("ascii")).name, "replace")
        except LookupError:
            return decode(data)
    return decode(data)


def _simplify(root: HtmlElement) -> None:
    """Drop what is no text, and rename what ``unstructured`` would drop."""
    import lxml.etree

    for comment in list(root.iter(lxml.etree.Comment, lxml.etree.ProcessingInstruction)):
        comment.drop_tree()
    for element in list(root.iter(*_DROPPED)):
        element.drop_tree()
    for caption in list(root.iter("caption")):
        _move_before(caption, caption.getparent())
    for element in root.iter():
        if element.tag in _KNOWN:
            continue
        inline = not any(child.tag in _BLOCKS or child.tag in _RENAMED for child in element.iter())
        element.tag = _RENAMED.get(element.tag) or (
            "span" if inline and element.tag not in _BOXES else "div"
        )


def _move_before(element: HtmlElement, table: HtmlElement | None) -> None:
    if table is None or table.getparent() is None:
        return
    table.remove(element)
    table.addprevious(element)
