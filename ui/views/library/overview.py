"""The collections: how much is in each, who may read it, and the way to its documents."""

from __future__ import annotations

import streamlit as st

from ui.api.wire import CollectionJson
from ui.state import library, state
from ui.words.figures import counted
from ui.words.plain_words import label

__all__ = ["draw"]


def draw() -> None:
    """Draw every collection that can be read."""
    found = [one for one in library().collections() if one["documents"]]
    st.caption(
        "A collection is a group of documents that is asked together. Name a new one when you add "
        "files, or read a folder into one with `alcove ingest FOLDER --collection NAME`."
    )
    if not found:
        st.markdown("There is none yet: add a document, and its collection is here.")
    with st.container(key="collections", gap="small"):
        for one in found:
            _row(one)


def _row(one: CollectionJson) -> None:
    name = one["name"]
    with st.container(
        key=f"collection-{name}", horizontal=True, vertical_alignment="center", border=True
    ):
        with st.container(gap=None):
            st.markdown(f"**{label(name)}**")
            words = [counted(one["documents"], "document"), counted(one["chunks"], "chunk")]
            st.caption(" · ".join([*words, *_readers(one)]))
        st.button("Show", key=f"show-{name}", on_click=state().shelf.show, args=("documents", name))


def _readers(one: CollectionJson) -> list[str]:
    readers = one.get("readers", [])
    if not readers:
        return ["read by everybody who signs in"]
    return [
        label(
            f"read by {', '.join(readers[:5])}" + (" and others" if len(readers) > 5 else ""), 200
        )
    ]
