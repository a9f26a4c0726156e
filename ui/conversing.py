"""What a session holds of its conversations: the open one, the list's search, and what can be undone.

Knows nothing of Streamlit; what it reads comes from a ``ThreadService``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ui.api.narrowing import Narrowed
from ui.api.replies import Reply, stored
from ui.api.threads import MessageJson, ThreadJson, ThreadService

__all__ = ["Asking", "Conversation", "Shown", "Undo", "open_conversation"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A message with what the page draws of it; a question has no reply."""

    message: MessageJson
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it was read; ``mark`` changes whenever something in it does.

    ``earlier`` says how many messages come before those that are here, ``running`` is the run that
    is under way.
    """

    id: str
    title: str
    pinned: bool
    running: str | None
    earlier: int
    messages: tuple[Shown, ...]
    mark: tuple[object, ...]


@dataclass
class Asking(Narrowed):
    """What the next question is restricted to.

    ``unsent`` is what was typed and could not be asked, until something is; it goes back into the line.
    ``refusals`` counts how often that happened.
    """

    unsent: str = ""
    refusals: int = 0
    given_back: int = 0  # refusals after which the line was told what stands in it

    def keep(self, question: str) -> None:
        """Have what could not be asked back in the line."""
        self.unsent = question
        self.refusals += 1

    def clear(self) -> None:
        """Search everything."""
        self.filters.clear()
        self.pages = None


@dataclass(frozen=True, slots=True)
class Undo:
    """Something that was just removed, in words, and the way to have it back until ``until``."""

    id: str
    words: str
    back: Callable[[], None]
    until: float

    @classmethod
    def within(cls, id: str, words: str, back: Callable[[], None], seconds: float) -> Undo:
        """One that can be taken for so many seconds from now."""
        return cls(id, words, back, time.monotonic() + seconds)

    @property
    def open(self) -> bool:
        """Whether there is still time."""
        return time.monotonic() < self.until


def open_conversation(
    service: ThreadService, thread: str, limit: int, held: Conversation | None
) -> Conversation:
    """A conversation with its last ``limit`` messages; ``held`` again when nothing has changed.

    A look at the last message tells whether anything has: another page may have asked meanwhile.

    Raises:
        NotFound: it does not exist any more.
    """
    newest = service.thread(thread, 1)
    mark = _mark(newest, limit)
    if held is not None and held.mark == mark:
        return held
    read = service.thread(thread, limit)
    messages = tuple(Shown(m, stored(m) if m["role"] != "user" else None) for m in read["messages"])
    return Conversation(
        thread,
        read["title"],
        read.get("pinned", False),
        read.get("active_run"),
        read.get("earlier", 0),
        messages,
        _mark(read, limit),
    )


def _mark(thread: ThreadJson, limit: int) -> tuple[object, ...]:
    last = thread["messages"][-1:]
    state = [(m["id"], len(m["content"]), m["error"], str(m["feedback"])) for m in last]
    pinned, running = thread.get("pinned"), thread.get("active_run")
    return (thread["id"], thread["title"], thread["updated"], pinned, running, limit, *state)
