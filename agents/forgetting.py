"""What a person has here, and forgetting it all: threads, memories, notes, and the documents of their collections.

Conversations go as a deleted thread does, documents through the pipeline, so that index and catalog agree, and with
them the records of how they were ingested. What stays: the audit log, and the quotes in answers that others have from
those documents. Knows nothing of keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agents.build import App
from corpus.errors import Conflict, UserError
from corpus.job_records import forget_jobs
from corpus.undo import drop_undos
from ingest.jobs import FINAL

__all__ = ["Belongings", "belongings", "forget_person"]


@dataclass(frozen=True, slots=True)
class Belongings:
    """How much there is of each, and the ids of the documents."""

    threads: int
    memories: int
    notes: int
    documents: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return bool(self.threads or self.memories or self.notes or self.documents)

    def __str__(self) -> str:
        counts = (self.threads, "conversation"), (self.memories, "memor"), (self.notes, "note")
        words = [f"{n} {noun}{_ending(noun, n)}" for n, noun in counts]
        more = len(self.documents)
        return f"{', '.join(words)} and {more} document{_ending('', more)} of their collections"


def belongings(app: App, name: str) -> Belongings:
    """What belongs to the person called ``name``.

    Raises:
        UserError: it is the empty name, which is the owner's.
    """
    if not name:
        raise UserError("what is the owner's is not forgotten at once; delete it piece by piece")
    chats = app.chats
    counts = (
        len(chats.thread_ids(name)),
        len(chats.memories.memories(name)),
        len(chats.notes.notes(name)),
    )
    theirs = app.catalog.database.rows(
        "SELECT name FROM collections WHERE owner = :name", {"name": name}
    )
    documents = (d.id for row in theirs for d in app.catalog.documents(row["name"]))
    return Belongings(*counts, tuple(documents))


def forget_person(app: App, name: str) -> Belongings:
    """Delete all that belongs to a person; returns what that was.

    Raises:
        UserError: as ``belongings``.
        Conflict: something of theirs is still being ingested; nothing was deleted.
    """
    theirs = belongings(app, name)
    jobs = app.jobs.jobs(name)
    if any(job.state not in FINAL for job in jobs):
        raise Conflict(
            f"documents of {name!r} are still being ingested; wait for it, or cancel it in the running service"
        )
    threads = app.chats.thread_ids(name)
    for thread in threads:
        app.chats.deleting.erase(thread, name)
    for memory in app.chats.memories.memories(name):
        app.chats.memories.delete(name, memory.id)
    for note in app.chats.notes.notes(name):
        app.chats.notes.delete(name, note.id)
    if theirs.documents:
        app.remove_documents(theirs.documents)
    drop_undos(app.catalog.database, name)
    forget_jobs(app.catalog.database, [job.id for job in jobs])
    with app.catalog.database.transaction() as db:
        db.execute("DELETE FROM collections WHERE owner = ?", (name,))
    return replace(theirs, threads=len(threads))


def _ending(noun: str, count: int) -> str:
    one, many = ("y", "ies") if noun == "memor" else ("", "s")
    return one if count == 1 else many
