"""One answer: its text with citations to press, its sources, its steps, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from agents.prompts import REFUSAL
from ui.api.replies import Reply, ToolUse
from ui.state import state
from ui.viewing import Place
from ui.views.chat import approvals, passages
from ui.words.plain_words import label
from ui.words.prose import plain, show, tree
from ui.words.tool_words import tool_words

__all__ = ["draw"]


def draw(reply: Reply, run: str, question: str = "", trouble: str = "") -> None:
    """Draw a reply, complete or growing.

    Args:
        run: names the answer on the page; the same while it grows and when it is stored.
        question: what was asked.
        trouble: why no more of it comes at the moment.
    """
    with st.container(key=f"answer-{run}"):
        _plan(reply)
        _steps(reply.tools, run)
        approvals.draw(reply, run)
        if reply.abstained:
            _refusal(reply, run)
        elif reply.engine == "search":
            _found(reply, run, question)
        else:
            _text(reply, run)
        if not reply.finished:
            _progress(reply, trouble)
        elif reply.error or reply.interrupted:
            _cut_short(reply, run)


def _text(reply: Reply, run: str) -> None:
    places = _cited(reply)
    numbers = {c.n for c in reply.citations} or {p.number for p in reply.passages}
    if reply.text:
        show(
            tree(reply.text, numbers if reply.finished or reply.passages else (), reply.doubted),
            key=f"text-{run}",
            active=state().viewing.active_in(run),
            on_cite=lambda number: _open_number(reply, run, number),
        )
    if places:
        _sources(places, run)
    if reply.doubted:
        st.caption("Marked sentences are not carried by the documents.")


def _found(reply: Reply, run: str, question: str) -> None:
    """What a search alone found."""
    count = len(reply.passages)
    if not count:
        st.markdown("**Nothing was found.** Try other words, fewer filters or another collection.")
        return
    st.caption("1 passage" if count == 1 else f"{count} passages, the best first")
    passages.draw(reply.passages, run, question)


def _cited(reply: Reply) -> list[Place]:
    return [Place.of(c) for c in sorted(reply.citations, key=lambda c: c.n)]


def _open_number(reply: Reply, run: str, number: int) -> None:
    places = _cited(reply)
    if not places:  # still being written: what it will cite is among its passages
        places = [Place.of(p) for p in reply.passages]
        at = [p.number for p in reply.passages].index(number)
    else:
        at = [p.number for p in places].index(number)
    passages.open_source(places, at, run)


def _sources(places: Sequence[Place], run: str) -> None:
    """A row of buttons, one for each citation."""
    active = state().viewing.active_in(run)
    with st.container(key=f"sources-{run}", horizontal=True, gap="xsmall"):
        for at, place in enumerate(places):
            st.button(
                f"**{place.number}** {passages.where(place)}",
                key=f"source-{run}-{at}",
                type="primary" if place.number == active else "secondary",
                on_click=passages.open_source,
                args=(places, at, run),
            )


def _refusal(reply: Reply, run: str) -> None:
    with st.container(key=f"refusal-{run}", border=True):
        st.markdown(":material/search_off: **The documents don't say**")
        is_said = reply.nearest and reply.text.startswith(REFUSAL)  # by what is above and below
        if not is_said:
            show(plain(reply.text), key=f"text-{run}")
        if reply.nearest:
            st.caption("The nearest passages, in case they help")
            passages.brief(reply.nearest, run)


def _cut_short(reply: Reply, run: str) -> None:
    with st.container(key=f"cut-{run}", border=bool(reply.error)):
        if reply.error:
            st.markdown(":material/error_outline: **The answer could not be completed**")
            st.markdown(label(reply.error, 400))
        else:
            st.caption(":material/stop_circle: Stopped before its end.")
        if reply.passages:
            count = len(reply.passages)
            words = f"The {count} passages that were found"
            with st.expander(words, expanded=not reply.text, type="compact"):
                passages.brief(reply.passages, run)


def _progress(reply: Reply, trouble: str) -> None:
    working = [tool for tool in reply.tools if tool.text is None]
    if trouble:
        words = label(trouble, 400)
    elif any(not question.verdict for question in reply.questions):
        words = "Waiting for your decision…"
    elif working:
        words = f"{tool_words(working[-1].name).doing}…"
    elif reply.text:
        return
    elif reply.passages:
        words = f"Reading {len(reply.passages)} passages…"
    else:
        words = "Searching the documents…"
    with st.container(key="progress"):
        st.caption(words)


def _plan(reply: Reply) -> None:
    """What the agent means to do, with what it has done, and the budget that ended."""
    for at, line in enumerate(reply.plan):
        done = at < reply.planned or reply.finished
        mark = ":material/check_circle:" if done else ":material/radio_button_unchecked:"
        st.caption(f"{mark} {label(line, 200)}")
    if reply.limit:
        st.caption(f":material/timer_off: {label(reply.limit, 300)}")


def _steps(tools: Sequence[ToolUse], run: str) -> None:
    """What the agent did, folded."""
    if not tools:
        return
    count = f"{len(tools)} steps" if len(tools) > 1 else "1 step"
    with st.expander(count, icon=":material/account_tree:", type="compact"):
        for at, tool in enumerate(tools):
            mark = ":material/check:" if tool.ok else ":material/close:"
            st.markdown(f"{mark} {tool_words(tool.name).done}")
            asked = json.dumps(dict(tool.arguments), ensure_ascii=False)
            log = asked + ("\n\n" + tool.text if tool.text else "")
            show(plain(log), key=f"tool-{run}-{at}", kind="log")
