"""Cutting a document anew with another strategy, and how far that is."""

from __future__ import annotations

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.following import Followed
from ui.api.wire import DocumentJson
from ui.state import forget_documents, library, settings, state
from ui.views.outage import guarded
from ui.words.plain_words import label

__all__ = ["draw", "opener"]

_SMALLEST, _LARGEST, _STEP = 16, 2_000, 20  # tokens of a chunk


def opener() -> None:
    """The button that opens the form."""
    held = state().shelf
    st.button(
        "Cut anew", icon=":material/content_cut:", key="cut-anew",
        on_click=setattr, args=(held, "forming", not held.forming),
    )  # fmt: skip


def _form(d: DocumentJson) -> None:
    ways = library().strategies()
    about = {way["name"]: way for way in ways["strategies"]}
    names = list(about)
    now = d.get("strategy") or ways["default"]
    with st.container(key="cut-form", border=True):
        st.caption(
            "The stored text is cut and embedded again. The document stays searchable as it is until "
            "that is done, and citations in earlier answers keep their quotes."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox(
                "Strategy", names, names.index(now) if now in about else 0, key="cut-strategy",
                width=240,
            )  # fmt: skip
            size = None
            if about[chosen]["sizes"]:
                size = st.number_input(
                    "Largest chunk, in tokens", _SMALLEST, _LARGEST, ways["size"], _STEP,
                    key="cut-size", width=200,
                )  # fmt: skip
            pressed = st.button("Cut", type="primary", key="cut")
            st.button(
                "Leave it", key="cut-not", type="tertiary",
                on_click=setattr, args=(state().shelf, "forming", False),
            )  # fmt: skip
        st.caption(label(about[chosen]["about"], 300))
    if pressed:
        _cut(d["id"], chosen, size)


def _cut(id: str, strategy: str, size: int | None) -> None:
    held = state().shelf
    held.cutting[id] = Followed(library().rechunk(id, strategy, size))
    held.forming = False
    held.look_at("chunks")
    st.rerun()


def draw(d: DocumentJson) -> None:
    """The form when it is open; how far cutting this document is, and what stood in its way."""
    if state().shelf.forming:
        _form(d)
    job = state().shelf.cutting.get(d["id"])
    if job is None:
        return
    if not job.over:
        st.fragment(_watch, run_every=settings().jobs_s)(d["id"], job)
        return
    said = [job.error or "", *(file["reason"] or "" for file in job.bad)]
    if job.state == "done" and not job.bad:
        st.success("Cut anew; the chunks below are the new ones.", icon=":material/check:")
    else:
        words = " ".join(filter(None, said)) or "It was cancelled."
        st.error(f"{label(words, 400)} The chunks are as they were.")


@guarded
def _watch(id: str, job: Followed) -> None:
    try:
        job.look(library())
    except AlcoveError:
        state().shelf.cutting.pop(id, None)
        raise
    if job.over:
        forget_documents()
        st.rerun()
    st.progress(0.5 if job.state == "running" else 0.0, "Cutting it anew…")
