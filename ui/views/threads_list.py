"""The conversations in the sidebar: found by words, pinned, renamed, exported and deleted."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import streamlit as st

from corpus.errors import AlcoveError
from ui import kept
from ui.api.threads import ThreadJson, ThreadsJson
from ui.state import state, threads
from ui.views.outage import guarded
from ui.words.plain_words import age, label

__all__ = ["draw", "export_buttons"]

_RENAME, _PIN, _UNPIN, _EXPORT, _DELETE = "Rename", "Pin", "Unpin", "Export", "Delete"
_ICONS = {
    _RENAME: ":material/edit:", _PIN: ":material/keep:", _UNPIN: ":material/keep_off:",
    _EXPORT: ":material/ios_share:", _DELETE: ":material/delete:",
}  # fmt: skip
_FEW = 8  # conversations; so few are found by looking


def draw() -> None:
    """Draw the search and the conversations that it finds, a page of them at a time."""
    held = state()
    words = str(st.session_state.get("find-threads") or "").strip()
    pages = _pages(words, held.thread_pages)
    total = pages[-1]["total"]
    if words or total > _FEW:
        st.text_input(
            "Find in conversations", key="find-threads", type="search", live="150ms",
            placeholder="Find in conversations", label_visibility="collapsed",
            on_change=_first_page, persist_state="session",
        )  # fmt: skip
    found = [thread for page in pages for thread in page["threads"]]
    if words and not found:
        st.caption("No conversation has all of these words.")
    _list(found, by_age=not words)
    if pages[-1]["next"]:
        words = f"Show more · {len(found)} of {total}"
        st.button(words, key="more-threads", type="tertiary", on_click=_next_page)


def _pages(words: str, count: int) -> list[ThreadsJson]:
    pages = [kept.thread_page(words)]
    while len(pages) < count and (after := pages[-1]["next"]):
        pages.append(kept.thread_page(words, after))
    return pages


def _first_page() -> None:
    state().thread_pages = 1


def _next_page() -> None:
    state().thread_pages += 1


def _list(found: list[ThreadJson], *, by_age: bool) -> None:
    now, heading = datetime.now().astimezone(), ""
    with st.container(key="threads", gap=None):
        for thread in found:
            here = "Pinned" if thread.get("pinned") else age(thread["updated"], now)
            if by_age and heading != (heading := here):
                st.caption(heading)
            _row(thread)
            if not by_age and (snippet := thread.get("snippet")):
                with st.container(key=f"snippet-{thread['id']}"):
                    st.caption(label(snippet, 90))


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
    pin = _UNPIN if thread.get("pinned") else _PIN
    wish = row.menu_button(
        "",
        [_RENAME, pin, _EXPORT, _DELETE],
        format_func=lambda wish: f"{_ICONS[wish]} {wish}",
        key=f"menu-{key}",
        type="tertiary",
        icon=":material/more_horiz:",
        help="Rename, pin, export or delete",
    )
    if wish:
        _fulfil(wish, thread)


def _fulfil(wish: str, thread: ThreadJson) -> None:
    if wish == _RENAME:
        _rename(thread)
    elif wish == _EXPORT:
        _export(thread)
    else:
        try:
            if wish == _DELETE:
                state().delete_thread(thread["id"], thread["title"])
            else:
                state().pin_thread(thread["id"], wish == _PIN)
        except AlcoveError as exc:
            st.toast(label(str(exc), 300), icon=":material/error:")
        else:
            st.rerun()


@st.dialog("Rename the conversation")
@guarded
def _rename(thread: ThreadJson) -> None:
    with st.form("rename", border=False):
        title = st.text_input("Title", thread["title"], max_chars=120)
        if st.form_submit_button("Save", type="primary"):
            state().rename_thread(thread["id"], title)
            st.rerun()


@st.dialog("Export the conversation")
@guarded
def _export(thread: ThreadJson) -> None:
    st.markdown(
        f"“{label(thread['title'])}” as one file, with the quotes that its answers stand on."
    )
    with st.container(horizontal=True):
        export_buttons(thread["id"], "menu")


def export_buttons(thread: str, where: str) -> None:
    """The buttons that save a conversation; ``where`` tells them from others on the page."""
    for kind, words, ending, icon in (
        ("markdown", "Markdown", "md", "markdown"),
        ("html", "Web page", "html", "html"),
    ):
        st.download_button(
            words,
            partial(threads().export, thread, kind),
            file_name=f"conversation.{ending}",
            mime=f"text/{kind}",
            on_click="ignore",
            icon=f":material/{icon}:",
            key=f"export-{where}-{kind}",
        )
