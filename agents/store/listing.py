"""The list of a person's threads: which of them, in which order, in pages.

Pinned threads come first, then the last used. A page ends with a token that says where the next one begins; a thread
that moves meanwhile is shown once more or not, as it now stands, and the others keep their places. Works inside a
transaction on the tables of ``agents.store.chat_tables``; knows nothing of HTTP.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Sequence
from typing import TypeAlias

from agents.records.record_json import Json
from agents.store.chat_tables import found
from agents.store.search_words import folded, snippet, words_of
from corpus.errors import NotFound, UserError

__all__ = ["head_json", "head_of", "item", "listed"]

_HEAD = "t.id, t.title, t.created, t.updated, t.pinned"
_Place: TypeAlias = tuple[int, str, int]
_ORDER = "t.pinned DESC, t.updated DESC, t.place DESC"


def head_json(row: sqlite3.Row) -> Json:
    """A thread without its messages, as plain JSON values."""
    head = {**dict(row), "pinned": bool(row["pinned"])}
    head.pop("place", None)  # ours
    return head


def head_of(db: sqlite3.Connection, thread: str, owner: str) -> sqlite3.Row:
    """The row of one person's thread, for ``head_json``, and its ``place`` for ``item``.

    Raises:
        NotFound: there is none, or it is deleted, which the person it belongs to is told.
    """
    query = f"SELECT {_HEAD}, t.place FROM shown_threads t WHERE t.id = ? AND t.owner = ?"
    row = db.execute(query, (thread, owner)).fetchone()
    query = "SELECT 1 FROM threads WHERE id = ? AND owner = ?"
    if row is None and db.execute(query, (thread, owner)).fetchone():
        raise NotFound(
            f"thread {thread!r} was deleted; bring it back while it can be, or begin a new one"
        )
    return found(row, thread, "thread")


def item(db: sqlite3.Connection, place: int, words: Sequence[str] = ()) -> Json:
    """One thread as ``listed`` tells of it, with a snippet of where it has one of ``words``."""
    row = db.execute(
        f"SELECT {_HEAD}, (SELECT count(*) FROM messages m WHERE m.thread = t.id) AS messages"
        " FROM shown_threads t WHERE t.place = ?",
        (place,),
    ).fetchone()
    return {**head_json(row), "snippet": _snippet(db, row["id"], words) if words else ""}


def listed(
    db: sqlite3.Connection, owner: str, query: str, limit: int | None, after: str | None
) -> Json:
    """``{"threads", "total", "next"}``: a page of a person's threads, how many there are in all, and what follows.

    Args:
        db: within a transaction.
        owner: whose threads.
        query: words that must all be in a thread's title or messages, in any case; blank: every thread.
        limit: at most so many; ``None``: all.
        after: ``next`` of the page before; ``None``: from the first on.

    Raises:
        UserError: ``after`` is no such token.
    """
    words = words_of(query)
    places = [] if query.strip() and not words else _places(db, owner, words)
    last = None if after is None else _place(after)
    begin = 0 if last is None else sum(place >= last for place in places)
    page = places[begin : None if limit is None else begin + limit]
    more = begin + len(page) < len(places)
    return {
        "threads": [item(db, place[2], words) for place in page],
        "total": len(places),
        "next": _token(page[-1]) if page and more else None,
    }


def _places(db: sqlite3.Connection, owner: str, words: Sequence[str]) -> list[_Place]:
    """Where the threads stand that hold all the words, the first first."""
    db.create_function("folded", 1, folded, deterministic=True)
    holds = "(instr(w.words, ?) OR instr(folded(t.title), ?))"
    wanted = "".join(f" AND {holds}" for _ in words)
    rows = db.execute(
        "SELECT t.pinned, t.updated, t.place FROM shown_threads t"
        f" JOIN thread_words w ON w.thread = t.id WHERE t.owner = ?{wanted} ORDER BY {_ORDER}",
        (owner, *(word for word in words for _ in range(2))),
    )
    return [tuple(row) for row in rows]


def _snippet(db: sqlite3.Connection, thread: str, words: Sequence[str]) -> str:
    query = "SELECT content FROM messages WHERE thread = ? ORDER BY position DESC"
    return snippet((row["content"] for row in db.execute(query, (thread,))), words)


def _token(place: _Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place(token: str) -> _Place:
    try:
        padded = token + "=" * (-len(token) % 4)
        pinned, updated, place = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        return int(pinned), str(updated), int(place)
    except (ValueError, TypeError, OverflowError, RecursionError) as exc:
        raise UserError(
            f"{token[:80]!r} is not where a page of threads ended; use 'next' of the page before, or leave it out"
        ) from exc
