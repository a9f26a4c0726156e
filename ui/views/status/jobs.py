"""The jobs: those at work, with how far they are and a way to stop them, and the last ones that ended."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from corpus.errors import AlcoveError
from ui.api.health import HealthService, JobBriefJson
from ui.state import forget_documents, service
from ui.words.health_words import job_words, mark, moment, span_words
from ui.words.plain_words import label

__all__ = ["draw"]

_AT_WORK = ("queued", "running")


def draw(jobs: list[JobBriefJson], today: datetime) -> None:
    """Draw them; or what a job is, where there are none."""
    with st.container(key="jobs", border=True, gap="xsmall"):
        st.caption("Jobs")
        if not jobs:
            st.markdown("**None so far**")
            st.caption("Adding documents in the Library starts one; it can be stopped here.")
        for job in jobs:
            _job(job, today)


def _job(job: JobBriefJson, today: datetime) -> None:
    shown, began = mark(job["state"]), datetime.fromtimestamp(job["created"], UTC).isoformat()
    with st.container(key=f"state-{job['state']}-job-{job['id']}", gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            words = f"{shown.icon} {shown.word} · {job_words(job)}"
            st.markdown(words, width="stretch")
            st.caption(moment(began, today), width="content")
            if job["state"] in _AT_WORK:
                st.button("Cancel", key=f"cancel-{job['id']}", on_click=_cancel, args=(job["id"],))
        if job["state"] == "running":
            _progress(job)
        if job["error"]:
            st.caption(label(job["error"], 300))


def _progress(job: JobBriefJson) -> None:
    done, total, left = job["done"], job["total"], job["eta_s"]
    words = f"{done:,} of {total:,}" if total else "Getting ready"
    if left is not None and done < total:
        words += f", about {span_words(left)} left"
    st.progress(min(done / total, 1.0) if total else 0.0, words)


def _cancel(job: str) -> None:
    try:
        HealthService(service()).cancel_job(job)
    except AlcoveError as exc:
        st.toast(label(str(exc), 300), icon=":material/error:")
    else:
        forget_documents()
