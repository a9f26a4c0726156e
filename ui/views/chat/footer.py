"""The line under a stored answer: copy it, say what it is worth, and which engine wrote it."""

from __future__ import annotations

import streamlit as st

from ui.api.replies import Reply
from ui.api.threads import MessageJson
from ui.views.chat import feedback
from ui.words.copying import as_markdown, copy_button
from ui.words.plain_words import engine_note, label

__all__ = ["draw"]


def draw(message: MessageJson, reply: Reply, run: str) -> None:
    """Draw the line, and under it the form that says what would have been right when it is open."""
    if reply.error and not reply.text:
        return
    with st.container(key=f"footer-{run}", horizontal=True, vertical_alignment="center", gap=None):
        if reply.text or reply.passages:
            copy_button(as_markdown(reply), f"copy-{run}", "Copy with the sources, as Markdown")
        feedback.thumbs(message)
        if not reply.abstained and (note := engine_note(reply.engine, reply.model)):
            st.caption(label(note, 120))
    feedback.draw(message)
