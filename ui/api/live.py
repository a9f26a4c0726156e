"""A run being followed: a thread that reads its events and keeps the reply they make.

The run lives in the service; this only watches. Whatever happens to the connection, it attaches
again after the last event it holds, so nothing is missed or doubled. The page looks at ``reply``
whenever it likes and is never held up by the network.
"""

from __future__ import annotations

import threading

from agents.records.steps import step_from_json
from corpus.errors import AlcoveError
from ui.api.client import ServiceDown
from ui.api.replies import Reply, advance
from ui.api.threads import ThreadService

__all__ = ["LiveRun"]

_GOING_ON = ("running", "waiting")  # states of a run from which more may come


class LiveRun:
    """Follows run ``run`` from its first event in a daemon thread, until its end or ``close``.

    ``reply`` is what came so far; ``trouble`` a sentence while the service does not answer;
    ``ended`` is set when there is nothing more to come.
    """

    def __init__(self, service: ThreadService, run: str, retry_s: float = 1.0) -> None:
        self.run = run
        self.reply = Reply()
        self.trouble = ""
        self._service = service
        self._retry = retry_s
        self._after = 0
        self._closed = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._follow, name=f"run-{run}", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether the last event has come, or none will."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end at most ``seconds``; whether it came."""
        return self._ended.wait(seconds)

    def close(self) -> None:
        """Watch no more; the run itself goes on."""
        self._closed.set()

    def _follow(self) -> None:
        while not (self.ended or self._closed.is_set()):
            try:
                self._attach()
            except ServiceDown as exc:
                self.trouble = str(exc)
                self._closed.wait(self._retry)
            except AlcoveError as exc:
                self.trouble = str(exc)
                self._ended.set()

    def _attach(self) -> None:
        for event in self._service.events(self.run, self._after):
            self.trouble = ""
            self._after = int(event["n"])
            self.reply = advance(self.reply, step_from_json(event))
            if self._closed.is_set():
                return
        # A service that was killed may have kept less than it had told; its run has ended all the same.
        if self.reply.finished or self._service.run_state(self.run) not in _GOING_ON:
            self.trouble = ""
            self._ended.set()
