"""Text from models and documents on the page: inert by construction, with citations to press.

``assets/prose.js`` builds the elements from a tree of plain lists and strings (``agents.text.prose_tree``) with
``createElement`` and ``textContent``. No string is ever read as HTML, and only the tags listed there exist.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from agents.text.inert import inert
from agents.text.prose_tree import Node, tree

__all__ = ["Node", "marked", "plain", "show", "tree"]


def plain(text: str) -> list[Node]:
    """Text as it is, line breaks kept."""
    return [["div", inert(text)]]


def marked(text: str, start: int, end: int) -> list[Node]:
    """Text as it is, with characters ``[start, end)`` of it marked."""
    parts = (text[:start], text[start:end], text[end:])
    before, span, after = (inert(part) for part in parts)
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
    assets = Path(__file__).parents[1] / "assets"
    script, style = ((assets / name).read_text("utf-8") for name in ("prose.js", "prose.css"))
    return st.components.v2.component("alcove_prose", js=script, css=style)
