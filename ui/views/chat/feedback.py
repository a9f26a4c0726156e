"""Verdicts under an answer: right or wrong, and if wrong, what would have been right."""

from __future__ import annotations

import streamlit as st

from corpus.errors import AlcoveError, UserError
from ui.api.threads import FeedbackJson, MessageJson
from ui.kept import find_documents
from ui.state import library, state
from ui.words.plain_words import label, name_of
from ui.words.quotes import find_quote

__all__ = ["draw", "thumbs"]

_OTHER, _NOWHERE, _JUST = "source", "nowhere", "comment"
_CHOICES = {
    _OTHER: "The right source is another",
    _NOWHERE: "The documents do not say",
    _JUST: "It is just wrong",
}


def thumbs(message: MessageJson) -> None:
    """Draw the thumbs of a stored answer, in the row that is open."""
    if message["error"] or not message["content"]:
        return
    id, given = message["id"], message.get("feedback")
    for rating, icon, words in ((1, "thumb_up", "Right"), (-1, "thumb_down", "Wrong")):
        chosen = given is not None and given["rating"] == rating
        st.button(
            "",
            key=f"thumb-{icon}-{'on' if chosen else 'off'}-{id}",
            icon=f":material/{icon}:",
            type="tertiary",
            help=words,
            on_click=_rate,
            args=(id, rating),
        )
    if message["citations"]:
        st.button(
            "Wrong source",
            key=f"wrong-source-{id}",
            type="tertiary",
            help="Say where the answer should have come from",
            on_click=_rate,
            args=(id, -1),
        )


def draw(message: MessageJson) -> None:
    """Draw what was said of a stored answer, and the form that corrects it while it is open."""
    given = message.get("feedback")
    if given is not None:
        st.caption(_said(given))
    if state().correcting == message["id"]:
        with st.container(key=f"feedback-{message['id']}"):
            _form(message["id"])


def _said(given: FeedbackJson) -> str:
    if given["rating"] > 0:
        return "You called this right."
    if given["sources"]:
        names = ", ".join(name_of(source["source"]) for source in given["sources"])
        return label(f"You called this wrong; the right source is {names}.", 200)
    if given["unanswerable"]:
        return "You called this wrong: the documents do not say."
    return "You called this wrong."


def _rate(message: str, rating: int) -> None:
    """Keep the verdict at once; what would have been right can follow."""
    try:
        state().rate(message, rating)
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")
        return
    state().correcting = message if rating < 0 else None


def _form(message: str) -> None:
    with st.container(key=f"correct-{message}", border=True):
        st.markdown("**What would have been right?**")
        choice = st.radio(
            "What would have been right?",
            list(_CHOICES),
            format_func=_CHOICES.__getitem__,
            key=f"right-{message}",
            label_visibility="collapsed",
        )
        with st.container():  # always there, so that nothing below it moves
            if choice == _OTHER:
                _source(message)
        st.text_input("Comment", key=f"comment-{message}", max_chars=1000)
        with st.container(horizontal=True, gap="xsmall"):
            if st.button("Save", key=f"save-{message}", type="primary"):
                _save(message, choice)
            if st.button("Not now", key=f"later-{message}"):
                state().correcting = None
                st.rerun()
        st.caption("Verdicts make a question set to measure with, under **Evaluate**.")


def _source(message: str) -> None:
    found = find_documents(str(st.session_state.get(f"find-{message}") or ""))
    if found.get("total", 0) > len(found["documents"]) or st.session_state.get(f"find-{message}"):
        st.text_input(
            "Find the document", key=f"find-{message}", type="search", live="150ms",
            placeholder="Words of its name",
        )  # fmt: skip
    names = {d["id"]: d["title"] or name_of(d["source"]) for d in found["documents"]}
    st.selectbox(
        "Document",
        list(names),
        index=None,
        format_func=lambda id: label(names.get(id, ""), 90),
        key=f"source-{message}",
        placeholder="Which one says it" if names else "No document is called so",
    )
    st.text_area(
        "What it says, copied from it",
        key=f"quote-{message}",
        placeholder="The sentence that answers the question",
        height=80,
    )


def _save(message: str, choice: str) -> None:
    """Keep the verdict, or say what is missing."""
    comment = str(st.session_state.get(f"comment-{message}") or "")
    try:
        sources = [_place(message)] if choice == _OTHER else []
        state().rate(message, -1, comment, sources, choice == _NOWHERE)
    except AlcoveError as exc:
        st.error(label(str(exc), 300))
        return
    state().correcting = None
    st.toast("Thank you: your verdict is kept.", icon=":material/check:")
    st.rerun()


def _place(message: str) -> tuple[str, int, int]:
    document = st.session_state.get(f"source-{message}")
    quote = str(st.session_state.get(f"quote-{message}") or "")
    if not document or not quote.strip():
        raise UserError("Choose the document, and copy from it what answers the question.")
    found = find_quote(quote, library().text(document)["text"])
    if found is None:
        raise UserError("These words are not in that document; copy them from it as they stand.")
    return (document, *found)
