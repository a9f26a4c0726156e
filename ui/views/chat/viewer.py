"""The source beside the answer: a PDF's page with the span marked on it, or the text around it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from corpus.errors import NotFound
from ui.api.wire import DocumentJson, TextJson
from ui.kept import text_around
from ui.state import document, library, page_image, settings, state
from ui.viewing import Place
from ui.words.plain_words import label, name_of, visible
from ui.words.prose import marked, show
from ui.words.tables import holds_tables, with_tables

__all__ = ["draw"]

_TABLES = ("text/csv", "text/tab-separated-values")  # whole documents that are one table
_HEADER = 2_000  # characters in which the first line of a table ends


def draw() -> None:
    """Draw the open place, with the way to the next one and out; nothing when none is open."""
    place = state().viewing.place
    if place is None:
        return
    try:
        found: DocumentJson | None = document(place.document)
    except NotFound:
        found = None
    if found and found.get("gone"):
        found = None
    _head(place, found)
    if found is None:
        _gone(place)
    else:
        _source(place, found)


def _head(place: Place, found: DocumentJson | None) -> None:
    with st.container(key="viewer-head", horizontal=True, wrap=False, gap="xsmall"):
        with st.container(gap=None):
            title = found["title"] if found and found["title"] else name_of(place.source)
            st.markdown(f"**{label(title, 90)}**")
            st.caption(_position(place, found))
        _buttons(place, found)


def _buttons(place: Place, found: DocumentJson | None) -> None:
    viewing = state().viewing
    if len(viewing.places) > 1:
        st.button(
            "", key="previous-source", icon=":material/chevron_left:", type="tertiary",
            help="Previous source", shortcut="Left", on_click=viewing.step, args=(-1,),
        )  # fmt: skip
        st.button(
            "", key="next-source", icon=":material/chevron_right:", type="tertiary",
            help="Next source", shortcut="Right", on_click=viewing.step, args=(1,),
        )  # fmt: skip
    if found is not None:
        st.download_button(
            "", partial(library().original, place.document), file_name=name_of(place.source),
            mime=found["media_type"] or "application/octet-stream", on_click="ignore",
            icon=":material/download:", type="tertiary", key="original", help="Download the original",
        )  # fmt: skip
    st.button(
        "", key="close-viewer", icon=":material/close:", type="tertiary", help="Close",
        shortcut=None if state().running else "Escape", on_click=viewing.close,
    )  # fmt: skip


def _position(place: Place, found: DocumentJson | None) -> str:
    viewing = state().viewing
    count = len(viewing.places)
    position = f"Source {place.number}"
    if place.number is None:
        position = f"Passage {viewing.at + 1} of {count}"
    parts = [position, label(name_of(place.source), 60)]
    page = viewing.page or place.page
    if page:
        parts.append(f"page {page}" + (f" of {found['pages']}" if found else ""))
    return " · ".join(parts)


def _source(place: Place, found: DocumentJson) -> None:
    page = state().viewing.page or place.page
    if not page:
        _text(place, found)
        return
    try:
        with st.spinner("Opening the page…"):
            width = settings().page_pixels
            picture = page_image(place.document, page, place.start, place.end, width)
    except NotFound:  # this format has no pictures of its pages
        _text(place, found)
        return
    show(marked(place.quote, 0, len(place.quote)), key="quote", kind="quote")
    alt = f"Page {page} of {visible(found['title'])}, with the quoted passage marked"
    with st.container(key="page-image", border=True):
        st.image(picture, width="stretch", alt=alt)
    _pages(page, found["pages"])


def _pages(page: int, last: int) -> None:
    if last < 2:
        return
    turn = state().viewing.turn
    with st.container(key="pages", horizontal=True, horizontal_alignment="center", gap="small"):
        st.button(
            "Page before", key="page-before", type="tertiary", icon=":material/arrow_upward:",
            disabled=page <= 1, on_click=turn, args=(page - 1,),
        )  # fmt: skip
        st.button(
            "Page after", key="page-after", type="tertiary", icon=":material/arrow_downward:",
            disabled=page >= last, on_click=turn, args=(page + 1,),
        )  # fmt: skip


def _text(place: Place, found: DocumentJson) -> None:
    around = settings().context_characters
    read = text_around(place.document, place.start - around, place.end + around)
    start, end = place.start - read["start"], place.end - read["start"]
    key = f"place-{place.document}-{place.start}"
    if not holds_tables(found["media_type"]):
        show(marked(read["text"], start, end), key=key, kind="source")
        return
    text, cut = _whole_lines(read, start, end)
    header = ""
    if found["media_type"] in _TABLES and read["start"] + cut > 0:
        header = text_around(place.document, 0, _HEADER)["text"].partition("\n")[0]
    show(with_tables(text, start - cut, end - cut, header), key=key, kind="source")


def _whole_lines(read: TextJson, start: int, end: int) -> tuple[str, int]:
    """The text without the lines that are cut off at its ends, and how much is gone at its start."""
    text, first, last = read["text"], 0, len(read["text"])
    if read["start"] > 0:
        cut = text.find("\n", 0, start)
        first = cut + 1 if cut >= 0 else 0
    if read["end"] < read["length"]:
        cut = text.rfind("\n", end)
        last = cut if cut >= 0 else last
    return text[first:last], first


def _gone(place: Place) -> None:
    st.info("This document is no longer in the library. The quote was kept with the answer.")
    show(marked(place.quote, 0, len(place.quote)), key="gone-quote", kind="source")
