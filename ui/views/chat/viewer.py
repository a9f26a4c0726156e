"""The source beside the answer: a PDF's page with the span marked on it, or the text around it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from corpus.errors import NotFound
from ui.api.wire import DocumentJson
from ui.state import Place, document, library, page_image, settings, state
from ui.words.plain_words import label, name_of, visible
from ui.words.prose import marked, show

__all__ = ["draw"]


def draw() -> None:
    """Draw the open place, with the way to the next one and out; nothing when none is open."""
    place = state().place
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
    held = state()
    if len(held.places) > 1:
        st.button(
            "", key="previous-source", icon=":material/chevron_left:", type="tertiary",
            help="Previous source", shortcut="Left", on_click=held.step, args=(-1,),
        )  # fmt: skip
        st.button(
            "", key="next-source", icon=":material/chevron_right:", type="tertiary",
            help="Next source", shortcut="Right", on_click=held.step, args=(1,),
        )  # fmt: skip
    if found is not None:
        st.download_button(
            "", partial(library().original, place.document), file_name=name_of(place.source),
            mime=found["media_type"] or "application/octet-stream", on_click="ignore",
            icon=":material/download:", type="tertiary", key="original", help="Download the original",
        )  # fmt: skip
    st.button(
        "", key="close-viewer", icon=":material/close:", type="tertiary",
        help="Close", on_click=held.close_viewer,
    )  # fmt: skip


def _position(place: Place, found: DocumentJson | None) -> str:
    held = state()
    position = f"Source {place.number}"
    if place.number is None:
        position = f"Passage {held.at + 1} of {len(held.places)}"
    parts = [position, label(name_of(place.source), 60)]
    page = held.page or place.page
    if page:
        parts.append(f"page {page}" + (f" of {found['pages']}" if found else ""))
    return " · ".join(parts)


def _source(place: Place, found: DocumentJson) -> None:
    page = state().page or place.page
    if page:
        try:
            with st.spinner("Opening the page…"):
                width = settings().page_pixels
                picture = page_image(place.document, page, place.start, place.end, width)
        except NotFound:  # this format has no pictures of its pages
            _text(place)
        else:
            show(marked(place.quote, 0, len(place.quote)), key="quote", kind="quote")
            alt = f"Page {page} of {visible(found['title'])}, with the quoted passage marked"
            with st.container(key="page-image", border=True):
                st.image(picture, width="stretch", alt=alt)
            _pages(page, found["pages"])
    else:
        _text(place)


def _pages(page: int, last: int) -> None:
    if last < 2:
        return
    held = state()
    with st.container(key="pages", horizontal=True, horizontal_alignment="center", gap="small"):
        st.button(
            "Page before", key="page-before", type="tertiary", icon=":material/arrow_upward:",
            disabled=page <= 1, on_click=held.turn, args=(page - 1,),
        )  # fmt: skip
        st.button(
            "Page after", key="page-after", type="tertiary", icon=":material/arrow_downward:",
            disabled=page >= last, on_click=held.turn, args=(page + 1,),
        )  # fmt: skip


def _text(place: Place) -> None:
    around = settings().context_characters
    read = library().text(place.document, max(0, place.start - around), place.end + around)
    start = place.start - read["start"]
    nodes = marked(read["text"], start, start + place.end - place.start)
    show(nodes, key=f"place-{place.document}-{place.start}", kind="source")


def _gone(place: Place) -> None:
    st.info("This document is no longer in the library. The quote was kept with the answer.")
    show(marked(place.quote, 0, len(place.quote)), key="gone-quote", kind="source")
