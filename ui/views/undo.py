"""What was just removed, with a button that brings it back while there is time."""

from __future__ import annotations

import streamlit as st

from corpus.errors import AlcoveError
from ui.state import settings, state
from ui.words.plain_words import label

__all__ = ["draw"]


def draw() -> None:
    """Draw what can be undone, in a quiet bar over the page; nothing otherwise.

    The style sheet takes a bar away when its time is over, so that nothing has to be drawn for that.
    """
    open_now = [undo for undo in state().undoing if undo.open]
    if not open_now:
        return
    st.html(f"<style>:root {{ --undo-time: {settings().undo_s}s }}</style>")
    with st.container(key="undo", gap="xsmall"):
        for undo in open_now[-3:]:
            with st.container(
                key=f"undo-{undo.id}", horizontal=True, wrap=False, vertical_alignment="center"
            ):
                st.markdown(label(undo.words, 110))
                st.button(
                    "Undo", key=f"undo-button-{undo.id}", type="tertiary",
                    icon=":material/undo:", on_click=_back, args=(undo.id,),
                )  # fmt: skip


def _back(id: str) -> None:
    try:
        state().undo(id)
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")
