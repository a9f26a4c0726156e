"""Has a language model retell the older turns of threads, in the idle time of a service.

Only once an answer is kept, one thread at a time, and only while no question is worked on: when one comes, the request
to the model is closed, and made anew later. So no answer waits for it, also at a server that can do one thing at a
time. What a model is shown is what it told before and at most six further turns, each cut to a bounded length, so that
a long thread costs no more than a short one. If it fails, or while it has not come to it, the lines stand that
``agents.store.summaries`` makes without a model; the next answer in the thread is the next occasion.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from agents.models.model_facts import LETTERS
from agents.prompts import Role, summarise_messages
from agents.records.answers import SEARCH
from agents.store.memory import Chats
from agents.store.summaries import LONGEST_TOLD, ToRetell, told_in
from agents.text.inert import one_line
from corpus.errors import AlcoveError

__all__ = ["Retelling", "Teller"]

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.1  # between looks whether a question is worked on
_LIMIT_S = 120.0  # for one reply
_TOKENS = 500  # of a reply
_LINES = 8
_THREADS = 1_000  # that may be waiting
_QUESTION, _ANSWER = 600, 1_200  # characters of a turn
_RULES = 2_500  # characters of the prompt besides what was said
_LEAST_TURN = 120  # characters
_JOIN_S = 6.0  # a request to a model is closed within five


@runtime_checkable
class Teller(Protocol):
    """A language model; ``agents.models.openai_engine.OpenAIEngine`` is one."""

    def room(self) -> int:
        """Tokens that its window leaves to a prompt."""
        ...

    def reply(
        self,
        messages: Sequence[Role],
        most_tokens: int,
        total_s: float,
        stop: threading.Event | None = None,
    ) -> str:
        """Its whole reply; raises ``ModelError``."""
        ...


class Retelling:
    """Works through the threads in which a run has ended, in a thread of its own.

    Args:
        chats: the conversations.
        engine: gives what writes answers; it retells if it is a ``Teller``.
        busy: whether a question is worked on.
    """

    def __init__(
        self, chats: Chats, engine: Callable[[], object], busy: Callable[[], bool]
    ) -> None:
        self._chats, self._engine, self._busy = chats, engine, busy
        self._threads: dict[str, None] = {}  # in the order in which they came, each once
        self._lock = threading.Lock()
        self._news, self._closing = threading.Event(), threading.Event()
        self._worker = threading.Thread(target=self._work, name="retelling", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()

    def later(self, thread: str) -> None:
        """Look at a thread as soon as there is time; returns at once."""
        with self._lock:
            if len(self._threads) < _THREADS:
                self._threads[thread] = None
        self._news.set()

    def close(self) -> None:
        """Close a request that is under way, and stop; what was not told yet stays as lines."""
        self._closing.set()
        self._news.set()
        if self._worker.is_alive():
            self._worker.join(_JOIN_S)

    def _work(self) -> None:
        while not self._closing.is_set():
            self._news.wait()
            while self._busy() and not self._closing.wait(_LOOK_S):
                pass
            thread = self._next()
            if thread is not None and not self._closing.is_set():
                self._look_at(thread)

    def _next(self) -> str | None:
        with self._lock:
            thread = next(iter(self._threads), None)
            if thread is None:
                self._news.clear()
            else:
                del self._threads[thread]
        return thread

    def _look_at(self, thread: str) -> None:
        stop = _Stop(lambda: self._closing.is_set() or self._busy())
        try:
            wanted, teller = self._chats.to_retell(thread), self._engine()
            if wanted is None or not isinstance(teller, Teller):
                return
            reply = teller.reply(_messages(wanted, teller.room()), _TOKENS, _LIMIT_S, stop)
            if stop.is_set():
                self.later(thread)
                return
            text = told_in(reply, wanted.turns[-1]["created"][:10])
            if text:
                self._chats.retell(wanted, text)
                self.later(thread)  # an older home has more to tell
        except AlcoveError as exc:
            if stop.is_set():
                self.later(thread)
            else:
                _LOG.warning("older turns stay as lines for now: %s", exc)
        except Exception:
            _LOG.exception("older turns of thread %r stay as lines", thread)


class _Stop(threading.Event):
    """Is set, for good, once ``wanted`` has been true when somebody asked."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        super().__init__()
        self._wanted = wanted

    def is_set(self) -> bool:
        if self._wanted():
            self.set()
        return super().is_set()


def _messages(wanted: ToRetell, room: int) -> list[Role]:
    """The request, with turns cut to what the model's window holds."""
    free = LETTERS * room - _RULES - len(wanted.told)
    each = max(_LEAST_TURN, min(_QUESTION + _ANSWER, free // len(wanted.turns)))
    share = each / (_QUESTION + _ANSWER)
    turns = [_turn(row, int(_QUESTION * share), int(_ANSWER * share)) for row in wanted.turns]
    return summarise_messages(wanted.told, turns, _LINES, LONGEST_TOLD)


def _turn(row: sqlite3.Row, question: int, answer: int) -> str:
    if row["abstained"]:
        said = "(the documents did not answer it)"
    elif row["engine"] == SEARCH:
        said = "(only passages were searched for)"
    elif row["error"] or not row["content"]:
        said = "(it was not answered)"
    else:
        said = one_line(row["content"], answer)
    return (
        f"{row['created'][:10]}\nPerson: {one_line(row['question'], question)}\nAssistant: {said}"
    )
