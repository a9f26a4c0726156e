"""A run being followed: a thread that reads its events and keeps the reply they make.

The run lives in the service; this only watches. Whatever happens to the connection, it attaches
again after the last event it holds, so nothing is missed or doubled. The page looks at ``reply``
whenever it likes and is never held up by the network.
"""

from __future__ import annotations

import threading
import weakref

from agents.records.steps import step_from_json
from corpus.errors import AlcoveError
from ui.api.client import ServiceDown
from ui.api.replies import Reply, advance
from ui.api.threads import ThreadService

__all__ = ["LiveRun"]

_GOING_ON = ("running", "waiting")  # states of a run from which more may come


class LiveRun:
    """Follows run ``run`` from its first event in a daemon thread, until its end or ``close``.

    Let go of without ``close``, as by a session that has ended, it is followed no more either.
    """

    def __init__(self, service: ThreadService, run: str, retry_s: float = 1.0) -> None:
        self.run = run
        self._watch = _Watch(service, run, retry_s)  # which the thread holds, and not this
        weakref.finalize(self, self._watch.closed.set)
        threading.Thread(target=self._watch.follow, name=f"run-{run}", daemon=True).start()

    @property
    def reply(self) -> Reply:
        """What came so far."""
        return self._watch.reply

    @property
    def trouble(self) -> str:
        """A sentence while the service does not answer, or about why nothing more will come."""
        return self._watch.trouble

    @property
    def ended(self) -> bool:
        """Whether the last event has come, or none will."""
        return self._watch.ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end at most ``seconds``; whether it came."""
        return self._watch.ended.wait(seconds)

    def close(self) -> None:
        """Watch no more; the run itself goes on."""
        self._watch.closed.set()


class _Watch:
    """What the thread keeps. Of a closed one it ends when the service gives its next sign of life."""

    def __init__(self, service: ThreadService, run: str, retry_s: float) -> None:
        self.reply = Reply()
        self.trouble = ""
        self.closed = threading.Event()
        self.ended = threading.Event()
        self._service, self._run, self._retry = service, run, retry_s
        self._after = 0

    def follow(self) -> None:
        """Read events until the last, or until it is closed."""
        while not (self.ended.is_set() or self.closed.is_set()):
            try:
                self._attach()
            except ServiceDown as exc:
                self.trouble = str(exc)
                self.closed.wait(self._retry)
            except AlcoveError as exc:
                self.trouble = str(exc)
                self.ended.set()

    def _attach(self) -> None:
        for event in self._service.events(self._run, self._after, self.closed.is_set):
            self.trouble = ""
            self._after = int(event["n"])
            self.reply = advance(self.reply, step_from_json(event))
        if self.closed.is_set():
            return
        # A service that was killed may have kept less than it had told; its run has ended all the same.
        if self.reply.finished or self._service.run_state(self._run) not in _GOING_ON:
            self.trouble = ""
            self.ended.set()
