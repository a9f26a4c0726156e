"""A button that copies, and an answer as the Markdown that it copies: the text, and its sources below.

What a model wrote keeps its headings, lists and tables, but no picture, link or tag in it acts where
it is pasted. Knows nothing of HTTP.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from agents.text.inert import inert
from ui.api.replies import Reply
from ui.viewing import Place

__all__ = ["as_markdown", "copy_button"]

# What opens a picture, ends the text of a link or names a link, and what opens a tag or an address.
_ACTIVE = re.compile(r"!(?=\[)|(?<=\])[(:]|<(?=[A-Za-z/!?])")


def as_markdown(reply: Reply) -> str:
    """An answer with its citations; of a search, its passages."""
    text = _disarmed(reply.text).strip()
    cited = [Place.of(c) for c in sorted(reply.citations, key=lambda c: c.n)]
    if reply.engine == "search":
        cited = [Place.of(p) for p in reply.passages]
    parts = [text] if text else []
    if cited:
        parts += ["Sources:", "\n".join(_sources(cited))]
    return "\n\n".join(parts) + "\n"


def _sources(places: Sequence[Place]) -> list[str]:
    lines = []
    for at, place in enumerate(places, 1):
        page = f", page {place.page}" if place.page else ""
        quote = " ".join(_disarmed(place.quote).split())
        lines.append(f"{place.number or at}. {_disarmed(place.source)}{page}: “{quote}”")
    return lines


def _disarmed(text: str) -> str:
    return _ACTIVE.sub(r"\\\g<0>", inert(text))


def copy_button(text: str, key: str, about: str) -> None:
    """A small button that puts ``text`` on the clipboard and says so."""
    _component()(key=key, data={"text": text, "about": about}, width="content")


@functools.cache
def _component() -> Callable[..., Any]:
    assets = Path(__file__).parents[1] / "assets"
    script, style = ((assets / name).read_text("utf-8") for name in ("copy.js", "copy.css"))
    return st.components.v2.component("alcove_copy", js=script, css=style)
