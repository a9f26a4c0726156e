"""What one browser session is looking at, and what a person can do there.

The views only lay out; every change of what is shown happens here. Conversations, documents and
answers live in the service: this holds which of them are open. The open view and conversation are
mirrored in the address (``?view=…&thread=…``), so that a reload and a bookmark bring them back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO

import streamlit as st

from corpus.errors import AlcoveError
from corpus.records import Citation, Passage
from ui.api.client import Service
from ui.api.documents import DocumentService
from ui.api.evaluations import Evaluating
from ui.api.live import LiveRun
from ui.api.wire import DocumentJson, MeJson, StatusJson
from ui.settings import PageSettings, page_settings

__all__ = [
    "VIEWS",
    "PageState",
    "Place",
    "document",
    "forget_documents",
    "library",
    "me",
    "page_image",
    "service",
    "settings",
    "sign_in",
    "sign_out",
    "state",
    "status",
]

_KEY, _SIGNED_IN = "alcove", "alcove-service"
VIEWS = ("chat", "library", "evaluate", "status")


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a document, as the viewer opens it; ``number`` is its citation's, if it has one."""

    document: str
    source: str
    page: int | None
    start: int
    end: int
    quote: str
    number: int | None = None

    @classmethod
    def of(cls, found: Citation | Passage) -> Place:
        """Where a citation or a passage stands."""
        span = found.span
        if isinstance(found, Citation):
            where = (found.document, found.source, found.page)
            return cls(*where, span.start, span.end, found.quote, found.n)
        where = (found.document.id, found.document.source, found.page)
        return cls(*where, span.start, span.end, found.text)


@dataclass
class PageState:
    """One session's open things.

    ``view`` and ``thread`` are the open view and conversation, ``mirrored`` what the address was
    last given of them; ``places`` are what the viewer can step through, ``at`` which one is open.
    """

    view: str = "chat"
    thread: str | None = None
    mirrored: tuple[str | None, str | None] = (None, None)
    live: LiveRun | None = None
    places: tuple[Place, ...] = ()
    at: int = 0
    shown_in: str = ""
    page: int | None = None
    jobs: list[str] = field(default_factory=list)
    uploads: int = 0
    all_threads: bool = False
    correcting: str | None = None  # the answer of which somebody says what would have been right
    evaluate: Evaluating = field(default_factory=Evaluating)

    # Where the person is

    def follow_address(self) -> None:
        """Go where the address says when the person changed it, and write back where they are."""
        told = (st.query_params.get("view"), st.query_params.get("thread"))
        if told != self.mirrored:
            self.view = told[0] if told[0] in VIEWS else "chat"
            self._show(told[1])
        self.mirror()

    def mirror(self) -> None:
        """Write the open view and conversation into the address."""
        here = (self.view if self.view != "chat" else None, self.thread)
        if here != self.mirrored:
            given = zip(("view", "thread"), here, strict=True)
            st.query_params.from_dict({key: value for key, value in given if value})
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
            self.close_viewer()
        self.thread = thread

    def ask(self, question: str, mode: str, collection: str | None) -> None:
        """Start a run for a question in the open conversation, or in a new one."""
        if self.thread is None:
            self.thread = service().create_thread()
            self.mirror()
        self.follow(service().start(self.thread, question, mode, collection))

    def follow(self, run: str) -> LiveRun:
        """Watch a run, unless it is watched already."""
        if self.live is None or self.live.run != run:
            self.unfollow()
            self.live = LiveRun(service(), run)
        return self.live

    def unfollow(self) -> None:
        """Stop watching; the run goes on in the service."""
        if self.live is not None:
            self.live.close()
        self.live = None

    def stop(self) -> None:
        """Stop the run that is watched."""
        if self.live is not None:
            service().cancel_run(self.live.run)

    def rename_thread(self, thread: str, title: str) -> None:
        """Give a conversation another title, when there is one in ``title``."""
        if title.strip():
            service().rename_thread(thread, title.strip())

    def delete_thread(self, thread: str) -> None:
        """Remove a conversation; close it when it is open."""
        service().delete_thread(thread)
        if thread == self.thread:
            self.open_thread(None)

    # The viewer

    @property
    def place(self) -> Place | None:
        """What the viewer shows."""
        return self.places[self.at] if self.places else None

    def open_place(self, places: Sequence[Place], at: int, shown_in: str) -> None:
        """Open ``places[at]``; ``shown_in`` names the answer they belong to."""
        self.places, self.at, self.shown_in, self.page = tuple(places), at, shown_in, None

    def step(self, by: int) -> None:
        """Go to the next or the previous place of the same answer."""
        self.at, self.page = (self.at + by) % len(self.places), None

    def turn(self, page: int) -> None:
        """Show another page of the open document."""
        self.page = page

    def close_viewer(self) -> None:
        """Give its room back to the conversation."""
        self.places, self.at, self.shown_in, self.page = (), 0, "", None

    def active_in(self, shown_in: str) -> int | None:
        """The number of the open citation when it belongs to that answer."""
        return self.place.number if self.place and self.shown_in == shown_in else None

    # Documents

    def upload(self, files: Sequence[tuple[str, bytes]], collection: str) -> None:
        """Hand files to the service and follow the job; the uploader starts afresh."""
        self.jobs.append(library().upload([(n, BytesIO(d)) for n, d in files], collection))
        self.uploads += 1
        forget_documents()

    def delete_document(self, document_id: str) -> None:
        """Remove a document, and close the viewer when it shows it."""
        library().delete_document(document_id)
        if self.place and self.place.document == document_id:
            self.close_viewer()
        forget_documents()


