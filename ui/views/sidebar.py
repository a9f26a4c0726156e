"""The sidebar: the views, a new conversation, the earlier ones, and renaming and deleting them."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from ui.api.wire import ThreadJson
from ui.state import service, settings, state
from ui.views import sign_in
from ui.views.outage import guarded
from ui.words.plain_words import age, label

__all__ = ["draw"]

_VIEWS = {
    "chat": ("Chat", ":material/forum:"),
    "library": ("Library", ":material/folder_open:"),
    "evaluate": ("Evaluate", ":material/query_stats:"),
    "status": ("Status", ":material/monitor_heart:"),
}
_RENAME, _DELETE = "Rename", "Delete"


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
    _list(service().threads())
    sign_in.person()


def _list(threads: list[ThreadJson]) -> None:
    """Draw the conversations by age."""
    held, now, heading = state(), datetime.now().astimezone(), ""
    shown = threads if held.all_threads else threads[: settings().threads_shown]
    with st.container(key="threads", gap=None):
        for thread in shown:
            if heading != (heading := age(thread["updated"], now)):
                st.caption(heading)
            _row(thread)
    if len(shown) < len(threads) and st.button(f"Show all {len(threads)}", type="tertiary"):
        held.all_threads = True
        st.rerun()


def _row(thread: ThreadJson) -> None:
    held, key = state(), thread["id"]
    current = "open" if (held.view, held.thread) == ("chat", key) else "other"
    row = st.container(
        key=f"{current}-thread-{key}", horizontal=True, wrap=False, gap=None,
        vertical_alignment="center",
    )  # fmt: skip
    row.button(
        label(thread["title"], 60),
        key=f"thread-{key}",
        type="tertiary",
        width="stretch",
        on_click=held.open_thread,
        args=(key,),
    )
    wish = row.menu_button(
        "",
        [_RENAME, _DELETE],
        key=f"menu-{key}",
        type="tertiary",
        icon=":material/more_horiz:",
        help="Rename or delete",
    )
    if wish == _RENAME:
        _rename(thread)
    elif wish == _DELETE:
        _delete(thread)


@st.dialog("Rename the conversation")
@guarded
def _rename(thread: ThreadJson) -> None:
    with st.form("rename", border=False):
        title = st.text_input("Title", thread["title"], max_chars=120)
        if st.form_submit_button("Save", type="primary"):
            state().rename_thread(thread["id"], title)
            st.rerun()


@st.dialog("Delete the conversation?")
@guarded
def _delete(thread: ThreadJson) -> None:
    st.markdown(f"“{label(thread['title'])}” and its answers are removed. Documents stay.")
    with st.container(horizontal=True):
        if st.button("Delete", key="delete-thread", type="primary"):
            state().delete_thread(thread["id"])
            st.rerun()
        if st.button("Keep it"):
            st.rerun()
