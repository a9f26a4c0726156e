"""Markdown that a model wrote as a tree of plain lists and strings, for whoever builds elements from it.

No string in it is ever HTML: links and pictures stay the characters they were written with, and only the tags listed
here exist. A node is a string, or ``[tag, child, …]``; ``["cite", "2"]`` is citation 2, ``["u", …]`` what no document
carries. Used by the page and by exports.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Sequence
from typing import TypeAlias

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from agents.text.inert import inert

__all__ = ["Node", "tree"]

Node: TypeAlias = "str | list[Node]"

_CITED = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()")
# Stand around a sentence while Markdown is read, which takes them for the brackets that they are.
_DOUBT, _END = "\u2e55", "\u2e56"
_EDGES = re.compile(f"([{_DOUBT}{_END}])")
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


def tree(
    text: str, numbers: Collection[int] = (), doubted: Sequence[tuple[int, int]] = ()
) -> list[Node]:
    """Markdown as nodes.

    Args:
        text: what a model wrote; untrusted.
        numbers: the citations that exist; any other ``[n]`` stays text.
        doubted: characters ``[start, end)`` of ``text`` that no document carries; drawn as ``u``.
    """
    root = SyntaxTreeNode(_markdown().parse(inert(_with_edges(text, doubted))))
    nodes = [node for child in root.children for node in _nodes(child, numbers)]
    return list(_underlined(nodes, [False]))


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


def _with_edges(text: str, doubted: Sequence[tuple[int, int]]) -> str:
    """The text with a bracket before and behind each doubted piece; inside a table's row."""
    out, at = "", 0
    for start, end in sorted(doubted):
        piece = text[start:end]
        row = re.fullmatch(r"(\s*\|?\s*)(.*?)(\s*\|?\s*)", piece, re.DOTALL)
        first, inner, last = row.groups() if row else ("", piece, "")
        out += f"{_EDGES.sub('', text[at:start])}{first}{_DOUBT}{_EDGES.sub('', inner)}{_END}{last}"
        at = end
    return out + _EDGES.sub("", text[at:])


def _underlined(nodes: Sequence[Node], doubt: list[bool]) -> Iterator[Node]:
    """The nodes without brackets, the strings between two of them as ``u``; ``doubt`` is whether
    one is open.
    """
    for node in nodes:
        if isinstance(node, list):
            tag, *children = node
            yield node if tag == "cite" else [tag, *_underlined(children, doubt)]
            continue
        for piece in _EDGES.split(node):
            if piece in (_DOUBT, _END):
                doubt[0] = piece == _DOUBT
            elif piece:
                yield ["u", piece] if doubt[0] and piece.strip() else piece


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
