"""Text from models and documents on the page: inert by construction, with citations to press.

Markdown becomes a tree of plain lists and strings; ``assets/prose.js`` builds the elements from it
with ``createElement`` and ``textContent``. No string is ever read as HTML, links and pictures stay
the characters they were written with, and only the tags listed there exist.

A node is a string, or ``[tag, child, …]``; ``["cite", "2"]`` is citation 2.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import streamlit as st
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

__all__ = ["Node", "marked", "plain", "show", "tree"]

Node: TypeAlias = "str | list[Node]"

_CITED = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_PLAIN_TAGS = {
    "paragraph": "p",
    "heading": "h3",
    "strong": "strong",
    "em": "em",
    "s": "s",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "blockquote",
    "hr": "hr",
    "hardbreak": "br",
    **{tag: tag for tag in ("table", "thead", "tbody", "tr", "th", "td")},
}


def tree(text: str, numbers: Collection[int] = ()) -> list[Node]:
    """Markdown as nodes.

    Args:
        text: what a model wrote; untrusted.
        numbers: the citations that exist; any other ``[n]`` stays text.
    """
    root = SyntaxTreeNode(_markdown().parse(_REORDERING.sub("", text)))
    return [node for child in root.children for node in _nodes(child, numbers)]


def plain(text: str) -> list[Node]:
    """Text as it is, line breaks kept."""
    return [["div", _REORDERING.sub("", text)]]


def marked(text: str, start: int, end: int) -> list[Node]:
    """Text as it is, with characters ``[start, end)`` of it marked."""
    parts = (text[:start], text[start:end], text[end:])
    before, span, after = (_REORDERING.sub("", part) for part in parts)
    return [["div", before, ["mark", span], after]]


def show(
    nodes: list[Node],
    *,
    key: str,
    kind: str = "answer",
    active: int | None = None,
    on_cite: Callable[[int], None] | None = None,
    newest: bool = False,
) -> None:
    """Put nodes on the page.

    Args:
        key: names this text on the page, unique there.
        kind: ``answer``, ``question``, ``source`` (a scrolling box) or ``log`` (monospaced).
        active: the citation that is open.
        on_cite: called with the number of a citation that was pressed.
        newest: bring it to the top of the view when it first appears.
    """

    def pressed() -> None:
        number = st.session_state[key].get("cite")
        if on_cite is not None and isinstance(number, int):
            on_cite(number)

    data = {"nodes": nodes, "kind": kind, "active": active, "newest": newest}
    _component()(key=key, data=data, on_cite_change=pressed)


@functools.cache
def _component() -> Callable[..., Any]:
    assets = Path(__file__).with_name("assets")
    script, style = ((assets / name).read_text("utf-8") for name in ("prose.js", "prose.css"))
    return st.components.v2.component("alcove_prose", js=script, css=style)


@functools.cache
def _markdown() -> MarkdownIt:
    rules = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return rules.disable(["image", "link", "autolink", "reference", "html_block", "html_inline"])


def _nodes(node: SyntaxTreeNode, numbers: Collection[int]) -> Iterator[Node]:
    match node.type:
        case "inline":
            for child in node.children:
                yield from _nodes(child, numbers)
        case "text":
            yield from _cited(node.content, numbers)
        case "softbreak":
            yield "\n"
        case "code_inline":
            yield ["code", node.content]
        case "fence" | "code_block":
            yield ["pre", ["code", node.content]]
        case kind:
            children = [n for child in node.children for n in _nodes(child, numbers)]
            yield [_PLAIN_TAGS.get(kind, "div"), *children]


def _cited(text: str, numbers: Collection[int]) -> Iterator[Node]:
    at = 0
    for match in _CITED.finditer(text):
        found = [int(n) for n in match[1].split(",")]
        if all(n in numbers for n in found):
            yield text[at : match.start()]
            for number in found:
                yield ["cite", str(number)]
            at = match.end()
    yield text[at:]
