"""What writes answers and what documents are searched with: which, since when, why, and how to have another."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from ui.api.health import EncoderJson, EngineJson
from ui.words.health_words import mark, moment, next_step
from ui.words.plain_words import label

__all__ = ["encoder", "engine"]

_START = (
    "A server on this machine is found by itself: vLLM, TensorRT-LLM, Ollama, llama.cpp, LM Studio and SGLang are "
    "looked for on their usual ports. For one elsewhere, start Alcove with its address:"
)
_COMMANDS = ("vllm serve MODEL", "ollama serve", "alcove up --llm URL")


def engine(now: EngineJson, is_owner: bool, today: datetime) -> None:
    """Draw what writes answers, and whether it can be reached."""
    with st.container(key="engine", border=True, gap="xsmall", height="stretch"):
        st.caption("Answers are written by")
        if now["name"] == "extractive":
            st.markdown("**No language model: answers are quoted from the documents**")
        elif now["name"]:
            listed = now.get("models") or [now["name"]]
            st.markdown(f"**{label(now['model'] or listed[0])}**")
            _reached(now, today)
            if now["url"]:
                st.caption(label(now["url"], 120))
        else:
            st.markdown("**Getting ready**")
            st.caption(label(now["label"], 300))
        if is_owner and now["name"] and now["reachable"] is not True:
            with st.expander("How to start one"):
                st.caption(_START)
                for command in _COMMANDS:
                    st.code(command, language=None)


def _reached(now: EngineJson, today: datetime) -> None:
    if now["reachable"] is None:
        st.markdown(":material/hourglass_top: Being asked…")
        return
    state, words = ("good", "Reachable") if now["reachable"] else ("bad", "Does not answer")
    since = now.get("since")
    with st.container(key=f"state-{state}-engine", gap=None):
        st.markdown(
            f"{mark(state).icon} {words}" + (f" since {moment(since, today)}" if since else "")
        )
        if now.get("said"):
            st.caption(label(_last(now, today), 300))


def _last(now: EngineJson, today: datetime) -> str:
    """What it said last, when, and how long that took."""
    asked, took = now.get("asked"), now.get("took_ms")
    when = f" at {moment(asked, today)}" if asked else ""
    speed = f", after {took:.0f} ms" if took is not None else ""
    return f"Asked{when}{speed}: {now['said']}"


def encoder(now: EncoderJson) -> None:
    """Draw what documents are searched with, why, and how to have E5."""
    why = now.get("why") or now["note"]
    with st.container(key="encoder", border=True, gap="xsmall", height="stretch"):
        st.caption("Documents are searched with")
        if now["name"]:
            st.markdown(f"**{label(now['name'])}**, {now['dimension']} dimensions")
        if not why:
            return
        finding, _, advice = why.rpartition("; ")
        _, commands = next_step(why)
        st.caption(label((finding or advice).replace("`", ""), 400))
        if any("models pull" in command for command in commands):
            st.caption("To get E5, fetch it and then move the index to it:")
            commands.append("alcove reindex")
        for command in commands:
            st.code(command, language=None)
