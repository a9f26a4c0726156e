"""Inspect: a query, both lists and the result side by side, what was left out, and why a passage is where it is."""

from __future__ import annotations

import streamlit as st

from corpus.errors import Conflict, NotFound, NotReady, Overloaded, UserError
from ui import kept
from ui.api.inspecting import InspectionJson
from ui.state import me, settings, state, status
from ui.views.inspect import controls, passage, saving
from ui.words.inspection_words import removed_words, searched_words, total_words
from ui.words.plain_words import label
from ui.words.ranked import show_lists, show_times

__all__ = ["draw"]

_TEACH = (
    "**Two lists** are searched: one compares the meaning of your query with every passage, the "
    "other its words.",
    "**The result** joins them. Lines show where each passage comes from; press one to read it "
    "and to see why it stands there.",
    "**Try it**: change how many, which list, or their weights, and the result changes at once. A "
    "search that should have gone otherwise makes a good test question.",
)


def draw() -> None:
    """Draw the view."""
    held = state().inspect
    with st.container(key="inspect"):
        st.title("Inspect", anchor=False)
        if not any(c["documents"] for c in status()["collections"]):
            st.info("There are no documents to search yet. Add some in the **Library** first.")
            return
        controls.query()
        if not held.query:
            for number, line in enumerate(_TEACH, 1):
                st.markdown(f"{number}. {line}")
            return
        try:
            found = kept.inspection(controls.draw())
        except NotReady as exc:
            _wait(str(exc))
            return
        except (Conflict, NotFound, Overloaded, UserError) as exc:
            st.error(label(str(exc), 400))
            return
        _found(found)


def _wait(reason: str) -> None:
    """Say why nothing can be searched yet, and draw the page anew after a moment."""
    drawn: list[bool] = []

    def again() -> None:
        if drawn:
            st.rerun()
        drawn.append(True)
        st.caption(":material/sync: Trying again by itself…")

    st.info(label(reason, 300))
    st.fragment(again, run_every=settings().outage_s)()


def _found(found: InspectionJson) -> None:
    held = state().inspect
    shown = passage.chosen(found, held.chosen)
    show_lists(found, shown["chunk"] if shown else None, "inspect-lists", held.choose)
    if shown is not None:
        passage.draw(found, shown)
    if me()["owner"]:
        saving.draw(found["query"], shown)
    with st.container(key="inspect-about", gap="xsmall"):
        st.markdown("**What was searched**")
        for line in (*map(removed_words, found["removed"]), searched_words(found)):
            st.caption(label(line, 300))
        st.markdown(f"**{total_words(found['timings_ms'])}**")
        show_times(found["timings_ms"], "inspect-times")
