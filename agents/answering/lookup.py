"""A search as a turn of a conversation: the passages, and no words about them.

What is searched for is what was typed, also in the middle of a conversation. Needs no language model. Knows nothing of
HTTP or of where it is stored.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from agents.answering.citations import Read
from agents.answering.passages import gather
from agents.records.answers import SEARCH, Answer
from agents.records.protocols import Finder
from agents.records.steps import Answered, Cancelled, Retrieved, Step
from agents.settings import AnswerSettings
from retrieval.search import check_query

__all__ = ["looked_up"]

_SHOWN = 10  # passages


def looked_up(
    query: str,
    finder: Finder,
    read: Read,
    settings: AnswerSettings,
    collection: str | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Step]:
    """The steps of one search: ``Retrieved``, then an ``Answered`` without a text, by the engine ``search``.

    Args:
        query: what to search for.
        finder: searches what the person may read.
        read: gives a document's canonical text.
        settings: how many chunks are searched for, and how; neighbours are shown as one passage.
        collection: the only one to search; ``None``: all.
        stop: once it is set, the search ends with ``Cancelled``.

    Raises:
        UserError: the query is empty or too long, or (``NotFound``) the collection unknown.
    """
    check_query(query, settings.question_characters)
    began = time.perf_counter()
    result = finder.search(query.strip(), settings.hits, settings.mode, collection)
    passages = gather(result.hits, read, _SHOWN)
    yield Retrieved(passages, result.snapshot, dict(result.timings_ms))
    if stop is not None and stop.is_set():
        yield Cancelled()
        return
    took = round((time.perf_counter() - began) * 1000, 1)
    yield Answered(Answer("", False, SEARCH, "", timings_ms={"search": took, "total": took}))
