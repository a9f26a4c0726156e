"""The agent's calls that wait for a person: what exactly would be done, and the buttons that decide."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import streamlit as st

from corpus.errors import AlcoveError, UserError
from ui.api.replies import Question, Reply
from ui.state import threads
from ui.words.plain_words import label
from ui.words.prose import plain, show
from ui.words.tool_words import tool_words

__all__ = ["draw"]

_VERDICTS = {
    "approved": ":material/check: You approved of this.",
    "rejected": ":material/block: You rejected this; it was not done.",
    "expired": ":material/timer_off: Nobody decided in time; it was not done.",
}
_TOUCHES = {
    "writes": "It writes something down.",
    "leaves the machine": "It sends something beyond this machine.",
}


def draw(reply: Reply, run: str) -> None:
    """Draw every question of an answer; those that are open can be decided here."""
    for question in reply.questions:
        with st.container(key=f"approval-{run}-{question.id}", border=True):
            _what(question)
            if question.verdict:
                st.caption(_VERDICTS[question.verdict])
            elif reply.finished:
                st.caption(":material/block: The run ended before this was decided.")
            else:
                _buttons(question)


def _what(question: Question) -> None:
    st.markdown(f":material/front_hand: **May the agent {tool_words(question.tool).may}?**")
    touches = [text for name, text in _TOUCHES.items() if name in question.labels]
    if touches:
        st.caption(" ".join(touches))
    for at, (name, value) in enumerate(sorted(question.arguments.items())):
        st.caption(label(name, 60))
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        show(plain(shown), key=f"shown-{question.id}-{at}", kind="log")


def _buttons(question: Question) -> None:
    id = question.id
    with st.container(key=f"decide-{id}", horizontal=True, gap="xsmall"):
        st.button(
            "Approve",
            key=f"approve-{id}",
            type="primary",
            icon=":material/check:",
            on_click=_decide,
            args=(question, "approve"),
        )
        st.button(
            "Reject",
            key=f"reject-{id}",
            icon=":material/block:",
            on_click=_decide,
            args=(question, "reject"),
        )
    if question.arguments:
        with st.expander("Edit before approving", type="compact"):
            _fields(question)
            st.button(
                "Approve as edited", key=f"edit-{id}", on_click=_decide, args=(question, "edit")
            )
    with st.expander("Say why it is rejected", type="compact"):
        st.text_input("The model reads this when you reject", key=f"reason-{id}")
    expires = datetime.fromisoformat(question.expires).astimezone()
    st.caption(f"Counts as rejected after {expires:%d %B %Y, %H:%M}.")


def _fields(question: Question) -> None:
    """One field for each argument: text as it is, anything else as JSON."""
    for name, value in sorted(question.arguments.items()):
        is_text = isinstance(value, str)
        st.text_area(
            label(name, 60) if is_text else f"{label(name, 60)}, as JSON",
            value=value if is_text else json.dumps(value, ensure_ascii=False, indent=2),
            key=_field(question, name),
            height="content",
        )


def _field(question: Question, name: str) -> str:
    return f"argument-{question.id}-{name}"


def _edited(question: Question) -> dict[str, Any]:
    """The arguments as they stand in the fields.

    Raises:
        UserError: one of them must be JSON and is not.
    """
    edited = dict[str, Any]()
    for name, value in question.arguments.items():
        typed = st.session_state.get(_field(question, name))
        if typed is None or isinstance(value, str):
            edited[name] = value if typed is None else typed
            continue
        try:
            edited[name] = json.loads(typed)
        except ValueError as exc:
            raise UserError(f"The argument {name!r} must be JSON: {exc}.") from exc
    return edited


def _decide(question: Question, verdict: str) -> None:
    """Send a decision; what stands in its way is shown, and the question stays open."""
    reason = str(st.session_state.get(f"reason-{question.id}", ""))[:1000]
    arguments = dict(question.arguments) if verdict == "approve" else None
    try:
        if verdict == "edit":
            arguments = _edited(question)
        threads().decide(question.id, verdict, arguments, reason if verdict == "reject" else "")
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")