def state() -> PageState:
    """This session's state."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = PageState()
    held: PageState = st.session_state[_KEY]
    return held


@st.cache_resource(show_spinner=False)
def settings() -> PageSettings:
    """The settings of this process's page."""
    return page_settings(sys.argv[1:], os.environ)


def service() -> Service:
    """The client of whoever signed in in this session, else the one that all sessions share."""
    signed_in: Service | None = st.session_state.get(_SIGNED_IN)
    return signed_in or _shared_service()


@st.cache_resource(show_spinner=False)
def _shared_service() -> Service:
    return Service(settings())


def library() -> DocumentService:
    """The documents of this session's service."""
    return DocumentService(service())


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
    st.session_state[_SIGNED_IN] = candidate


def sign_out() -> None:
    """Forget the key, and all that is open."""
    _forget_person()
    st.query_params.clear()


def _forget_person() -> None:
    """Leave nothing of who was here in the session."""
    state().unfollow()
    held: Service | None = st.session_state.pop(_SIGNED_IN, None)
    st.session_state.pop(_KEY, None)
    if held is not None:
        held.close()


def me() -> MeJson:
    """Who is signed in, at most a minute ago."""
    return _me(service().who, service())


def status() -> StatusJson:
    """The service's status, at most ten seconds old."""
    return _status(service().who, service())


def document(document_id: str) -> DocumentJson:
    """A document's record. A version of a document never changes; only its removal is news."""
    return _document(service().who, service(), document_id)


def page_image(document_id: str, page: int, start: int, end: int, width: int) -> bytes:
    """A page's picture; the same document id always has the same pages."""
    return _page_image(service().who, service(), document_id, page, start, end, width)


# What is cached is shared by the sessions of one person (``who``), never by those of two.


@st.cache_data(ttl=60, max_entries=100, show_spinner=False)
def _me(who: str, _service: Service) -> MeJson:
    return _service.me()


@st.cache_data(ttl=10, max_entries=100, show_spinner=False)
def _status(who: str, _service: Service) -> StatusJson:
    return _service.status()


@st.cache_data(ttl=60, max_entries=500, show_spinner=False)
def _document(who: str, _service: Service, document_id: str) -> DocumentJson:
    return DocumentService(_service).document(document_id)


@st.cache_data(ttl=600, max_entries=64, show_spinner=False)
def _page_image(
    who: str, _service: Service, document_id: str, page: int, start: int, end: int, width: int
) -> bytes:
    return DocumentService(_service).page_image(document_id, page, start, end, width)


def forget_documents() -> None:
    """Drop what is cached about documents and counts."""
    _document.clear()
    _status.clear()
