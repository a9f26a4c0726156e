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
from ingest.metadata import read_yaml
from ingest.parsing.canonical import TextBuilder, one_line
from ingest.parsing.limits import Limits
from ingest.parsing.office import add_elements
from ingest.parsing.plain import decode, read_bytes, read_text
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
_MAX_DEPTH = 200  # of elements in a page
_MAX_NESTING = 100  # of blocks in Markdown
_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>")
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


def parse_html(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read a web page."""
    builder = TextBuilder()
    title = add_html(builder, _decoded(read_bytes(path, limits, builder.missing)))
    return builder.build(media_type, title=title)


def parse_markdown(path: Path, media_type: str, limits: Limits) -> Parsed:
    """Read CommonMark with tables; a front matter of plain YAML fields becomes metadata instead of text.

    One that holds more than names with texts or lists stays where it is: nothing of it is lost.

    ``markdown-it-py`` makes the HTML: the converter that ``unstructured`` uses by itself does not
    see a list, code fence or table that follows a paragraph without a blank line between.
    """
    from markdown_it import MarkdownIt

    builder = TextBuilder()
    text = read_text(path, limits, builder.missing).replace("\r\n", "\n")
    fields, text = _front_matter(text)
    options = {"html": True, "maxNesting": _MAX_NESTING}
    converter = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    tokens = converter.parse(text)
    if any(token.level >= _MAX_NESTING - 1 for token in tokens):
        builder.missing.append(f"what is nested deeper than {_MAX_NESTING} quotes or lists")
    body = converter.renderer.render(tokens, converter.options, {})
    add_html(builder, f"<html><body>{body}</body></html>")
    return builder.build(media_type, title=fields.get("title", ""), metadata=fields)


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The fields on top of ``text``, and what is left of it."""
    front = _FRONT_MATTER.match(text)
    if front is None:
        return {}, text
    try:
        fields = read_yaml(front[1])
    except ValueError:
        return {}, text
    return fields, text[front.end() :] if fields else text


def add_html(builder: TextBuilder, html: str) -> str:
    """Add the text of ``html`` to ``builder``; returns the page's own title."""
    import lxml.etree
    import lxml.html

    parser = lxml.html.HTMLParser(huge_tree=True)  # reads elements nested 2,048 deep, not 256
    try:
        root = lxml.html.document_fromstring(_PROLOG.sub("", html), parser=parser)
    except lxml.etree.ParserError:
        return ""  # no element at all: an empty page
    if any(error.type == lxml.etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        builder.missing.append("what stands inside and after elements nested too deep")
    title = one_line(root.findtext(".//title") or "")
    _simplify(root)
    _flatten(root)
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


def _flatten(root: HtmlElement) -> None:
    """Leave plain text of what is nested deeper than ``unstructured`` reads."""
    import lxml.etree

    depth = 0
    walk = lxml.etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        depth += 1 if event == "start" else -1
        if event == "start" and depth == _MAX_DEPTH:
            text = " ".join(element.itertext())
            for child in list(element):
                element.remove(child)
            element.text = text


def _move_before(element: HtmlElement, table: HtmlElement | None) -> None:
    if table is None or table.getparent() is None:
        return
    table.remove(element)
    table.addprevious(element)
