"""Is all well? One line, and below it each thing that is not, with the next step; and all that the doctor looked at."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.health import DoctorJson, HealthService, OverviewJson
from ui.state import service
from ui.words.health_words import Concern, concerns, mark, moment, next_step
from ui.words.plain_words import label

__all__ = ["checks", "draw", "draw_for_others"]


def draw(now: OverviewJson, doctor: DoctorJson) -> None:
    """Draw the verdict on all parts and all that the doctor found."""
    found = concerns(now.get("parts", []), doctor["checks"])
    wrong = sum(c.state == "bad" for c in found)
    if wrong:
        _line("bad", f"{wrong} thing{'s' * (wrong > 1)} need{'s' * (wrong == 1)} you")
    elif not now["ready"]:
        _line("waiting", "Getting ready", now["engine"]["label"])
    elif found:
        few = "one piece" if len(found) == 1 else f"{len(found)} pieces"
        _line("good", f"Everything works; {few} of advice")
    elif doctor["checked"] is None:
        _line("good", "Everything works", "The doctor is still looking at what is stored.")
    else:
        _line("good", "All is well")
    for number, concern in enumerate(found):
        _concern(concern, number)


def draw_for_others(now: OverviewJson) -> None:
    """Draw whether questions are answered, which is what concerns everybody."""
    if not now["ready"]:
        _line("waiting", "Getting ready", now["engine"]["label"])
    elif now["engine"]["reachable"] is False:
        _line("bad", "The language model does not answer", "Search works; ask the owner.")
    else:
        _line("good", "Alcove is ready", "Questions are answered.")


def _line(state: str, words: str, more: str = "") -> None:
    icon = ":material/hourglass_top:" if state == "waiting" else mark(state).icon
    with st.container(key=f"state-{state}-verdict", gap=None):
        st.header(f"{icon} {words}", anchor=False)
        if more:
            st.caption(label(more, 300))


def _concern(concern: Concern, number: int) -> None:
    shown = mark(concern.state)
    words, commands = next_step(concern.finding, concern.advice)
    with st.container(key=f"state-{concern.state}-concern-{number}", border=True, gap="xsmall"):
        st.markdown(f"{shown.icon} **{label(concern.name.capitalize())}** · {shown.word}")
        said = concern.finding.replace("`", "")
        st.markdown(label(said[:1].upper() + said[1:], 500))
        if words:
            st.markdown(f"**Next:** {words}")
        for command in commands:
            st.code(command, language=None)


def checks(doctor: DoctorJson, today: datetime) -> None:
    """Draw all that the doctor looked at, folded, and the way to have it look anew."""
    if doctor["checked"]:
        count = len(doctor["checks"])
        when = f"The doctor looked at {moment(doctor['checked'], today)}: {count} checks"
    else:
        when = "The doctor is looking for the first time"
    folded = st.expander(when)
    with folded.container(key="checks", gap="xsmall"):
        for number, check in enumerate(doctor["checks"]):
            shown = mark(check["state"])
            said = f"{check['finding']}; {check['advice']}" if check["advice"] else check["finding"]
            with st.container(
                key=f"state-{check['state']}-check-{number}", horizontal=True, gap="small"
            ):
                st.markdown(f"{shown.icon} {label(check['name'])}", width=210)
                st.caption(label(said.replace("`", ""), 400))
        st.button(
            "Looking…" if doctor["looking"] else "Look again",
            key="look-again",
            icon=":material/stethoscope:",
            disabled=doctor["looking"],
            on_click=_look_again,
        )


def _look_again() -> None:
    try:
        HealthService(service()).look_again()
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")
