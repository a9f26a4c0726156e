"""``alcove doctor`` and ``alcove compact``: what they do to a home, and what they say about it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from agents.build import build
from ui.commands.console import write

if TYPE_CHECKING:
    from agents.health.checks import Finding
    from agents.settings import Settings
    from ingest.compact import Compaction
    from ingest.repair import Repair

__all__ = [
    "finding_json",
    "finding_row",
    "run_compact",
    "run_repair",
    "show_compaction",
    "show_repair",
]

_MIB = 2**20
_MARKS = {"good": "ok", "optional": "note", "advice": "note", "bad": "FAULT"}


def finding_row(finding: Finding) -> list[str]:
    """What the doctor found of one part, for a person."""
    return [_MARKS[finding.level], finding.name, finding.sentence]


def finding_json(finding: Finding) -> dict[str, str]:
    """The same, for a program."""
    status, name, sentence = finding_row(finding)
    return {"name": name, "status": status, "finding": sentence}


def run_repair(settings: Settings) -> Repair:
    """Make whole what can be. Raises as ``ingest.repair.repair``."""
    from ingest.repair import repair

    app = build(settings)
    with closing(app), closing(app.writer()) as writer:
        return repair(app.home, app.catalog, writer)


def show_repair(done: Repair) -> None:
    """For a person: what was damaged and what became of it."""
    for sentence in done.done or ("Nothing was damaged.",):
        write(sentence)
    write(f"Snapshot {done.snapshot} is live; {done.embedded} texts had to be embedded again.")


def run_compact(settings: Settings, drop_quarantine: bool) -> tuple[Compaction, list[str]]:
    """What was done, and what was left alone. Raises as ``ingest.compact.compact``."""
    from ingest.compact import compact

    app = build(settings)
    with closing(app), closing(app.writer()) as writer:
        done = compact(app.home, app.catalog, writer, drop_quarantine=drop_quarantine)
        notes = list(done.notes)
        if threads := len(app.chats.thread_ids()):
            notes.append(f"{threads} chats may quote deleted documents: they are yours to delete")
        return done, notes


def show_compaction(done: Compaction, notes: list[str]) -> None:
    """For a person: the space won, and what was left alone."""
    before, after = done.bytes_before / _MIB, done.bytes_after / _MIB
    write(f"{before:.1f} MiB before, {after:.1f} MiB now. Snapshot {done.snapshot} is live.")
    for note in notes:
        write(f"Note: {note}.")
