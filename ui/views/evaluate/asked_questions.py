"""The questions of an evaluation: which were lost and where, and one of them looked into."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.api.wire import QueryJson, ReportJson
from ui.state import state
from ui.views.evaluate.measured import evaluation, questions
from ui.words.figures import STAGES, stage_words
from ui.words.plain_words import label, name_of
from ui.words.prose import marked, plain, show

__all__ = ["draw"]

_ALL, _LOST = "", "lost"
_PAGE = 200


def draw(id: str, report: ReportJson, metric: str) -> None:
    """Draw the table of questions under one system, and below it the one that is chosen."""
    names = [system["name"] for system in report["systems"]]
    with st.container(horizontal=True, vertical_alignment="bottom", key="asked-filters"):
        index = names.index(report["baseline"]) if report["baseline"] in names else 0
        system = st.selectbox("System", names, index=index, key=f"system-{id}", width=300)
        stage = st.selectbox(
            "Lost at", [_ALL, _LOST, *STAGES], format_func=_stage_name, key=f"stage-{id}", width=210
        )
        words = st.text_input("Find", key=f"words-{id}", placeholder="Words of it", width=200)
    found = questions(id, system=system, stage=stage, q=words.strip(), limit=_PAGE)
    rows = found["queries"]
    if not rows:
        st.markdown("No question is like that.")
        return
    chosen = _table(rows, metric, f"questions-{id}-{system}-{stage}-{words}")
    if found["total"] > len(rows):
        st.caption(
            f"The first {len(rows):,} of {found['total']:,}; narrow them down to see others."
        )
    if chosen is not None:
        _one(id, chosen, system, metric)


def _stage_name(stage: str) -> str:
    return {_ALL: "Any, or nowhere", _LOST: "Any stage"}.get(stage, stage.capitalize())


def _table(rows: list[QueryJson], metric: str, key: str) -> str | None:
    """Draw the questions; the id of the one that is selected."""
    event = st.dataframe(
        [_line(row, metric) for row in rows],
        hide_index=True,
        width="stretch",
        height=min(36 * (len(rows) + 1) + 2, 360),
        column_config={
            "Question": st.column_config.TextColumn(width="large"),
            metric: st.column_config.NumberColumn(format="%.3f", width="small"),
        },
        on_select="rerun",
        selection_mode="single-row",
        key=key,
    )
    chosen = event["selection"]["rows"]
    if chosen and chosen[0] < len(rows):
        return rows[chosen[0]]["query"]
    st.caption("Select a row to see what was found, and why the rest was not.")
    return None


def _line(row: QueryJson, metric: str) -> dict[str, Any]:
    return {
        metric: row["metrics"].get(metric),
        "Lost at": (row["stage"] or "").capitalize(),
        "Question": row["text"],
        "Kind": row["kind"],
    }


def _one(id: str, query: str, system: str, metric: str) -> None:
    rows = questions(id, query=query, limit=500)["queries"]
    row = next(r for r in rows if r["system"] == system)
    with st.container(key="asked-one", border=True):
        st.subheader(label(row["text"], 400), anchor=False)
        _outcome(row)
        st.button(
            "Inspect this search", key="inspect-question", icon=":material/manage_search:",
            type="tertiary", on_click=state().inspect.open,
            args=(row["text"], evaluation(id)["request"].get("collection")),
        )  # fmt: skip
        _answer(row)
        _gold(row)
        _found(row)
        if len(rows) > 1:
            with st.expander("The same question under the other systems", type="compact"):
                st.dataframe(
                    [{"System": r["system"], **_line(r, metric)} for r in rows],
                    hide_index=True, width="stretch", key=f"systems-of-{query}",
                    column_order=["System", metric, "Lost at"],
                )  # fmt: skip


def _outcome(row: QueryJson) -> None:
    """The stage that lost it and why, in words."""
    if not row["losses"]:
        st.markdown(":green[:material/check_circle:] All of it was found among the first passages.")
    for loss in row["losses"]:
        stage = str(loss["stage"])
        where = label(name_of(str(loss["document"])), 80)
        st.markdown(f":orange[:material/error:] **{label(stage.capitalize())}** · {where}")
        st.caption(" ".join(label(part, 400) for part in (stage_words(stage), str(loss["detail"]))))


def _answer(row: QueryJson) -> None:
    """What was answered, where answers were measured."""
    if text := row.get("answer"):
        st.markdown("**What was answered**")
        show(plain(text), key=f"answer-{row['query']}-{row['system']}", kind="quote")


def _gold(row: QueryJson) -> None:
    st.markdown("**What should have been found**")
    for at, gold in enumerate(row.get("gold", [])):
        st.caption(label(name_of(str(gold.get("document", ""))), 120))
        if quote := str(gold.get("text") or ""):
            show(marked(quote, 0, len(quote)), key=f"gold-{row['query']}-{at}", kind="quote")
    if not row.get("gold"):
        st.caption("Nothing: the documents do not answer it.")


def _found(row: QueryJson) -> None:
    st.markdown("**What was found**")
    for found in row.get("found", []):
        mark = ":green[:material/check_circle:] " if found["gold"] else ""
        ranks = [
            f"{name} {found[key]}"
            for name, key in (("dense", "dense_rank"), ("lexical", "lexical_rank"))
            if found.get(key)
        ]
        about = " · ".join([label(name_of(found["document"]), 90), *ranks])
        st.markdown(f"{mark}**{found['rank']}** {about}")
        if text := found.get("text"):
            key = f"found-{row['query']}-{row['system']}-{found['rank']}"
            gold = _gold_in(found, row, len(text))
            text += "…" if len(text) < found["end"] - found["start"] else ""
            show(marked(text, *gold) if gold else plain(text), key=key, kind="quote")
    if not row.get("found"):
        st.caption("Nothing at all.")


def _gold_in(found: dict[str, Any], row: QueryJson, shown: int) -> tuple[int, int] | None:
    """The first stretch of what is shown of a passage that is gold."""
    for gold in row.get("gold", []):
        if gold.get("document") == found["document"] and "start" in gold:
            start, end = max(gold["start"], found["start"]), min(gold["end"], found["end"])
            end = min(end, found["start"] + shown)
            if start < end:
                return start - found["start"], end - found["start"]
    return None
