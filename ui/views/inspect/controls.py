"""What is searched for and how: the query, the documents, the ways of searching and joining, and the limits."""

from __future__ import annotations

from typing import Any

import streamlit as st

from corpus.errors import AlcoveError
from ui import kept
from ui.api.narrowing import LAST_PAGE
from ui.state import state, status
from ui.words.plain_words import label

__all__ = ["draw", "query"]

_MODES = {"hybrid": "Both", "dense": "Meaning", "lexical": "Words"}
_FUSIONS = {"calibrated": "Calibrated scores", "convex": "Scores, each by its best", "rrf": "Ranks"}
_MOST = 50  # passages; more than anybody reads
_MODE_HELP = "Dense search compares meanings, lexical search compares words (BM25)."
_FUSION_HELP = (
    "Calibrated: how far a cosine stands out from all passages, and BM25 per word of the query. "
    "By its best: each list divided by its first. Ranks: reciprocal rank fusion, scores do not count."
)


def query() -> None:
    """Draw the line for the query."""
    held = state().inspect
    key = f"inspect-query-{held.opened}"
    st.text_input(
        "Query", held.query, key=key, placeholder="What would you search for?",
        on_change=lambda: held.ask(st.session_state[key]),
    )  # fmt: skip


def draw() -> dict[str, Any]:
    """Draw the choices; what they ask for, as ``POST /v1/inspect`` takes it."""
    default = kept.search_settings()
    with st.container(key="inspect-how", horizontal=True, vertical_alignment="bottom"):
        _collection()
        k = st.number_input(
            "Passages", 1, _MOST, 10, key="inspect-k", width=130, persist_state="session"
        )
        mode = st.segmented_control(
            "Search by", list(_MODES), format_func=_MODES.__getitem__, default=default["mode"],
            required=True, key="inspect-mode", help=_MODE_HELP, persist_state="session",
        )  # fmt: skip
        _more(default["rerank"])
    asked = {**state().inspect.asked(), "k": int(k), "mode": mode, **_refined()}
    if mode == "hybrid":
        asked |= _joined(default["fusion"] or "calibrated", default["weights"])
    return asked


def _joined(as_set: str, weights: dict[str, float]) -> dict[str, Any]:
    """How both lists are joined."""
    with st.container(key="inspect-joined", horizontal=True, vertical_alignment="bottom"):
        names = list(_FUSIONS)
        fusion = st.selectbox(
            "Joined by", names, index=names.index(as_set), format_func=_FUSIONS.__getitem__,
            key="inspect-fusion", width=240, help=_FUSION_HELP, persist_state="session",
        )  # fmt: skip
        usual = round(100 * weights["dense"] / (weights["dense"] + weights["lexical"]))
        meaning = st.slider(
            "Weight of meaning against words", 0, 100, usual, 5, format="%d %%",
            key="inspect-weight", width=340, disabled=fusion == "rrf", persist_state="session",
        )  # fmt: skip
    if fusion == "rrf" or meaning == usual:
        return {"fusion": fusion}
    return {"fusion": fusion, "weights": {"dense": meaning, "lexical": 100 - meaning}}


def _collection() -> None:
    held = state().inspect
    names = [None, *(c["name"] for c in status()["collections"])]
    key = f"inspect-collection-{held.opened}"
    st.selectbox(
        "Documents",
        names,
        index=names.index(held.collection) if held.collection in names else 0,
        format_func=lambda name: name or "All documents",
        key=key,
        width=200,
        on_change=lambda: held.within(st.session_state[key]),
    )


def _refined() -> dict[str, Any]:
    """What happens after fusion, where it is not left as it is set."""
    keys = {"collapse": "inspect-collapse", "rerank": "inspect-rerank"}
    said = {name: st.session_state.get(key) for name, key in keys.items()}
    return {name: value for name, value in said.items() if value is not None}


def _more(rerank: bool) -> None:
    """Limits and what comes after fusion; what can be filtered by is read only while this is open."""
    held = state().inspect
    count = held.count
    # Always called the same: by another name it would be another popover, and closed.
    room = st.popover("More", icon=":material/tune:", key="inspect-more", on_change="rerun")
    if count:
        st.caption(f"{count} set")
    if not room.open:
        return
    with room:
        st.toggle(
            "Near-duplicates as one", kept.search_settings()["collapse"], key="inspect-collapse",
            persist_state="session",
        )  # fmt: skip
        if rerank:
            st.toggle("Rerank", rerank, key="inspect-rerank", persist_state="session")
        _filters()
        _pages()


def _filters() -> None:
    held = state().inspect
    try:
        found = kept.filters(held.collection)
    except AlcoveError as exc:
        st.caption(label(str(exc), 300))
        return
    for name, values in found.items():
        chosen = held.filters.get(name)
        offered = values if chosen is None or chosen in values else [chosen, *values]
        key = f"inspect-filter-{name}-{held.opened}"
        st.selectbox(
            label(name.replace("_", " ").capitalize(), 40),
            offered,
            index=offered.index(chosen) if chosen else None,
            format_func=lambda value: label(value, 60),
            placeholder="Any",
            key=key,
            on_change=_filtered,
            args=(name, key),
        )


def _filtered(name: str, key: str) -> None:
    state().inspect.filter(name, st.session_state[key])


def _pages() -> None:
    held = state().inspect
    keys = [f"inspect-page-{end}-{held.opened}" for end in ("first", "last")]
    with st.container(horizontal=True, gap="small"):
        for words, key, value in zip(("From page", "To page"), keys, held.span, strict=True):
            st.number_input(
                words, 1, LAST_PAGE - 1, value, key=key, placeholder="Any",
                on_change=lambda: held.between(*(st.session_state[key] for key in keys)),
            )  # fmt: skip
