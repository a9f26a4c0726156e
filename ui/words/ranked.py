"""The lists of a search side by side, and its times as a bar: what they say, and the component that draws them.

Names and texts are data: ``assets/ranks.js`` puts them on the page as text alone. Knows what the service found, not
where it is shown.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from agents.text.inert import inert
from ui.api.inspecting import InspectedJson, InspectionJson, ListedJson
from ui.words.plain_words import name_of

__all__ = ["lists", "show_lists", "show_times", "times"]

_TITLES = {"dense": "By meaning", "hits": "Result", "lexical": "By words"}
_OPENING = 160  # characters of a passage in a row
_TIMES = {
    "embed": "Question encoded",
    "dense": "Searched by meaning",
    "lexical": "Searched by words",
    "fuse": "Fused",
    "rerank": "Reranked",
    "fetch": "Passages read",
}
_LEAST_ROWS = 10


def lists(found: InspectionJson, chosen: str | None) -> dict[str, Any]:
    """What the component draws: three lists of rows, the result between the other two."""
    shown = max(_LEAST_ROWS, len(found["hits"]))
    sides = {
        side: [_row(entry, f"{entry['score']:.{digits}f}") for entry in entries[:shown]]
        for side, entries, digits in (
            ("dense", found["dense"], 3),
            ("lexical", found["lexical"], 1),
        )
    }
    hits = [_row(hit, f"{hit['score']:.3f}") for hit in found["hits"]]
    columns = (
        ("dense", sides["dense"], _note(found["dense"], "cosine")),
        ("hits", hits, "score"),
        ("lexical", sides["lexical"], _note(found["lexical"], "BM25")),
    )
    drawn = [
        {"id": id, "title": _TITLES[id], "note": note, "rows": rows, "empty": _empty(found, id)}
        for id, rows, note in columns
    ]
    return {"kind": "lists", "lists": drawn, "chosen": chosen}


def _row(found: InspectedJson | ListedJson, score: str) -> dict[str, Any]:
    name = name_of(found["source"]) + (f", p. {found['page']}" if found["page"] else "")
    text = " ".join(inert(found["text"][:_OPENING]).split())
    rank, chunk = found["rank"], found["chunk"]
    return {"chunk": chunk, "rank": rank, "name": name, "where": score, "text": text}


def _note(side: list[ListedJson], unit: str) -> str:
    return f"{unit}, {len(side)} found" if side else ""


def _empty(found: InspectionJson, id: str) -> str:
    if found["settings"]["mode"] not in (id, "hybrid"):
        return "Not searched." if id != "hits" else "Nothing was found."
    return "No passage holds a word of the query." if id == "lexical" else "Nothing was found."


def times(timings_ms: Mapping[str, float]) -> dict[str, Any]:
    """What the component draws of the time that each stage took."""
    took = [(name, timings_ms.get(stage, 0.0)) for stage, name in _TIMES.items()]
    return {"kind": "times", "parts": [{"name": name, "ms": ms} for name, ms in took if ms]}


def show_lists(
    found: InspectionJson, chosen: str | None, key: str, on_choose: Callable[[str], None]
) -> None:
    """Put the lists on the page.

    Args:
        chosen: the chunk that is shown in full.
        key: names this on the page, unique there.
        on_choose: called with a chunk that was pressed.
    """

    def pressed() -> None:
        chunk = st.session_state[key].get("chosen")
        if isinstance(chunk, str):
            on_choose(chunk)

    _component()(key=key, data=lists(found, chosen), on_chosen_change=pressed)


def show_times(timings_ms: Mapping[str, float], key: str) -> None:
    """Put the times on the page, as one bar."""
    _component()(key=key, data=times(timings_ms), on_chosen_change=lambda: None)


@functools.cache
def _component() -> Callable[..., Any]:
    assets = Path(__file__).parents[1] / "assets"
    script, style = ((assets / name).read_text("utf-8") for name in ("ranks.js", "ranks.css"))
    return st.components.v2.component("alcove_ranks", js=script, css=style)
