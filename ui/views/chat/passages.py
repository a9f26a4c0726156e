"""Passages as a ranked list: where each stands, what it says, and a button that opens it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from agents.text.inert import inert
from corpus.records import Passage
from ui.state import state
from ui.viewing import Place
from ui.words.plain_words import label, name_of
from ui.words.prose import Node, show

__all__ = ["brief", "draw", "open_source", "where"]

_EXCERPT = 420  # characters of a passage in the list


def where(place: Place) -> str:
    """A place in a few words, for a label."""
    page = f", p. {place.page}" if place.page else ""
    return label(name_of(place.source), 44) + page


def open_source(places: Sequence[Place], at: int, shown_in: str) -> None:
    """Open a place beside the answer that it was pressed in, and draw the whole page.

    A growing answer is a part that is drawn by itself. What is pressed in it while the page draws it complete belongs
    to a part that is gone by then, and would open nothing that anybody sees.
    """
    state().viewing.open(places, at, shown_in)
    st.rerun()


def draw(passages: Sequence[Passage], run: str, question: str) -> None:
    """Draw what a search found, the best first, with the words of the question set off."""
    places = [Place.of(p) for p in passages]
    opened = state().viewing.opened_at(run)
    with st.container(key=f"found-{run}", gap="small"):
        for at, (place, passage) in enumerate(zip(places, passages, strict=True)):
            here = "here" if at == opened else "there"
            with st.container(key=f"{here}-found-{run}-{at}", gap=None, border=True):
                st.button(
                    f"**{at + 1}** {where(place)}",
                    key=f"passage-{run}-{at}",
                    type="tertiary",
                    icon=":material/open_in_new:",
                    icon_position="right",
                    help="Open beside the list",
                    on_click=open_source,
                    args=(places, at, run),
                )
                if trail := _trail(passage):
                    st.caption(trail)
                show(excerpt(passage.text, question), key=f"excerpt-{run}-{at}", kind="excerpt")


def brief(passages: Sequence[Passage], run: str) -> None:
    """Draw passages with just their start."""
    places = [Place.of(p) for p in passages]
    for at, (place, passage) in enumerate(zip(places, passages, strict=True)):
        with st.container(key=f"passage-{run}-{at}", gap=None):
            st.button(
                where(place),
                key=f"nearest-{run}-{at}",
                type="tertiary",
                icon=":material/description:",
                on_click=open_source,
                args=(places, at, run),
            )
            st.caption(label(passage.text, 180))


def _trail(passage: Passage) -> str:
    """The headings above a passage, from the outermost."""
    title = passage.document.title
    parts = [title] if title and title != name_of(passage.document.source) else []
    parts += [heading for heading in passage.headings if heading not in parts]
    return " › ".join(label(part, 70) for part in parts)


def excerpt(text: str, question: str, limit: int = _EXCERPT) -> list[Node]:
    """The part of ``text`` where most of the question's words stand, these words set off."""
    asked = {word.lower() for word in re.findall(r"\w{4,}", question)} - _COMMON
    hits = [m for m in re.finditer(r"\w{4,}", text) if m[0].lower() in asked]
    start = _best_start(text, [m.start() for m in hits], limit)
    end = min(len(text), start + limit)
    nodes, at = list[Node](["…"] if start else []), start
    for hit in hits:
        if start <= hit.start() and hit.end() <= end:
            nodes += [inert(text[at : hit.start()]), ["strong", inert(hit[0])]]
            at = hit.end()
    nodes.append(inert(text[at:end]) + ("…" if end < len(text) else ""))
    return [["div", *nodes]]


_COMMON = frozenset(("does", "from", "have", "many", "much", "should", "that", "there", "this"))
_COMMON |= frozenset(("what", "when", "where", "which", "will", "with", "would", "your"))


def _best_start(text: str, hits: Sequence[int], limit: int) -> int:
    """The start of a line or sentence before most hits within ``limit``; 0 when all fits."""
    if len(text) <= limit or not hits:
        return 0
    densest = max(hits, key=lambda at: sum(at <= other < at + limit * 2 // 3 for other in hits))
    if densest < limit * 2 // 3:
        return 0
    breaks = [m.end() for m in re.finditer(r"(?<=[.!?])\s+|\n", text[:densest])]
    near = [at for at in breaks if densest - at < limit // 3]
    return near[0] if near else max(0, densest - limit // 4)
