"""What a new evaluation measures: the question set, the documents, the ways of searching; and bringing a set."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.evaluations import EvaluationService
from ui.api.wire import QuestionSetJson
from ui.state import library, service, state, status
from ui.words.figures import counted
from ui.words.plain_words import label

__all__ = ["new_evaluation"]

_WAYS = ("dense", "lexical", "hybrid")
_SIZES = (128, 200, 256, 400)
_SAMPLE = "sample"
_MOST_MIB = 16  # of a question set; the service takes no more


def new_evaluation(expanded: bool) -> None:
    """Draw the form that starts an evaluation, and the question sets."""
    sets = EvaluationService(service()).question_sets()
    collections = [c["name"] for c in status()["collections"] if c["documents"]]
    expanded = expanded or state().evaluate.wanted is not None
    with st.expander(
        "New evaluation", expanded=expanded, icon=":material/add:", key="new-evaluation"
    ):
        if not collections:
            st.markdown("There are no documents yet. Add some in the **Library** first.")
        else:
            _form(sets, collections)
    with st.expander("Question sets", icon=":material/quiz:", key="asked-sets"):
        _sets(sets)


def _form(sets: list[QuestionSetJson], collections: list[str]) -> None:
    usable = {found["name"]: found for found in sets if found["questions"]}
    names, wanted = list(usable), state().evaluate.wanted
    with st.container(horizontal=True, key="evaluate-what"):
        chosen = st.selectbox(
            "Question set",
            names,
            index=names.index(wanted) if wanted in names else 0,
            format_func=lambda name: _counted(usable[name]),
            key="asked-set",
            width=300,
        )
        index = collections.index(_SAMPLE) if _SAMPLE in collections else 0
        collection = st.selectbox(
            "Documents", collections, index=index, key="evaluate-collection", width=220
        )
    ways = st.pills(
        "Ways of searching", _WAYS, selection_mode="multi", default=_WAYS, key="evaluate-ways",
        help="Dense compares meanings, lexical compares words, hybrid does both.",
    )  # fmt: skip
    more = _more()
    if st.button("Start", key="start-evaluation", type="primary", disabled=not (chosen and ways)):
        _start({"question_set": chosen, "collection": collection, "fusions": ways, **more})


def _more() -> dict[str, Any]:
    """What most people leave as it is."""
    with st.expander("More", type="compact", key="evaluate-more"):
        chunkers = st.multiselect(
            "Ways of chunking", [way["name"] for way in library().strategies()["strategies"]], key="evaluate-chunkers",
            placeholder="As it is set",
        )  # fmt: skip
        sizes = st.multiselect(
            "Sizes of chunks, in tokens", _SIZES, key="evaluate-sizes", placeholder="As it is set",
            accept_new_options=True,
        )  # fmt: skip
        k = st.number_input("Passages an answer is made of", 1, 100, 5, key="evaluate-k", width=220)
        name = st.text_input("Name", key="evaluate-name", max_chars=80, placeholder="Optional")
    return {"chunkers": chunkers, "sizes": sizes, "k": int(k), "name": name}


def _start(wanted: dict[str, Any]) -> None:
    try:
        wanted["sizes"] = [int(size) for size in wanted["sizes"]]
        EvaluationService(service()).start(wanted)
        state().evaluate.wanted = None
    except ValueError:
        st.error("A size of chunks is a number of tokens, such as 200.")
    except AlcoveError as exc:
        st.error(label(str(exc), 400))
    else:
        st.rerun()


def _counted(found: QuestionSetJson) -> str:
    return f"{found['name']} · {counted(found['questions'], 'question')}"


def _sets(sets: list[QuestionSetJson]) -> None:
    """What there is, what is left out of the feedback, and the way to bring another."""
    for found in sets:
        with st.container(
            key=f"set-{found['name']}", horizontal=True, vertical_alignment="center", gap="xsmall"
        ):
            with st.container(gap=None):
                st.markdown(f"**{label(found['name'])}**")
                st.caption(_origin(found))
            _set_buttons(found)
    _bring()


def _origin(found: QuestionSetJson) -> str:
    if found["error"]:
        return f":red[{label(found['error'], 300)}]"
    words = f"{counted(found['questions'], 'question')}, {found['answerable']:,} with an answer"
    left = found.get("left_out", {})
    if found["origin"] == "feedback":
        words += ", from your thumbs in the chat"
    if left:
        why = "; ".join(f"{count}, because {reason}" for reason, count in left.items())
        words += f". Left out: {why}"
    return label(words, 600)


def _set_buttons(found: QuestionSetJson) -> None:
    name, client = found["name"], EvaluationService(service())
    if found["questions"]:
        st.download_button(
            "", partial(client.question_set, name), file_name=f"{name}.jsonl",
            mime="application/x-ndjson", on_click="ignore", icon=":material/download:",
            type="tertiary", key=f"download-{name}", help="Download",
        )  # fmt: skip
    if found["origin"] == "uploaded" and st.button(
        "", key=f"delete-set-{name}", icon=":material/delete:", type="tertiary", help="Delete"
    ):
        client.delete_question_set(name)
        st.rerun()


def _bring() -> None:
    held = state().evaluate
    file = st.file_uploader(
        "Bring a question set",
        type=["jsonl"],
        key=f"set-file-{held.uploads}",
        max_upload_size=_MOST_MIB,
        help="One JSON object a line, with the question and where its answer stands; download one "
        "of the sets above to see how it looks.",
    )
    if file is not None and st.button("Add", key="add-set", type="primary"):
        try:
            EvaluationService(service()).add_question_set(file.name, file.getvalue())
        except AlcoveError as exc:
            st.error(label(str(exc), 400))
        else:
            held.uploads += 1
            st.rerun()
