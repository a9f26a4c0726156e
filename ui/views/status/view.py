"""The status: what answers, what reads, what is stored, and where."""

from __future__ import annotations

import streamlit as st

from ui.api.wire import StatusJson
from ui.state import service
from ui.words.plain_words import label, state_words

__all__ = ["draw"]


def draw() -> None:
    """Draw what the service says of itself, freshly asked."""
    now = service().status()
    with st.container(key="status"):
        st.title("Status", anchor=False)
        _engine(now)
        _encoder(now)
        _holdings(now)
        st.caption(f"Alcove {label(now['version'])} · {label(now['home'], 200)}")


def _engine(now: StatusJson) -> None:
    engine = now["engine"]
    with st.container(border=True):
        st.caption("Answers are written by")
        if engine["name"] == "extractive":
            st.markdown("**No language model: answers are quoted from the documents**")
            st.caption(
                "For written answers start Alcove with a model's server: `alcove up --llm URL`. "
                "vLLM, TensorRT-LLM, Ollama and llama.cpp all work."
            )
        elif engine["name"]:
            st.markdown(f"**{label(engine['model'] or engine['name'])}**")
            st.caption(label(engine["url"], 120))
        else:
            st.markdown("**Getting ready**")
            st.caption(label(engine["label"], 300))


def _encoder(now: StatusJson) -> None:
    encoder = now["encoder"]
    with st.container(border=True):
        st.caption("Documents are searched with")
        if encoder["name"]:
            st.markdown(f"**{label(encoder['name'])}**, {encoder['dimension']} dimensions")
        if encoder["note"]:
            st.caption(label(encoder["note"], 400))


def _holdings(now: StatusJson) -> None:
    with st.container(border=True):
        st.caption("The library holds")
        rows = [
            {"Collection": c["name"], "Documents": c["documents"], "Chunks": c["chunks"]}
            for c in now["collections"]
        ]
        if rows:
            st.dataframe(rows, hide_index=True, width="stretch")
        else:
            st.markdown("**Nothing yet**")
        states = [f"{n:,} {state_words(s).name.lower()}" for s, n in now["states"].items() if n]
        snapshot = f"snapshot {now['snapshot']}" if now["snapshot"] is not None else "no snapshot"
        st.caption(" · ".join([*states, snapshot]))
