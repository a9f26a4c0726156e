"""Is one better than another? Two systems, of the same evaluation or of two, and the answer in a sentence."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.evaluations import EvaluationService
from ui.api.wire import EvaluationJson, ReportJson
from ui.state import service
from ui.views.evaluate.measured import compared, evaluation
from ui.words.plain_words import label

__all__ = ["draw"]

_WIDTH = 300  # pixels


def draw(id: str, report: ReportJson, metric: str) -> None:
    """Draw the choice of two systems, and what can be said of them by a measure."""
    done = [i for i in EvaluationService(service()).evaluations() if i["state"] == "done"]
    names = _names(done)
    with st.container(horizontal=True, key="compare"):
        other = st.selectbox(
            "Of the evaluation", list(names), index=list(names).index(id) if id in names else 0,
            format_func=names.__getitem__, key=f"compare-with-{id}", width=_WIDTH,
        )  # fmt: skip
        theirs = evaluation(other)["report"] if other else None
        if theirs is None:
            return
        second = _system("is this system", other, theirs, f"b-{id}", -1)
        first = _system("better than this one of the open evaluation?", id, report, "a", 0)
    if metric not in theirs["metrics"]:
        st.markdown(f"{label(metric)} was not measured there; choose another measure above.")
    elif first == second:
        st.caption("Choose two that are different.")
    else:
        _sentence(first, second, metric)


def _sentence(first: str, second: str, metric: str) -> None:
    try:
        st.subheader(label(compared(first, second, metric)["sentence"], 700), anchor=False)
    except AlcoveError as exc:
        st.error(label(str(exc), 400))


def _names(items: list[EvaluationJson]) -> dict[str, str]:
    """What each evaluation is called, by its id: its name and when it was started."""
    moments = {item["id"]: datetime.fromisoformat(item["created"]).astimezone() for item in items}
    names = {i["id"]: f"{i['name']} · {moments[i['id']]:%d %B %Y, %H:%M}" for i in items}
    count = Counter(names.values())
    return {  # started in the same minute: told apart by the second
        id: name if count[name] == 1 else f"{name}:{moments[id]:%S}" for id, name in names.items()
    }


def _system(words: str, id: str, report: ReportJson, key: str, index: int) -> str:
    systems = [system["name"] for system in report["systems"]]
    chosen = st.selectbox(
        words, systems, index=index % len(systems), key=f"compare-{key}-{id}", width=_WIDTH
    )
    return f"{id}:{chosen}"
