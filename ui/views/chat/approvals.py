"""The agent's calls that wait for a person: what exactly would be done, and the buttons that decide."""

from __future__ import annotations

import json
from datetime import datetime

import streamlit as st

from corpus.errors import AlcoveError
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
        show(plain(shown), key=f"argument-{question.id}-{at}", kind="log")


def _buttons(question: Question) -> None:
    id = question.id
    with st.container(key=f"decide-{id}", horizontal=True, gap="xsmall"):
        st.button(
            "Approve",
            key=f"approve-{id}",
            type="primary",
            on_click=_decide,
            args=(question, "approve"),
        )
        st.button("Reject", key=f"reject-{id}", on_click=_decide, args=(question, "reject"))
    with st.expander("Edit, or say why not", type="compact"):
        arguments = json.dumps(dict(question.arguments), ensure_ascii=False, indent=2)
        st.text_area("Arguments, as JSON", value=arguments, key=f"arguments-{id}")
        st.button("Approve as edited", key=f"edit-{id}", on_click=_decide, args=(question, "edit"))
        st.text_input("Why it is rejected, for the model", key=f"reason-{id}")
    expires = datetime.fromisoformat(question.expires).astimezone()
    st.caption(f"Counts as rejected after {expires:%d %B %Y, %H:%M}.")


def _decide(question: Question, verdict: str) -> None:
    """Send a decision; what stands in its way is shown, and the question stays open."""
    reason = str(st.session_state.get(f"reason-{question.id}", ""))[:1000]
    arguments = dict(question.arguments) if verdict == "approve" else None
    try:
        if verdict == "edit":
            arguments = json.loads(st.session_state[f"arguments-{question.id}"])
            if not isinstance(arguments, dict):
                raise ValueError("it is no object")
        threads().decide(question.id, verdict, arguments, reason if verdict == "reject" else "")
    except ValueError as exc:
        st.toast(label(f"The arguments are not JSON: {exc}", 200), icon=":material/error:")
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")
