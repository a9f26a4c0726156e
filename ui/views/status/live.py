"""The part of the status that changes by itself: the verdict, the parts, the engine, figures, jobs.

Drawn again every few seconds from two small requests.
"""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from ui.api.health import DoctorJson, HealthService, OverviewJson, PartJson
from ui.state import service
from ui.views.outage import guarded
from ui.views.status import cards, jobs, verdict
from ui.words.health_words import mark
from ui.words.plain_words import label, size

__all__ = ["draw"]


@guarded
def draw(is_owner: bool) -> None:
    """Ask how everything is, and draw it."""
    client = HealthService(service())
    now, today = client.overview(), datetime.now().astimezone()
    if is_owner:
        doctor = client.doctor()
        verdict.draw(now, doctor)
        _parts(now.get("parts", []), doctor, today)
    else:
        verdict.draw_for_others(now)
    left, right = st.columns(2, gap="small")
    with left:
        cards.engine(now["engine"], is_owner, today)
    with right:
        cards.encoder(now["encoder"])
    if is_owner:
        _figures(now)
    jobs.draw(now["jobs"], today)


def _parts(parts: list[PartJson], doctor: DoctorJson, today: datetime) -> None:
    with st.container(key="parts", border=True, gap="xsmall"):
        st.caption("Parts")
        for part in parts:
            shown = mark(part["state"])
            with st.container(
                key=f"state-{part['state']}-{part['name'].replace(' ', '-')}",
                horizontal=True,
                gap="xsmall",
            ):
                name = label(part["name"].capitalize())
                st.markdown(f"{shown.icon} **{name}** · {shown.word}", width=230)
                st.caption(label(part["about"][:1].upper() + part["about"][1:], 300))
        verdict.checks(doctor, today)


def _figures(now: OverviewJson) -> None:
    index, memory = now.get("index"), now.get("memory")
    used = memory["process_bytes"] if memory else None
    left = memory["available_bytes"] if memory else None
    documents = sum(c["documents"] for c in now["collections"])
    with st.container(key="figures", horizontal=True, gap="small"):
        _figure("Documents", f"{documents:,}", "in all collections")
        if index:
            how = "every one is compared" if index["kind"] == "exact" else f"by {index['kind']}"
            _figure("Passages searched", f"{index['chunks']:,}", how)
            _figure("Index on disk", size(index["bytes"]), f"{index['vectors']:,} vectors")
        if used is not None:
            _figure("Memory", size(used), f"{size(left)} left" if left is not None else "")


def _figure(name: str, value: str, about: str) -> None:
    st.metric(
        name, value, label(about, 60), delta_color="off", delta_arrow="off", border=True,
        width="stretch",
    )  # fmt: skip
