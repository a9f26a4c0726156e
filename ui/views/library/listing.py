"""The list of documents: found, filtered and sorted by the service, a page at a time; and deleting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.client import ServiceDown
from ui.api.documents import DocumentsJson
from ui.api.shelf import ROWS
from ui.state import library, state, status
from ui.views.library import drawn
from ui.words.plain_words import label, name_of
from ui.words.shelf_words import states_named, states_words

__all__ = ["draw"]

_ALL = "All"
_ANY = "All collections"
_SORTS = {"name": "By name", "added": "Newest first", "size": "Largest first", "state": "By state"}
_TEACH = """**Nothing here yet.** Three ways to fill the library:

1. Drop files above, or a whole folder. Each ends in a state you can see here, with the reason if it could not be read.
2. Let Alcove watch a folder: what changes there changes here.
3. On the command line, `alcove ingest FOLDER` makes a collection equal to a folder.

What is read here can be asked about in the chat at once, and every answer names the place it comes from.
"""


def draw() -> None:
    """Draw the filters and a page of the documents."""
    held = state().shelf
    _leave()
    found = library().documents(**held.asked(states_named(held.told) if held.told else ()))
    if not found["documents"] and held.cursors:  # the last of this page are gone
        held.cursors.clear()
        st.rerun()
    narrowed = held.words or held.collection or held.told or held.alike
    if not sum(found["states"].values()) and not narrowed:
        st.markdown(_TEACH)
        return
    _filters(found)
    if found["documents"]:
        _table(found)
        _pages(found)
    else:
        st.markdown("No document is like that.")
        st.button(
            "Show all documents", key="show-all",
            on_click=partial(held.narrow, collection="", words="", told="", alike=False),
        )  # fmt: skip


def _filters(found: DocumentsJson) -> None:
    held = state().shelf
    with st.container(
        key="library-filters", horizontal=True, vertical_alignment="bottom", gap="small"
    ):
        st.text_input(
            "Find", held.words, key="find", placeholder="Find by name or title",
            label_visibility="collapsed", width="stretch", on_change=_narrow, args=("words", "find"),
        )  # fmt: skip
        names = sorted(c["name"] for c in status()["collections"])
        if len(names) > 1 or held.collection:
            options = ["", *sorted({*names, *filter(None, [held.collection])})]
            st.selectbox(
                "Collection", options, options.index(held.collection),
                format_func=lambda name: name or _ANY, key="find-collection",
                label_visibility="collapsed", width=190,
                on_change=_narrow, args=("collection", "find-collection"),
            )  # fmt: skip
        st.selectbox(
            "Order", list(_SORTS), list(_SORTS).index(held.sort), format_func=_SORTS.__getitem__,
            key="find-sort", label_visibility="collapsed", width=160,
            on_change=_narrow, args=("sort", "find-sort"),
        )  # fmt: skip
        st.checkbox(
            "Only duplicates", held.alike, key="find-alike",
            on_change=_narrow, args=("alike", "find-alike"),
        )  # fmt: skip
    _states(found)


def _states(found: DocumentsJson) -> None:
    held = state().shelf
    counts = states_words(found["states"])
    if held.told:
        counts.setdefault(held.told, 0)
    if len(counts) < 2 and not held.told and not held.alike:
        return
    every = sum(found["states"].values())

    def chosen() -> None:
        told = st.session_state["find-state"]
        held.narrow(told="" if told == _ALL else told)

    st.session_state["find-state"] = held.told or _ALL
    st.pills(
        "State", [_ALL, *counts], format_func=lambda o: f"{o} {counts.get(o, every):,}",
        required=True, key="find-state", label_visibility="collapsed", on_change=chosen,
    )  # fmt: skip


def _narrow(name: str, key: str) -> None:
    state().shelf.narrow(**{name: st.session_state[key]})


def _table(found: DocumentsJson) -> None:
    held = state().shelf
    rows = found["documents"]
    names = {d["id"]: d["title"] or name_of(d["source"]) for d in rows}

    def remove(ids: Sequence[str]) -> None:
        held.leaving = tuple((id, names[id]) for id in ids if id in names)

    drawn.documents(rows, "documents", held.open, remove)


def _pages(found: DocumentsJson) -> None:
    held, shown = state().shelf, len(found["documents"])
    first = len(held.cursors) * ROWS
    total = found["total"]
    with st.container(
        key="library-pages", horizontal=True, vertical_alignment="center", gap="small"
    ):
        if total <= shown:
            st.caption("1 document" if total == 1 else f"{total:,} documents")
            return
        st.caption(f"{first + 1:,} to {first + shown:,} of {total:,} documents", width="stretch")
        st.button(
            "Before", icon=":material/chevron_left:", key="page-before", type="tertiary",
            disabled=not held.cursors, on_click=held.turn, args=(None,),
        )  # fmt: skip
        st.button(
            "Next", icon=":material/chevron_right:", key="page-after", type="tertiary",
            disabled=not found["next"], on_click=held.turn, args=(found["next"],),
        )  # fmt: skip


def _leave() -> None:
    """Delete what was chosen to be deleted, one by one: an outage leaves the rest for when it is over."""
    held = state()
    leaving, gone, refused = held.shelf.leaving, list[tuple[str, str]](), list[str]()
    if not leaving:
        return
    try:
        with st.spinner(f"Deleting {len(leaving):,} documents…" if leaving[1:] else "Deleting…"):
            for id, name in leaving:
                try:
                    held.remove_document(id)
                    gone.append((id, name))
                except ServiceDown:
                    raise
                except AlcoveError as exc:
                    refused.append(f"“{name}”: {exc}")
                held.shelf.leaving = held.shelf.leaving[1:]
    finally:
        if gone:
            held.offer_documents(gone)
    if refused:
        more = f" (and {len(refused) - 1:,} more)" if refused[1:] else ""
        st.error(f"Not deleted: {label(refused[0], 400)}{more}")
