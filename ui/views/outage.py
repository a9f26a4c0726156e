"""What the page shows while the service is away: what is wrong, what to do, and the way back."""

from __future__ import annotations

import streamlit as st

from ui.client import ServiceDown
from ui.plain_words import label
from ui.state import service, settings

__all__ = ["draw"]


def draw(reason: str) -> None:
    """Say that the service is away, and draw the page anew as soon as it answers."""
    with st.container(key="outage", border=True):
        st.subheader("Alcove is not answering")
        st.markdown(label(reason, 300))
        st.caption(
            "Nothing is lost: questions, answers and documents are kept by the service. "
            "If it does not come back, start it with `alcove up`."
        )
        st.fragment(_try_again, run_every=settings().outage_s)()


def _try_again() -> None:
    try:
        service().ready()
    except ServiceDown:
        st.caption(":material/sync: Trying again by itself…")
    else:
        st.rerun()
