"""The page's connection to the service, and what it read from there and need not read again.

What is cached is shared by the sessions of one person (``Service.who``), never by those of two. It
is dropped by what the page itself does, and lives a short time otherwise, since other pages and
programs change things too.
"""

from __future__ import annotations

import json
import os
import sys
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import streamlit as st

from corpus.errors import NotFound
from corpus.records import State
from ui.api.client import Service
from ui.api.documents import DocumentService, DocumentsJson
from ui.api.inspecting import InspectionJson, InspectService, SettingsJson
from ui.api.threads import ThreadService, ThreadsJson
from ui.api.wire import DocumentJson, MeJson, StatusJson, TextJson
from ui.settings import PageSettings, page_settings
from ui.words.plain_words import state_words

__all__ = [
    "SIGNED_IN",
    "document",
    "filters",
    "find_documents",
    "forget_documents",
    "forget_threads",
    "inspection",
    "library",
    "me",
    "page_image",
    "search_settings",
    "service",
    "settings",
    "status",
    "suggestions",
    "text_around",
    "thread_page",
    "threads",
]

_FEW_DOCUMENTS = 20
_SEARCHABLE = [str(state) for state in State if state_words(state).searchable]
SIGNED_IN = "alcove-service"
"""Where a session keeps the client of who signed in there."""


@st.cache_resource(show_spinner=False)
def settings() -> PageSettings:
    """The settings of this process's page."""
    return page_settings(sys.argv[1:], os.environ)


def service() -> Service:
    """The client of whoever signed in in this session, else the one that all sessions share."""
    signed_in: Service | None = st.session_state.get(SIGNED_IN)
    return signed_in or _shared_service()


@st.cache_resource(show_spinner=False)
def _shared_service() -> Service:
    return Service(settings())


def threads() -> ThreadService:
    """The conversations of whoever this session speaks for."""
    return ThreadService(service())


def library() -> DocumentService:
    """The documents of this session's service."""
    return DocumentService(service())


def me() -> MeJson:
    """Who is signed in, at most a minute ago."""
    return _me(service().who, service())


def status() -> StatusJson:
    """The service's status, at most ten seconds old."""
    return _status(service().who, service())


def document(document_id: str) -> DocumentJson:
    """A document's record. A version of a document never changes; only its removal is news."""
    return _document(service().who, service(), document_id)


def page_image(document_id: str, page: int, start: int, end: int, width: int) -> str:
    """A page's picture as a ``data:`` address; the same document id always has the same pages.

    Streamlit would hand bytes out under an address of its own, and take that away again when the
    page is drawn anew before the browser has asked for it.
    """
    return _page_image(service().who, service(), document_id, page, start, end, width)


def text_around(document_id: str, start: int, end: int) -> TextJson:
    """Characters ``[start, end)`` of a document's text, as far as it has them."""
    return _text(service().who, service(), document_id, max(0, start), end)


def find_documents(words: str) -> DocumentsJson:
    """Documents that can be searched and are called so, the first few by name; half a minute old."""
    return _found_documents(service().who, service(), words.strip())


def inspection(asked: Mapping[str, Any]) -> InspectionJson:
    """A search looked into, half a minute old; ``asked`` as for ``InspectService.inspect``."""
    return _inspection(service().who, service(), json.dumps(asked, sort_keys=True))


def search_settings() -> SettingsJson:
    """How the service searches where nothing else is asked for."""
    return _search_settings(service().who, service())


def thread_page(words: str = "", after: str | None = None) -> ThreadsJson:
    """A page of the conversations, at most ten seconds old; half as long for those with ``words``, which show where."""
    shown = settings().threads_shown
    limit = (shown + 1) // 2 if words else shown
    return _thread_page(service().who, service(), words, limit, after)


def suggestions(run: str) -> list[str]:
    """What to ask after the answer of ``run``; nothing when the service does not know it any more."""
    return _suggestions(service().who, service(), run)


def filters(collection: str | None) -> dict[str, list[str]]:
    """What a collection can be filtered by, at most a minute old."""
    return _filters(service().who, service(), collection)


@st.cache_data(ttl=60, max_entries=100, show_spinner=False)
def _me(who: str, _service: Service) -> MeJson:
    return _service.me()


@st.cache_data(ttl=10, max_entries=100, show_spinner=False)
def _status(who: str, _service: Service) -> StatusJson:
    return _service.status()


@st.cache_data(ttl=2, max_entries=500, show_spinner=False)
def _document(who: str, _service: Service, document_id: str) -> DocumentJson:
    return DocumentService(_service).document(document_id)


@st.cache_data(ttl=600, max_entries=64, show_spinner=False)
def _page_image(
    who: str, _service: Service, document_id: str, page: int, start: int, end: int, width: int
) -> str:
    picture = DocumentService(_service).page_image(document_id, page, start, end, width)
    return f"data:image/png;base64,{b64encode(picture).decode()}"


@st.cache_data(ttl=60, max_entries=200, show_spinner=False)
def _text(who: str, _service: Service, document_id: str, start: int, end: int) -> TextJson:
    return DocumentService(_service).text(document_id, start, end)


@st.cache_data(ttl=30, max_entries=200, show_spinner=False)
def _found_documents(who: str, _service: Service, words: str) -> DocumentsJson:
    return DocumentService(_service).documents(
        q=words, limit=_FEW_DOCUMENTS, state=_SEARCHABLE, sort="name"
    )


@st.cache_data(ttl=30, max_entries=50, show_spinner=False)
def _inspection(who: str, _service: Service, asked: str) -> InspectionJson:
    return InspectService(_service).inspect(json.loads(asked))


@st.cache_data(ttl=600, max_entries=50, show_spinner=False)
def _search_settings(who: str, _service: Service) -> SettingsJson:
    return InspectService(_service).inspect({"query": "how", "k": 1})["settings"]


@st.cache_data(ttl=10, max_entries=400, show_spinner=False)
def _thread_page(
    who: str, _service: Service, words: str, limit: int, after: str | None
) -> ThreadsJson:
    return ThreadService(_service).page(words, limit, after)


@st.cache_data(ttl=300, max_entries=400, show_spinner=False)
def _suggestions(who: str, _service: Service, run: str) -> list[str]:
    try:
        return ThreadService(_service).suggestions(run)
    except NotFound:
        return []


@st.cache_data(ttl=60, max_entries=200, show_spinner=False)
def _filters(who: str, _service: Service, collection: str | None) -> dict[str, list[str]]:
    return ThreadService(_service).filters(collection)


def forget_documents() -> None:
    """Drop what is cached about documents, counts, what they can be filtered by, and searches of them."""
    told = (_document, _text, _found_documents, _status, _filters, _suggestions, _inspection)
    for cached in told:
        cached.clear()


def forget_threads() -> None:
    """Drop the cached lists of conversations."""
    _thread_page.clear()
