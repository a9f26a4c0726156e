"""The sidebar: the views, a new conversation, and the earlier ones."""

from __future__ import annotations

import streamlit as st

from ui.state import state
from ui.views import sign_in, threads_list

__all__ = ["draw"]

_VIEWS = {
    "chat": ("Chat", ":material/forum:"),
    "library": ("Library", ":material/folder_open:"),
    "inspect": ("Inspect", ":material/manage_search:"),
    "evaluate": ("Evaluate", ":material/query_stats:"),
    "status": ("Status", ":material/monitor_heart:"),
}


def draw() -> None:
    """Draw the sidebar."""
    held = state()
    with st.container(key="navigation", gap=None):
        for view, (words, icon) in _VIEWS.items():
            here = "here" if view == held.view else "there"
            with st.container(key=f"{here}-nav-{view}"):
                st.button(
                    words,
                    key=f"nav-{view}",
                    icon=icon,
                    type="tertiary",
                    width="stretch",
                    on_click=held.open_view,
                    args=(view,),
                )
    st.button(
        "New chat",
        key="new-chat",
        icon=":material/add:",
        width="stretch",
        on_click=held.open_thread,
        args=(None,),
    )
    threads_list.draw()
    sign_in.person()
