"""What one browser session is looking at, and what a person can do there.

The views only lay out; every change of what is shown happens here. Conversations, documents and
answers live in the service: this holds which of them are open, and parts of the page have small
states of their own that it holds (``ui.viewing``, ``ui.conversing``, ``ui.api.evaluations``). What was
read from the service is in ``ui.kept``. The open view and conversation, the search looked into, the
open document and evaluation are mirrored in the address (``?view=…&thread=…``), so that a reload and a bookmark
bring them back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import streamlit as st

from corpus.errors import AlcoveError, NotFound
from ui import kept
from ui.api.client import Service
from ui.api.evaluations import Evaluating
from ui.api.health import NewKeyJson, Watching
from ui.api.inspecting import Inspecting
from ui.api.live import LiveRun
from ui.api.shelf import Shelf
from ui.conversing import Asking, Conversation, Undo, open_conversation
from ui.kept import (
    document,
    forget_documents,
    forget_threads,
    library,
    me,
    page_image,
    service,
    settings,
    status,
    threads,
)
from ui.viewing import Place, Viewing

__all__ = [
    "VIEWS",
    "PageState",
    "Place",
    "document",
    "forget_documents",
    "forget_threads",
    "library",
    "me",
    "page_image",
    "service",
    "settings",
    "sign_in",
    "sign_out",
    "state",
    "status",
    "take_key",
    "threads",
]

_KEY = "alcove"
_GRACE_S = 10  # that the service keeps what was deleted longer than the page offers it
VIEWS = ("chat", "library", "inspect", "evaluate", "status")
_ADDRESS = ("view", "thread", "q", "collection", "filters", "evaluation", "document")
# Views of which what is open stands in the address, and where it is held.
_PARTS = {"inspect": "inspect", "evaluate": "evaluate", "library": "shelf"}


@dataclass
class PageState:
    """One session's open things.

    ``view`` and ``thread`` are the open view and conversation, ``mirrored`` what the address was
    last given of them and of what is open in the view.
    """

    view: str = "chat"
    thread: str | None = None
    mirrored: dict[str, str] = field(default_factory=dict)
    live: LiveRun | None = None
    viewing: Viewing = field(default_factory=Viewing)
    asking: Asking = field(default_factory=Asking)
    undoing: list[Undo] = field(default_factory=list)
    thread_pages: int = 1  # how many pages of the list of conversations are shown
    message_pages: int = 1  # how many pages of the open conversation are, from its end
    read: Conversation | None = None
    correcting: str | None = None  # the answer of which somebody says what would have been right
    evaluate: Evaluating = field(default_factory=Evaluating)
    shelf: Shelf = field(default_factory=Shelf)
    status: Watching = field(default_factory=Watching)
    inspect: Inspecting = field(init=False)

    def __post_init__(self) -> None:
        self.inspect = Inspecting(lambda: self.open_view("inspect"))

    # Where the person is

    def follow_address(self) -> None:
        """Go where the address says when the person changed it, and write back where they are."""
        told = {key: st.query_params[key] for key in _ADDRESS if key in st.query_params}
        if told != self.mirrored:
            view = told.get("view", "chat")
            self.view = view if view in VIEWS else "chat"
            self._show(told.get("thread"))
            if self.view in _PARTS:
                getattr(self, _PARTS[self.view]).follow(told)
        self.mirror()

    def mirror(self) -> None:
        """Write the open view and conversation into the address, and what is open in the view."""
        here = {"thread": self.thread} if self.thread else {}
        if self.view != "chat":
            here["view"] = self.view
        if self.view in _PARTS:
            here |= getattr(self, _PARTS[self.view]).address()
        if here != self.mirrored:
            st.query_params.from_dict(here)
        self.mirrored = here

    def open_view(self, view: str) -> None:
        """Open one of ``VIEWS``."""
        self.view = view
        self.mirror()

    # Conversations

    def open_thread(self, thread: str | None) -> None:
        """Open a conversation, or an empty page for a new one."""
        self._show(thread)
        self.open_view("chat")

    def _show(self, thread: str | None) -> None:
        if thread != self.thread:
            self.unfollow()
            self.viewing.close()
            self.read, self.message_pages, self.correcting = None, 1, None
        self.thread = thread

    def conversation(self) -> Conversation | None:
        """The open conversation as it is now; ``None`` when there is none, or none any more."""
        if self.thread is None:
            return None
        limit = settings().messages_shown * self.message_pages
        self.read = open_conversation(threads(), self.thread, limit, self.read)
        return self.read

    def ask(self, question: str, mode: str, collection: str | None) -> None:
        """Start a run for a question in the open conversation, or in a new one.

        Raises:
            Conflict: another one is under way there.
            NotFound: the conversation was deleted; it is closed.
        """
        thread = self.thread or threads().create()
        limits = (self.asking.filters, self.asking.pages)
        try:
            run = threads().start(thread, question, mode, collection, *limits)
        except NotFound:
            self.open_thread(None)
            forget_threads()
            raise
        self.thread = thread
        self.mirror()
        self.follow(run)
        forget_threads()

    def follow(self, run: str) -> LiveRun:
        """Watch a run, unless it is watched already."""
        if self.live is None or self.live.run != run:
            self.unfollow()
            self.live = LiveRun(threads(), run)
        return self.live

    def unfollow(self) -> None:
        """Stop watching; the run goes on in the service."""
        if self.live is not None:
            self.live.close()
        self.live = None

    @property
    def running(self) -> bool:
        """Whether an answer is being written here."""
        return self.live is not None and not self.live.ended

    def stop(self) -> None:
        """Stop the run that is watched."""
        if self.live is not None:
            threads().cancel(self.live.run)

    def rename_thread(self, thread: str, title: str) -> None:
        """Give a conversation another title, when there is one in ``title``."""
        if title.strip():
            threads().change(thread, title=title.strip())
            forget_threads()

    def pin_thread(self, thread: str, pinned: bool) -> None:
        """Keep a conversation at the top of the list, or no longer."""
        threads().change(thread, pinned=pinned)
        forget_threads()

    def delete_thread(self, thread: str, title: str) -> None:
        """Remove a conversation, and close it when it is open; for a while it can be undone."""
        threads().delete(thread, settings().undo_s)
        forget_threads()
        here = thread == self.thread

        def back() -> None:
            threads().restore(thread)
            forget_threads()
            if here:
                self.open_thread(thread)

        self.offer_undo(thread, f"“{title}” was deleted.", back)
        if here:
            self.open_thread(None)

    def rate(
        self,
        message: str,
        rating: int,
        comment: str = "",
        sources: Sequence[tuple[str, int, int]] = (),
        unanswerable: bool = False,
    ) -> None:
        """Keep a verdict on an answer; see ``ThreadService.rate``."""
        threads().rate(message, rating, comment, sources, unanswerable)
        self.read = None

    # Undoing

    def offer_undo(self, id: str, words: str, back: Callable[[], None]) -> None:
        """Offer for a while to undo what was just done.

        Args:
            id: tells it from others on the page.
            words: one sentence that says what was done.
            back: undoes it; may raise an ``AlcoveError``, which is told.
        """
        self.undoing = [undo for undo in self.undoing if undo.open and undo.id != id]
        self.undoing.append(Undo.within(id, words, back, settings().undo_s))

    def undo(self, id: str) -> None:
        """Undo something that was offered, and offer it no more."""
        taken = [undo for undo in self.undoing if undo.id == id]
        self.undoing = [undo for undo in self.undoing if undo.id != id]
        for undo in taken:
            undo.back()

    # Documents

    def remove_document(self, document: str) -> None:
        """Delete a document, and close the viewer when it shows it; for a while it can be restored."""
        library().delete_document(document, int(settings().undo_s) + _GRACE_S)
        place = self.viewing.place
        if place and place.document == document:
            self.viewing.close()
        forget_documents()

    def offer_documents(self, removed: Sequence[tuple[str, str]]) -> None:
        """Offer to bring back documents that were deleted together, as (id, name)."""

        def back() -> None:
            forget_documents()
            for id, _ in removed:
                library().restore(id)

        one = f"“{removed[0][1]}” was deleted."
        words = one if len(removed) == 1 else f"{len(removed):,} documents were deleted."
        self.offer_undo(removed[0][0], words, back)


def state() -> PageState:
    """This session's state."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = PageState()
    held: PageState = st.session_state[_KEY]
    return held


def sign_in(key: str) -> None:
    """Use this key in this session, if the service knows it; it is kept nowhere else.

    Raises:
        NotSignedIn, ServiceDown: it does not, or does not answer.
    """
    candidate = Service(settings(), key.strip())
    try:
        candidate.me()
    except AlcoveError:
        candidate.close()
        raise
    _forget_person()
    st.session_state[kept.SIGNED_IN] = candidate


def take_key(made: NewKeyJson, *, is_mine: bool) -> None:
    """Show a key that was just made, once; sign in with it where it is this session's own.

    Raises:
        NotSignedIn, ServiceDown: as ``sign_in``.
    """
    if is_mine:
        sign_in(made["key"])
        state().open_view("status")
    state().status.key = made


def sign_out() -> None:
    """Forget the key, and all that is open."""
    _forget_person()
    st.query_params.clear()


def _forget_person() -> None:
    """Leave nothing of who was here in the session."""
    state().unfollow()
    state().shelf.leave()
    st.session_state.pop(_KEY, None)
    if held := st.session_state.pop(kept.SIGNED_IN, None):
        held.close()
