"""The tools that write down and read again: notes by title, and memories of a person."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from agents.tools.tool import Arguments, Desk, Entry, Label, Memories, Notes, Tool
from corpus.errors import Conflict

__all__ = ["READ_NOTES", "RECALL", "REMEMBER", "WRITE_NOTE"]

_LISTED = 50
_TITLE = 200
_TEXT = 20_000
_MEMORY = 2_000
_NONE = "there is no place for {what} here; ask in a conversation of the running service"


class NoteArguments(Arguments):
    """A note."""

    title: str = Field(
        description="Its title; an older note of this title is replaced.",
        min_length=1,
        max_length=_TITLE,
    )
    text: str = Field(description="The whole note.", min_length=1, max_length=_TEXT)


class NotesArguments(Arguments):
    """Which note."""

    title: str = Field("", description="Its title; empty: list the titles.", max_length=_TITLE)


class MemoryArguments(Arguments):
    """Something to remember."""

    text: str = Field(
        description="One fact about the person or their work.", min_length=1, max_length=_MEMORY
    )


class RecallArguments(Arguments):
    """What to remember."""

    query: str = Field(description="What it is about, in some words.", min_length=1)
    most: int = Field(5, ge=1, le=20, description="How many memories.")


def _notes(desk: Desk) -> Notes:
    if desk.notes is None:
        raise Conflict(_NONE.format(what="notes"))
    return desk.notes


def _memories(desk: Desk) -> Memories:
    if desk.memories is None:
        raise Conflict(_NONE.format(what="memories"))
    return desk.memories


def _write(arguments: NoteArguments, desk: Desk) -> str:
    entry = _notes(desk).write(
        desk.person.name, arguments.title, arguments.text, desk.source, desk.key
    )
    return f"The note {entry.title!r} was written."


def _read(arguments: NotesArguments, desk: Desk) -> str:
    notes, owner = _notes(desk), desk.person.name
    if arguments.title:
        entry = notes.read(owner, arguments.title)
        return desk.quoted("note", f"{entry.title} ({entry.updated})\n{entry.text}")
    entries = notes.notes(owner)
    if not entries:
        return "There are no notes."
    more = len(entries) - _LISTED
    rest = f"\n({more} more notes.)" if more > 0 else ""
    titles = (f"{entry.title} ({entry.updated})" for entry in entries[:_LISTED])
    return desk.quoted("notes", "\n".join(titles)) + rest


def _remember(arguments: MemoryArguments, desk: Desk) -> str:
    entry = _memories(desk).remember(desk.person.name, arguments.text, desk.source, desk.key)
    return f"Remembered: {entry.text!r}."


def _recall(arguments: RecallArguments, desk: Desk) -> str:
    entries = _memories(desk).recall(desk.person.name, arguments.query, arguments.most)
    if not entries:
        return f"Nothing is remembered about {arguments.query!r}."
    return desk.quoted("memories", "\n".join(_lines(entries)))


def _lines(entries: Iterable[Entry]) -> Iterable[str]:
    return (f"{entry.created}: {entry.text}" for entry in entries)


WRITE_NOTE = Tool(
    name="write_note",
    description="Write a note for the person, by title. They are asked to approve it first.",
    schema=NoteArguments,
    run=_write,
    labels=frozenset({Label.WRITES}),
    repeatable=True,
)
READ_NOTES = Tool(
    name="read_notes",
    description="Read one of the person's notes, or list their titles.",
    schema=NotesArguments,
    run=_read,
    labels=frozenset({Label.READS_PRIVATE, Label.READS_UNTRUSTED}),
)
REMEMBER = Tool(
    name="remember",
    description="Remember a fact for later conversations. The person is asked to approve it first.",
    schema=MemoryArguments,
    run=_remember,
    labels=frozenset({Label.WRITES}),
    repeatable=True,
)
RECALL = Tool(
    name="recall",
    description="What is remembered about the person from earlier conversations.",
    schema=RecallArguments,
    run=_recall,
    labels=frozenset({Label.READS_PRIVATE, Label.READS_UNTRUSTED}),
)
