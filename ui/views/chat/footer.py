"""The line under a stored answer: copy it, look into its search, say what it is worth, which engine wrote it."""

from __future__ import annotations

import streamlit as st

from ui.api.replies import Reply
from ui.api.threads import MessageJson
from ui.state import state
from ui.views.chat import feedback
from ui.words.copying import as_markdown, copy_button
from ui.words.plain_words import engine_note, label

__all__ = ["draw"]


def draw(message: MessageJson, reply: Reply, run: str, question: str) -> None:
    """Draw the line under the answer to ``question``, and below it the form for what would have been right."""
    if reply.error and not reply.text:
        return
    with st.container(key=f"footer-{run}", horizontal=True, vertical_alignment="center", gap=None):
        if reply.text or reply.passages:
            copy_button(as_markdown(reply), f"copy-{run}", "Copy with the sources, as Markdown")
        if question and (reply.passages or reply.nearest):
            st.button(
                "", key=f"inspect-{run}", icon=":material/manage_search:", type="tertiary",
                help="Look into this search", on_click=_inspect, args=(question,),
            )  # fmt: skip
        feedback.thumbs(message)
        cites = bool(reply.citations)
        if not reply.abstained and (note := engine_note(reply.engine, reply.model, cites=cites)):
            st.caption(label(note, 120))
    feedback.draw(message)


def _inspect(question: str) -> None:
    """Look into the search for a question, within what the line below is restricted to."""
    asking = state().asking
    collection = st.session_state.get("collection") or None
    state().inspect.open(question, collection, asking.filters, asking.pages)
