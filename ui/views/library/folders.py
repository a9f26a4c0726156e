"""Watched folders: what changes there changes in a collection. The owner's."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.documents import FolderJson
from ui.state import forget_documents, library, state, status
from ui.views.library.adding import DEFAULT, choices
from ui.words.plain_words import label
from ui.words.shelf_words import states_words

__all__ = ["draw"]

_EVERY_S = 3.0  # between two looks at what they are doing
_STATES = {
    "watching": ":green[:material/visibility: Watching]",
    "reading": ":blue[:material/sync: Reading]",
    "failed": ":red[:material/error: Cannot be read]",
}


def draw() -> None:
    """Draw the watched folders, and the form that adds one."""
    st.caption(
        "Alcove looks at these folders again and again: a new file is read, a changed one read anew, "
        "and what is gone from the folder goes from its collection."
    )
    found = library().folders()
    if found["allowed"]:
        _form(found["allowed"])
    else:
        _teach()
    if found["folders"]:
        st.fragment(_watch, run_every=_EVERY_S)()
    elif found["allowed"]:
        st.markdown("No folder is watched yet.")


def _teach() -> None:
    st.markdown(
        "**No folder may be watched yet.** The service only reads folders that you name in its "
        f"settings. Put this into **{label(status()['home'], 300)}/alcove.toml**, with your own folder, and "
        "start Alcove again:"
    )
    st.code('[ingest]\nfolders = ["/home/you/Documents"]', language="toml")


def _form(allowed: list[str]) -> None:
    with st.container(key="watch-form", border=True):
        st.caption("Below " + ", ".join(label(root, 120) for root in allowed[:5]))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            path = st.text_input("Folder", allowed[0], key="watch-path", width=420)
            names = choices()
            collection = st.selectbox(
                "Collection", names, names.index(DEFAULT), accept_new_options=True,
                key="watch-collection", width=220, help="Choose one, or write the name of a new one.",
            )  # fmt: skip
            pressed = st.button("Watch", type="primary", key="watch", disabled=not path.strip())
        if pressed:
            try:
                library().watch(path.strip(), collection or DEFAULT)
            except AlcoveError as exc:
                st.error(label(str(exc), 400))
            else:
                forget_documents()
                st.rerun()


def _watch() -> None:
    try:
        for folder in library().folders()["folders"]:
            _row(folder)
    except AlcoveError as exc:
        st.caption(f":material/sync: {label(str(exc), 300)} Trying again…")


def _row(folder: FolderJson) -> None:
    id = folder["id"]
    with st.container(
        key=f"folder-{id}", horizontal=True, vertical_alignment="center", border=True
    ):
        with st.container(gap=None):
            st.markdown(f"**{label(folder['path'], 200)}**")
            counts = [f"{label(n)} {c:,}" for n, c in states_words(folder["states"]).items()]
            known = [f"to {label(folder['collection'])}", *counts, *_checked(folder["checked"])]
            st.caption(" · ".join([_STATES.get(folder["state"], label(folder["state"])), *known]))
            if folder["error"]:
                st.markdown(f":red[{label(folder['error'], 300)}]")
        if st.button("Show", key=f"show-folder-{id}"):
            state().shelf.show("documents", folder["collection"])
            st.rerun()
        if st.button(
            "", icon=":material/visibility_off:", key=f"unwatch-{id}", type="tertiary",
            help="Stop watching; its documents stay",
        ):  # fmt: skip
            library().unwatch(id)
            st.rerun()


def _checked(moment: str | None) -> list[str]:
    if not moment:
        return []
    return [f"checked at {datetime.fromisoformat(moment).astimezone():%H:%M}"]
