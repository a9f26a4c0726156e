"""Lists of the library as ``assets/shelf.js`` draws them: inert by construction, one element however long.

Whatever comes from a document or a file name reaches the page as the text of an element, never as markup.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from agents.text.inert import inert
from corpus.records import State
from ui.api.documents import ChunkJson
from ui.api.wire import DocumentJson, JobFileJson
from ui.words.plain_words import day, name_of, size, state_words, visible
from ui.words.shelf_words import Strip, end_of

__all__ = ["chunks", "documents", "facts", "files", "pages"]

Open = Callable[[str], None]
Remove = Callable[[Sequence[str]], None]
_TONES = {State.INDEXED: "good", State.UNCHANGED: "good", State.INDEXED_PARTIAL: "part"}


def documents(rows: Sequence[DocumentJson], key: str, on_open: Open, on_remove: Remove) -> None:
    """A table to open documents from, and to choose some of them to be deleted."""

    def opened() -> None:
        on_open(str(st.session_state[key]["open"]))

    def removed() -> None:
        on_remove([str(id) for id in st.session_state[key]["remove"]])

    data = {"kind": "table", "rows": [_row(row) for row in rows]}
    _component()(key=key, data=data, on_open_change=opened, on_remove_change=removed)


def _row(d: DocumentJson) -> dict[str, Any]:
    told = state_words(d["state"])
    alike = d.get("duplicates")
    sub = [end_of(visible(d["source"].removeprefix("upload:"))), visible(d["collection"])]
    sub += ["same as another"] if alike else []
    return {
        "id": d["id"],
        "title": visible(d["title"]) or name_of(d["source"]),
        "sub": " · ".join(sub),
        "state": told.name,
        "tone": tone(d["state"]),
        "reason": visible(d["reason"]),
        "pages": f"{d['pages']:,}" if d["pages"] else "",
        "chunks": f"{d['chunks']:,}" if d["chunks"] else "",
        "size": size(d["size"]),
        "added": day(d.get("added")),
    }


def tone(state: str | None) -> str:
    """The colour of a state: ``good``, ``part``, ``bad`` or ``wait``."""
    if not state:
        return "wait"
    return _TONES.get(State(state), "bad") if state in list(State) else "bad"


def chunks(items: Sequence[ChunkJson], text_before: int, key: str) -> None:
    """Chunks as they were cut; ``text_before`` is where the one before the first of them ends."""
    shown = []
    for item in items:
        whole = len(item["text"]) == item["end"] - item["start"]
        repeated = max(0, min(text_before, item["end"]) - item["start"]) if whole else 0
        text_before = max(text_before, item["end"])
        facts = [f"page {item['page']}"] if item["page"] else []
        facts += [f"{item['tokens']:,} tokens"] if item["tokens"] else []
        facts += [f"characters {item['start']:,} to {item['end']:,}"]
        shown.append({
            "n": item["n"], "facts": facts,
            "headings": " › ".join(visible(heading) for heading in item["headings"]),
            "repeated": inert(item["text"][:repeated]), "text": inert(item["text"][repeated:]),
        })  # fmt: skip
    _component()(key=key, data={"kind": "chunks", "items": shown})


def pages(strip: Strip, key: str) -> None:
    """How the pages of a document were read, a bar each."""
    bars = [{"origin": bar.origin, "height": bar.height, "words": bar.words} for bar in strip.bars]
    keys = [{"origin": origin, "words": words} for origin, words in strip.keys]
    data = {"kind": "pages", "bars": bars, "keys": keys, "words": strip.words}
    _component()(key=key, data=data)


def facts(items: Sequence[tuple[str, str]], key: str) -> None:
    """Names with their values."""
    shown = [[visible(name), visible(value)] for name, value in items]
    _component()(key=key, data={"kind": "facts", "items": shown})


def files(items: Sequence[JobFileJson], key: str) -> None:
    """Files of an upload, each with its state, the reason and what to do."""
    shown = []
    for file in items:
        told = state_words(file["state"] or "")
        settled = file["state"] in (State.INDEXED, State.UNCHANGED)
        words = "" if settled else f"{visible(file['reason'] or '')} {told.advice}".strip()
        name = visible(file["source"].removeprefix("upload:"))
        shown.append(
            {"name": name, "state": told.name, "tone": tone(file["state"]), "words": words}
        )
    _component()(key=key, data={"kind": "files", "items": shown})


@functools.cache
def _component() -> Callable[..., Any]:
    assets = Path(__file__).parents[2] / "assets"
    script, style = ((assets / name).read_text("utf-8") for name in ("shelf.js", "shelf.css"))
    return st.components.v2.component("alcove_shelf", js=script, css=style)
