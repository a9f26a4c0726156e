"""Keeping a search as a test question: the query, and the passage that is right, or that there is none."""

from __future__ import annotations

import streamlit as st

from corpus.errors import AlcoveError, UserError
from ui import kept
from ui.api.evaluations import EvaluationService
from ui.api.inspecting import InspectedJson, InspectService, ListedJson
from ui.state import service, state
from ui.words.figures import counted
from ui.words.plain_words import label, name_of
from ui.words.quotes import find_quote

__all__ = ["draw"]

_PASSAGE, _NOWHERE = "passage", "nowhere"
_FIRST_SET = "my questions"


def draw(query: str, passage: InspectedJson | ListedJson | None) -> None:
    """Draw the form; its question sets are read only while it is open."""
    room = st.expander(
        "Save as a test question", icon=":material/bookmark_add:", key="inspect-save",
        on_change="rerun",
    )  # fmt: skip
    if not room.open:
        return
    with room:
        _form(query, passage)
        if saved := state().inspect.saved:
            _saved(saved)


def _form(query: str, passage: InspectedJson | ListedJson | None) -> None:
    choices = {_NOWHERE: "The documents do not say"}
    if passage is not None:
        words = f"The chosen passage, of {label(name_of(passage['source']), 60)}"
        choices = {_PASSAGE: words, **choices}
    right = st.radio(
        "What is the right answer to this query?", list(choices), format_func=choices.__getitem__,
        key="inspect-right",
    )  # fmt: skip
    quote = ""
    if right == _PASSAGE and passage is not None:
        quote = st.text_area(
            "Only these words of it, if not all answer it",
            _whole(passage),
            key=f"inspect-quote-{passage['chunk']}",
            height=120,
        )
    sets = EvaluationService(service()).question_sets()
    own = [found["name"] for found in sets if found["origin"] == "uploaded"] or [_FIRST_SET]
    name = st.selectbox(
        "Question set", own, key="inspect-set", accept_new_options=True, width=300,
        help="Choose one of yours, or type the name of a new one.",
    )  # fmt: skip
    if st.button("Save", key="inspect-save-now", type="primary", disabled=not name):
        _save(str(name), query, passage if right == _PASSAGE else None, quote)


def _whole(passage: InspectedJson | ListedJson) -> str:
    read = kept.text_around(passage["document"], passage["start"], passage["end"])
    return read["text"]


def _save(name: str, query: str, passage: InspectedJson | ListedJson | None, quote: str) -> None:
    try:
        source = None if passage is None else _place(passage, quote)
        made = InspectService(service()).save(name, query, source)
    except AlcoveError as exc:
        st.error(label(str(exc), 400))
        return
    state().inspect.saved = str(made["name"])
    done = "Changed it" if made["replaced"] else "Saved"
    st.toast(f"{done} in {label(name)}, which has {counted(made['questions'], 'question')} now.")


def _place(passage: InspectedJson | ListedJson, quote: str) -> tuple[str, int, int]:
    """Where the words stand that are right."""
    found = find_quote(quote, _whole(passage))
    if found is None:
        raise UserError("These words are not in the passage as they stand here; copy them from it.")
    start = passage["start"]
    return passage["document"], start + found[0], start + found[1]


def _saved(name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="inspect-saved"):
        st.markdown(f":green[:material/check_circle:] Saved in **{label(name)}**.")
        st.button(
            "Evaluate with it", key="inspect-evaluate", type="tertiary",
            icon=":material/query_stats:", on_click=_evaluate, args=(name,),
        )  # fmt: skip


def _evaluate(name: str) -> None:
    state().evaluate.want(name)
    state().open_view("evaluate")
