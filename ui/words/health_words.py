"""How a part is, in words with an icon; moments, spans of time and next steps as a person reads them.

Knows nothing of HTTP or of layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ui.api.health import CheckJson, JobBriefJson, PartJson
from ui.words.plain_words import label

__all__ = [
    "Concern",
    "Mark",
    "concerns",
    "job_words",
    "mark",
    "moment",
    "next_step",
    "span_words",
]


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as it is shown: never by colour alone."""

    icon: str
    word: str


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that is not as it should be: what, and what to do."""

    name: str
    state: str
    finding: str
    advice: str


_MARKS = {
    "good": Mark(":material/check_circle:", "Good"),
    "advice": Mark(":material/lightbulb:", "Advice"),
    "bad": Mark(":material/error:", "Wrong"),
}
_JOB_MARKS = {
    "queued": Mark(":material/schedule:", "Waiting"),
    "running": Mark(":material/progress_activity:", "Running"),
    "done": Mark(":material/check_circle:", "Done"),
    "failed": Mark(":material/error:", "Failed"),
    "cancelled": Mark(":material/cancel:", "Cancelled"),
}
_COMMAND = re.compile(r"`([^`]+)`")
_NOTHING_MORE = re.compile(r"(?i)\s*(run)?\s*`[^`]+`\s*")


def mark(state: str) -> Mark:
    """How a part's or a job's state is shown."""
    known = _MARKS.get(state) or _JOB_MARKS.get(state)
    return known or Mark(":material/help:", state.replace("_", " ").capitalize())


def concerns(parts: Iterable[PartJson], checks: Iterable[CheckJson]) -> list[Concern]:
    """What is not well, the worst first; a part that the doctor names too is told once."""
    found = [Concern(p["name"], p["state"], p["about"], p["advice"]) for p in parts]
    named = {c.name for c in found}
    found += [
        Concern(c["name"], c["state"], c["finding"], c["advice"])
        for c in checks
        if c["name"] not in named
    ]
    wrong = [c for c in found if c.state == "bad"]
    return wrong + [c for c in found if c.state == "advice"]


def next_step(*sentences: str) -> tuple[str, list[str]]:
    """What to do, in words for a label (empty when a command says it all), and the commands in backquotes.

    Args:
        sentences: how something is and what to do; the last one is put in words.
    """
    commands = [found for text in sentences for found in _COMMAND.findall(text)]
    last = sentences[-1]
    words = "" if _NOTHING_MORE.fullmatch(last) else last.replace("`", "")
    return label(words[:1].upper() + words[1:], 400), commands


def moment(when: str, now: datetime) -> str:
    """An ISO 8601 moment on the clock of ``now`` (with its zone), with its day if that is another one."""
    then = datetime.fromisoformat(when).astimezone(now.tzinfo)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%d %B, %H:%M}"


def span_words(seconds: float) -> str:
    """A span of time, roughly."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def job_words(job: JobBriefJson) -> str:
    """What a job does, for a label."""
    if job["kind"] == "reindex":
        return "Moving the index to another encoder"
    if job["kind"] == "rechunk":
        return "Cutting a document anew"
    what = "what changed in a watched folder" if job["kind"] == "follow" else "documents"
    return f"Reading {what} into {label(job['collection'] or 'default', 60)}"
