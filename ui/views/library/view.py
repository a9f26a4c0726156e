"""The library: what is in it, what is being added, its collections and the folders it watches."""

from __future__ import annotations

import streamlit as st

from ui.state import me, state
from ui.views.library import adding, document, folders, listing, overview

__all__ = ["draw"]

_PARTS = {"documents": "Documents", "collections": "Collections", "folders": "Watched folders"}


def draw() -> None:
    """Draw the open document, or the open part of the library."""
    held = state().shelf
    with st.container(key="library"):
        if held.document is not None:
            document.draw(held.document)
            return
        with st.container(
            key="library-head",
            horizontal=True,
            horizontal_alignment="distribute",
            vertical_alignment="center",
        ):
            st.title("Library", anchor=False, width="content")
            _parts()
        if held.part == "collections":
            overview.draw()
        elif held.part == "folders":
            folders.draw()
        else:
            adding.draw()
            listing.draw()


def _parts() -> None:
    held = state().shelf
    parts = [part for part in _PARTS if part != "folders" or me()["owner"]]

    def chosen() -> None:
        held.show(st.session_state["library-part"])

    st.session_state["library-part"] = held.part
    st.segmented_control(
        "Part of the library",
        parts,
        format_func=_PARTS.__getitem__,
        required=True,
        key="library-part",
        label_visibility="collapsed",
        on_change=chosen,
        width="content",
    )
