"""The line to ask in: the question, what it is asked of, how, and what it is restricted to."""

from __future__ import annotations

from mimetypes import guess_extension

import streamlit as st

from corpus.errors import AlcoveError, Conflict, NotFound
from ui import kept
from ui.api.narrowing import LAST_PAGE
from ui.api.wire import StatusJson
from ui.state import state
from ui.words.plain_words import label

__all__ = ["ask", "draw", "line"]

_MODES = {"answer": "Answer", "agent": "Agent", "search": "Search only"}
_HELP = (
    "Answer searches once and writes from what it finds; the agent decides which tools to use; "
    "search only lists the passages."
)
_FIRST = ("author", "media_type")
# What programs write into files about themselves; nobody looks for documents by it.
_TOLD_BY_PROGRAMS = frozenset(("creationdate", "creator", "moddate", "producer", "trapped"))
_BUSY = "An answer is still being written here. Ask when that has ended, or stop it."
_GONE = "That conversation was deleted meanwhile. Ask in this new one."


def ask(question: str) -> None:
    """Ask in the open conversation, as the page is set; what stands in the way is told."""
    _asked(question)


def _asked(question: str) -> bool:
    """Whether it was asked. Callbacks run out of reach of the page's own handling of errors."""
    mode = st.session_state.get("mode") or "answer"
    try:
        state().ask(question, mode, _collection())
    except Conflict:
        st.toast(_BUSY, icon=":material/hourglass_top:")
    except NotFound:
        st.toast(_GONE, icon=":material/info:")
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")
    else:
        state().asking.unsent = ""
        return True
    return False


def _submitted() -> None:
    """Ask what was typed; what cannot be asked now goes back into the line."""
    typed = str(st.session_state.get("prompt") or "")
    if typed.strip() and not _asked(typed.strip()):
        state().asking.keep(typed)


def draw(now: StatusJson) -> None:
    """Draw the line, and under it the choices."""
    held = state()
    with st.container(key="ask"):
        _chips()
        _line()
        with st.container(key="ask-options", horizontal=True, vertical_alignment="center"):
            _options(now)
            if held.running:
                st.button(
                    "Stop", key="stop", icon=":material/stop_circle:", shortcut="Escape",
                    on_click=_stop,
                )  # fmt: skip


def line() -> None:
    """Draw the line alone, where ``draw`` has it: what was typed stays in it while nothing else can be drawn."""
    with st.container(key="ask"):
        _line()


def _line() -> None:
    asking = state().asking
    if (
        asking.given_back != asking.refusals
    ):  # here: a run that is cut short forgets what was set before
        st.session_state["prompt"], asking.given_back = asking.unsent, asking.refusals
    words = "Answering… you can type the next question" if state().running else _invitation()
    st.chat_input(words, key="prompt", on_submit=_submitted)


def _stop() -> None:
    try:
        state().stop()
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")


def _collection() -> str | None:
    return st.session_state.get("collection") or None


def _invitation() -> str:
    if st.session_state.get("mode") == "search":
        return "Search your documents"
    return "Ask about your documents"


def _options(now: StatusJson) -> None:
    names = [c["name"] for c in now["collections"]]
    if len(names) > 1:
        st.selectbox(
            "Collection",
            ["", *names],
            format_func=lambda name: label(name) or "All documents",
            key="collection",
            persist_state="session",
            label_visibility="collapsed",
            width=190,
        )
    _filters()
    no_model = now["engine"]["name"] == "extractive"
    modes = [mode for mode in _MODES if mode != "agent" or not no_model]
    st.segmented_control(
        "Mode",
        modes,
        format_func=_MODES.__getitem__,
        default="answer",
        required=True,
        key="mode",
        persist_state="session",
        help="The agent needs a language model; start Alcove with one (`--llm URL`)."
        if no_model
        else _HELP,
        label_visibility="collapsed",
    )


def _filters() -> None:
    """What to restrict the search to; read from the service only while it is open."""
    # Always called the same: by another name it would be another popover, and closed.
    room = st.popover(
        "Filters", icon=":material/filter_list:", type="tertiary", key="filters", on_change="rerun"
    )
    if not room.open:
        return
    with room:
        try:
            found = kept.filters(_collection())
        except AlcoveError as exc:
            found = {}
            st.caption(label(str(exc), 300))
        _pages()
        for name in sorted(found.keys() - _TOLD_BY_PROGRAMS, key=lambda n: (n not in _FIRST, n)):
            _choice(name, found[name])


def _choice(name: str, values: list[str]) -> None:
    chosen = state().asking.filters.get(name)
    offered = values if chosen is None or chosen in values else [chosen, *values]
    key = f"filter-{name}"
    st.selectbox(
        label(_title(name), 40),
        offered,
        index=offered.index(chosen) if chosen else None,
        format_func=lambda value: label(_said(name, value), 60),
        placeholder="Any",
        key=key,
        on_change=lambda: state().asking.filter(name, st.session_state[key]),
    )


def _title(name: str) -> str:
    return "Format" if name == "media_type" else name.replace("_", " ").capitalize()


def _said(name: str, value: str) -> str:
    """A value in the words of people: a file format by its ending."""
    ending = guess_extension(value) if name == "media_type" else None
    return ending[1:].upper() if ending else value


def _pages() -> None:
    first, last = state().asking.span
    with st.container(horizontal=True, gap="small"):
        for words, key, value in (
            ("From page", "page-first", first),
            ("To page", "page-last", last),
        ):
            st.number_input(
                words, min_value=1, max_value=LAST_PAGE - 1, value=value, step=1, key=key,
                placeholder="Any", on_change=_between,
            )  # fmt: skip


def _between() -> None:
    state().asking.between(st.session_state["page-first"], st.session_state["page-last"])


def _chips() -> None:
    """What is set, each with the way to take it off.

    Their room is always there: what stands below it would be made anew when the first is set, an open popover closed.
    """
    asking = state().asking
    with st.container(key="chips", horizontal=True, gap="xsmall"):
        for name, value in asking.filters.items():
            words = f"{_title(name)}: {_said(name, value)}"
            _chip(words, f"chip-{name}", name)
        if asking.pages:
            first, last = asking.span
            words = f"Pages from {first}" if last is None else f"Pages {first} to {last}"
            _chip(words, "chip-pages", None)


def _chip(words: str, key: str, name: str | None) -> None:
    st.button(
        label(words, 60), key=key, icon=":material/close:", icon_position="right",
        help="Search without this", on_click=_drop, args=(name,),
    )  # fmt: skip


def _drop(name: str | None) -> None:
    """Take off one restriction; its widget in the popover starts afresh."""
    asking = state().asking
    if name is None:
        asking.pages = None
        stale = ["page-first", "page-last"]
    else:
        asking.filter(name, None)
        stale = [f"filter-{name}"]
    for key in stale:
        st.session_state.pop(key, None)
