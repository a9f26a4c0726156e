"""Evaluate: what to measure with, what is measured and how far it is, and the way into what was found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.evaluations import ACTIVE, EvaluationService
from ui.api.wire import EvaluationJson
from ui.state import me, service, settings, state
from ui.views.evaluate import evaluation
from ui.views.evaluate.form import new_evaluation
from ui.views.outage import guarded
from ui.words.figures import progress_words, state_name
from ui.words.plain_words import label

__all__ = ["draw"]

_TEACH = (
    "**A question set** says where in the documents each answer stands. The sample has one, your "
    "thumbs in the chat make another, and you can bring your own.",
    "**An evaluation** searches for every question in each way you choose, and looks whether the "
    "right passage came up.",
    "**The result** says which way is better, how sure that is, and at which stage each missed "
    "question was lost.",
)


def draw() -> None:
    """Draw the open evaluation, or all of them."""
    opened = state().evaluate.opened
    with st.container(key="evaluate"):
        if not me()["owner"]:
            st.title("Evaluate", anchor=False)
            st.info("Only the owner of this machine measures with its documents; ask them.")
        elif opened is not None:
            evaluation.draw(opened)
        else:
            _overview()


def _overview() -> None:
    items = _client().evaluations()
    st.title("Evaluate", anchor=False)
    if not items:
        for number, line in enumerate(_TEACH, 1):
            st.markdown(f"{number}. {line}")
    new_evaluation(expanded=not items)
    _list(items)


def _client() -> EvaluationService:
    return EvaluationService(service())


def _list(items: list[EvaluationJson]) -> None:
    """The evaluations; while one is at work, drawn again and again by themselves."""
    if any(item["state"] in ACTIVE for item in items):
        st.fragment(_watch, run_every=settings().jobs_s)()
    else:
        for item in items:
            _row(item)


@guarded
def _watch() -> None:
    items = _client().evaluations()
    if all(item["state"] not in ACTIVE for item in items):
        st.rerun()  # before anything is drawn that would be gone when it is pressed
    for item in items:
        _row(item)


def _row(item: EvaluationJson) -> None:
    id, over = item["id"], item["state"] not in ACTIVE
    with st.container(key=f"evaluation-{id}", border=True, gap="xsmall"):
        with st.container(
            key=f"evaluation-head-{id}", horizontal=True, vertical_alignment="center"
        ):
            with st.container(gap=None):
                st.markdown(f"**{label(item['name'])}**")
                st.caption(_about(item))
            _buttons(item)
        if not over:
            st.progress(item["done"] / max(item["total"], 1), progress_words(item))
        if item["error"]:
            st.markdown(f":red[{label(item['error'], 400)}]")


def _about(item: EvaluationJson) -> str:
    made = datetime.fromisoformat(item["created"]).astimezone()
    asked = item["request"]
    parts = [state_name(item["state"]), f"{made:%d %B %Y, %H:%M}"]
    for key in ("fusions", "chunkers", "sizes"):
        parts += [", ".join(map(str, asked[key]))] if asked.get(key) else []
    return label(" · ".join(parts), 200)


def _buttons(item: EvaluationJson) -> None:
    id, client = item["id"], _client()
    if item["state"] == "done":
        if st.button("Results", key=f"open-{id}", type="primary"):
            state().evaluate.open(id)
            st.rerun()  # the whole page: this may be drawn by itself
    elif item["state"] in ACTIVE:
        st.button("Cancel", key=f"cancel-{id}", on_click=_try, args=(client.cancel, id))
    else:
        st.button("Go on", key=f"resume-{id}", on_click=_try, args=(client.resume, id))
    if item["state"] not in ACTIVE:
        st.button(
            "",
            key=f"delete-{id}",
            icon=":material/delete:",
            type="tertiary",
            help="Delete",
            on_click=_try,
            args=(client.delete, id),
        )


def _try(act: Any, *arguments: Any) -> None:
    """Do something when a button is pressed; what stands in its way is shown."""
    try:
        act(*arguments)
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")
