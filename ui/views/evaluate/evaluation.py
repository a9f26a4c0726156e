"""One evaluation that is done: the verdict, the systems in a table and in plots, and ways into the details."""

from __future__ import annotations

from functools import partial

import streamlit as st

from corpus.errors import NotFound
from ui.api.evaluations import EvaluationService
from ui.api.wire import EvaluationJson, ReportJson
from ui.state import service, state
from ui.views.evaluate import asked_questions, comparing
from ui.views.evaluate.measured import evaluation
from ui.words.charts import interval_chart, loss_chart, speed_chart
from ui.words.figures import (
    interval_rows,
    lead_metric,
    loss_rows,
    metric_words,
    named,
    speed_rows,
    stage_words,
    system_rows,
    verdict,
)
from ui.words.plain_words import label

__all__ = ["draw"]

_PARTS = {"systems": "Systems", "questions": "Questions", "compare": "Compare"}
_SPEED_FROM = 2  # systems: one point compares nothing


def draw(id: str) -> None:
    """Draw the evaluation, or go back to all of them if it is gone or not done."""
    try:
        item = evaluation(id)
    except NotFound:
        item = None
    if item is None or item["report"] is None:
        state().evaluate.open(None)
        st.rerun()
    _head(item)
    report = item["report"]
    with st.container(key="evaluation-measure", horizontal=True, vertical_alignment="bottom"):
        lead = lead_metric(report)
        index = report["metrics"].index(lead) if lead in report["metrics"] else 0
        metric = st.selectbox(
            "Measure", report["metrics"], index=index, key=f"metric-{id}", width=280
        )
        st.caption(label(metric_words(metric), 200))
    st.subheader(label(verdict(report, metric), 700), anchor=False)
    part = st.segmented_control(
        "Part", list(_PARTS), format_func=_PARTS.__getitem__, default="systems",
        required=True, key=f"part-{id}", label_visibility="collapsed",
    )  # fmt: skip
    if part == "questions":
        asked_questions.draw(id, report, metric)
    elif part == "compare":
        comparing.draw(id, report, metric)
    else:
        _systems(report, metric)


def _head(item: EvaluationJson) -> None:
    id, client = item["id"], EvaluationService(service())
    with st.container(key="evaluation-top", horizontal=True, vertical_alignment="center"):
        st.button(
            "All evaluations", key="all-evaluations", icon=":material/arrow_back:",
            type="tertiary", on_click=state().evaluate.open, args=(None,),
        )  # fmt: skip
        st.download_button(
            "Report", partial(client.report, id), file_name=f"{id}.html", mime="text/html",
            on_click="ignore", icon=":material/download:", type="tertiary", key="report",
            help="One file with every table and plot; needs no network",
        )  # fmt: skip
    st.title(label(item["name"], 100), anchor=False)


def _systems(report: ReportJson, metric: str) -> None:
    rows = system_rows(report, metric)
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height=min(36 * (len(rows) + 1) + 2, 480),
        column_config={"System": st.column_config.TextColumn(width="medium", pinned=True)},
        key="systems",
    )
    st.caption(label(_legend(report, metric), 600))
    st.vega_lite_chart(interval_chart(interval_rows(report, metric), metric), key="intervals")
    _speed(report, metric)
    _losses(report)


def _legend(report: ReportJson, metric: str) -> str:
    words = "In brackets: the 95 % interval."
    if named(report, report["baseline"] or "") and report["tests"]:
        words += (
            f" Against the baseline, {report['baseline']}: the difference in {metric}, and how "
            "likely chance alone would make one as large (p, after Holm's correction)."
        )
    return words


def _speed(report: ReportJson, metric: str) -> None:
    rows = speed_rows(report, metric)
    if len(rows) >= _SPEED_FROM:
        st.markdown("**Quality against time**")
        st.caption("Strong points: no other system is both better and faster.")
        st.vega_lite_chart(speed_chart(rows, metric), key="speed")


def _losses(report: ReportJson) -> None:
    rows = loss_rows(report)
    st.markdown("**Where right passages were lost**")
    if not rows:
        st.caption("Nothing was lost: every right passage was among the first.")
        return
    st.vega_lite_chart(loss_chart(rows), width="stretch", key="losses")
    for stage in sorted({r["Stage"] for r in rows}, key=[r["Stage"] for r in rows].index):
        st.caption(f"**{label(stage)}**: {label(stage_words(stage))}")
