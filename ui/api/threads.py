"""Conversations, over HTTP: threads, the runs that answer in them, and verdicts on answers.

``ThreadService`` speaks over a ``Service`` and raises what that raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypedDict, cast

from ui.api.client import Service

__all__ = [
    "FeedbackJson",
    "MessageJson",
    "ThreadJson",
    "ThreadService",
    "ThreadsJson",
]


class FeedbackJson(TypedDict):
    """A verdict on an answer: 1 or -1, and what would have been right if that was said."""

    rating: int
    comment: str
    sources: list[dict[str, Any]]
    unanswerable: bool


class MessageJson(TypedDict):
    """A question, or an answer with all that belongs to it."""

    id: str
    role: str
    content: str
    created: str
    citations: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    engine: str
    model: str
    abstained: bool
    interrupted: bool
    steps: list[dict[str, Any]]
    error: str | None
    run: str | None
    feedback: FeedbackJson | None


class _ThreadJson(TypedDict):
    id: str
    title: str
    created: str
    updated: str


class ThreadJson(_ThreadJson, total=False):
    """A conversation; these keys depend on how it was asked for.

    In a list: ``pinned``, and ``snippet``, the words around what was searched for. A single one:
    ``messages``, how many come ``earlier`` than those, and the run that is under way.
    """

    pinned: bool
    snippet: str
    messages: list[MessageJson]
    earlier: int
    active_run: str | None


class ThreadsJson(TypedDict):
    """A page of conversations, how many there are, and where the next page begins."""

    threads: list[ThreadJson]
    total: int
    next: str | None


class ThreadService:
    """The conversations of whoever ``service`` speaks for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    # Threads

    def page(self, words: str = "", limit: int = 30, after: str | None = None) -> ThreadsJson:
        """Conversations that hold all of ``words``, pinned ones first, then the last used."""
        asked: dict[str, Any] = {"limit": limit}
        asked |= {"q": words} if words else {}
        asked |= {"after": after} if after else {}
        return cast(ThreadsJson, self._service.ask_json("GET", "/v1/threads", params=asked))

    def thread(self, thread: str, limit: int | None = None) -> ThreadJson:
        """One conversation with its last ``limit`` messages (else all) and its running run, if any."""
        asked = {} if limit is None else {"limit": limit}
        return cast(
            ThreadJson, self._service.ask_json("GET", f"/v1/threads/{thread}", params=asked)
        )

    def create(self) -> str:
        """A new conversation's id."""
        return str(self._service.ask_json("POST", "/v1/threads", json={})["id"])

    def change(self, thread: str, *, title: str | None = None, pinned: bool | None = None) -> None:
        """Give a conversation another title, or pin it to the top of the list."""
        given = {"title": title, "pinned": pinned}
        body = {name: value for name, value in given.items() if value is not None}
        self._service.call("PATCH", f"/v1/threads/{thread}", json=body)

    def delete(self, thread: str, undo_s: int) -> None:
        """Remove a conversation with its messages; for ``undo_s`` seconds it can be brought back."""
        self._service.call("DELETE", f"/v1/threads/{thread}", params={"undo_s": undo_s})

    def restore(self, thread: str) -> None:
        """Bring back a conversation that was removed; raises ``NotFound`` when it is too late."""
        self._service.call("POST", f"/v1/threads/{thread}/restore")

    def export(self, thread: str, kind: str) -> bytes:
        """The conversation as a file to keep; ``kind`` is ``markdown`` or ``html``."""
        asked = {"format": kind}
        return self._service.call("GET", f"/v1/threads/{thread}/export", params=asked).content

    # Runs

    def start(
        self,
        thread: str,
        question: str,
        mode: str,
        collection: str | None,
        filters: Mapping[str, str] | None = None,
        pages: tuple[int, int] | None = None,
    ) -> str:
        """Ask; the id of the run that answers. Raises ``Conflict`` while another one is under way.

        Args:
            mode: ``answer``, ``agent`` or ``search``.
            filters: what a document's metadata must say to be searched.
            pages: the first and last page that are searched.
        """
        body: dict[str, Any] = {"thread": thread, "question": question, "mode": mode}
        body["collection"] = collection
        if filters:
            body["filters"] = dict(filters)
        if pages:
            body["pages"] = list(pages)
        return str(self._service.ask_json("POST", "/v1/runs", json=body)["run"])

    def run_state(self, run: str) -> str:
        """``running``, ``waiting``, ``done``, ``failed``, ``cancelled`` or ``interrupted``."""
        return str(self._service.ask_json("GET", f"/v1/runs/{run}")["state"])

    def events(
        self, run: str, after: int, is_over: Callable[[], bool] = bool
    ) -> Iterator[dict[str, Any]]:
        """The events of a run with a number above ``after``, as they come, until the last one or ``is_over``.

        Raises ``ServiceDown`` too when nothing came for a while: attach again from the last number.
        """
        return self._service.stream(f"/v1/runs/{run}/events", {"after": after}, is_over)

    def cancel(self, run: str) -> None:
        """Stop a run; what it had written stays."""
        self._service.call("POST", f"/v1/runs/{run}/cancel")

    def suggestions(self, run: str) -> list[str]:
        """At most three questions to ask next, which the documents answer."""
        body = self._service.ask_json("GET", f"/v1/runs/{run}/suggestions")
        return cast(list[str], body["suggestions"])

    def filters(self, collection: str | None) -> dict[str, list[str]]:
        """What can be filtered by, each with its most frequent values."""
        asked = {"collection": collection} if collection else {}
        body = self._service.ask_json("GET", "/v1/filters", params=asked)
        return cast(dict[str, list[str]], body["filters"])

    def decide(
        self,
        approval: str,
        verdict: str,
        arguments: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Decide about a call that waits; ``verdict`` is ``approve``, ``edit`` or ``reject``.

        Raises ``Conflict`` when it is not open any more.
        """
        given = None if arguments is None else dict(arguments)
        body = {"verdict": verdict, "arguments": given, "reason": reason}
        self._service.call("POST", f"/v1/approvals/{approval}", json=body)

    def rate(
        self,
        message: str,
        rating: int,
        comment: str = "",
        sources: Sequence[tuple[str, int, int]] = (),
        unanswerable: bool = False,
    ) -> None:
        """Say what an answer is worth: 1 or -1; ``sources``: where the right one stands, as (document, start, end)."""
        places = [{"document": d, "start": start, "end": end} for d, start, end in sources]
        body = {"message": message, "rating": rating, "comment": comment, "sources": places}
        self._service.call("POST", "/v1/feedback", json={**body, "unanswerable": unanswerable})
