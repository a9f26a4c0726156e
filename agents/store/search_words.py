"""The words of each thread, so that threads can be searched without reading their messages.

One row a thread with the words of its messages, each once and without case: a search looks through a few kilobytes a
thread, however long the messages are, and finds a word by any part of it. A full-text index is not used because what
is deleted must be gone from the file: this row goes with its thread and is overwritten like it, while the index of
SQLite keeps deleted words for as long as it has not been merged. Knows nothing of titles, owners or HTTP.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence

from agents.text.inert import one_line

__all__ = ["add_words", "fill", "folded", "snippet", "words_of"]

_WORD = re.compile(r"\w+")
_BEFORE, _LONGEST = 50, 160  # characters of a snippet before the word, and in all


def folded(text: str) -> str:
    """``text`` without the differences that a search passes over: case, and forms of the same letter."""
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(text: str) -> list[str]:
    """The words of a text, folded, in order."""
    return _WORD.findall(folded(text))


def add_words(db: sqlite3.Connection, thread: str, text: str) -> None:
    """Within a transaction: let a thread be found by the words of ``text`` too."""
    row = db.execute("SELECT words FROM thread_words WHERE thread = ?", (thread,)).fetchone()
    known = set(row["words"].split(" ")) if row else set()
    new = sorted(set(words_of(text)) - known)
    if row is None:
        db.execute("INSERT INTO thread_words VALUES (?, ?)", (thread, " ".join(new)))
    elif new:
        query = "UPDATE thread_words SET words = words || ' ' || ? WHERE thread = ?"
        db.execute(query, (" ".join(new), thread))


def fill(db: sqlite3.Connection) -> None:
    """Within a transaction: take in the threads of a file that an older Alcove wrote."""
    query = "SELECT id FROM threads WHERE id NOT IN (SELECT thread FROM thread_words)"
    for thread in [row["id"] for row in db.execute(query)]:
        rows = db.execute("SELECT content FROM messages WHERE thread = ?", (thread,))
        add_words(db, thread, "\n".join(row["content"] for row in rows))


def snippet(texts: Iterable[str], words: Sequence[str]) -> str:
    """The text around the first of ``words`` in the first of ``texts`` that holds most of them, on one line.

    Args:
        texts: what is looked through, in the order of preference.
        words: as ``words_of`` gives them.

    Returns:
        At most ``_LONGEST`` characters; empty where none of the words is.
    """
    best, most = "", 0
    for text in texts:
        whole = folded(text)
        count = sum(word in whole for word in words)
        if count > most:
            best, most = text, count
        if most == len(words):
            break
    return _around(best, words) if best else ""


def _around(text: str, words: Sequence[str]) -> str:
    """The passage of ``text`` that begins a little before the first word."""
    found = re.search("|".join(map(re.escape, words)), text, re.IGNORECASE)
    at = found.start() if found else 0  # a word that only looks like it when folded
    start = max(0, at - _BEFORE)
    if start:
        start = text.find(" ", start, at) + 1 or start
    line = one_line(text[start : start + _LONGEST], _LONGEST)
    return f"{'…' if start else ''}{line}{'…' if start + _LONGEST < len(text) else ''}"
