"""One run while it is worked on: its numbered events, who is listening, and how to stop it.

Events count from 1 and never change; a listener asks for what came after the last number it has, so
attaching late, twice or again loses and doubles nothing. Listeners never influence the run. Work that
ends with a question to a person leaves the run waiting, with no thread of its own, until it is given
more work. Knows nothing of storage (it hands events to a ``Sink``) or of HTTP.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Protocol, TypeAlias

from agents.records.record_json import Json
from agents.records.steps import (
    INTERRUPTED,
    Answered,
    ApprovalAsked,
    Cancelled,
    Failed,
    Step,
    Token,
    interrupted,
)
from corpus.errors import AlcoveError, InternalError

__all__ = ["LiveRun", "Sink", "Work"]

_LOG = logging.getLogger(__name__)

Work: TypeAlias = Callable[[threading.Event], Iterator[Step]]
"""Starts the work of a run; its steps stop soon after the event is set."""

_STATES = {Answered.kind: "done", Failed.kind: "failed", Cancelled.kind: "cancelled"}
_BUG = "something went wrong inside Alcove; the service's log says more, please report it"


class Sink(Protocol):
    """Keeps the events of a run; called from the thread that works on it and from the flusher."""

    def add(self, events: list[Json]) -> None:
        """Keep events that came since the last call."""
        ...

    def finish(self, state: str, events: list[Json], kept: int) -> None:
        """Keep the outcome durably: all events, of which the first ``kept`` were added before."""
        ...

    def pause(self, events: list[Json]) -> None:
        """Keep durably that the run waits, with the events that came since the last call."""
        ...

    def is_unsettled(self) -> bool:
        """Whether something was approved of whose result the run has not told yet."""
        ...


class LiveRun:
    """A run in memory.

    Args:
        id: the run's id.
        work: yields the steps; called once, in the thread that calls ``execute``.
        sink: where the events are kept; ``None`` for a run that leaves no trace.
        earlier: the events of a run that waits, which its sink has.
    """

    def __init__(
        self,
        id: str,
        work: Work,
        sink: Sink | None = None,
        earlier: Iterable[Json] | None = None,
    ) -> None:
        self.id = id
        self.state = "running" if earlier is None else "waiting"
        self.stop = threading.Event()
        self._work = work
        self._sink = sink
        self._events: list[Json] = list(earlier or ())
        self._kept = len(self._events)  # events the sink has
        self._unkept: Step | None = None  # an outcome the sink could not keep yet
        self._complained = False
        self._interrupted = False
        self._lock = threading.Lock()
        self._keeping = threading.Lock()
        self._listeners: set[Callable[[], None]] = set()

    @property
    def done(self) -> bool:
        """Whether the last event is there."""
        return self.state not in ("running", "waiting")

    @property
    def left(self) -> bool:
        """Whether no more events come: it has ended, or waits while the service stops."""
        return self.done or (self.state == "waiting" and self._interrupted)

    @property
    def settled(self) -> bool:
        """Whether it has ended and its outcome is kept."""
        return self.done and self._unkept is None

    def after(self, number: int) -> list[Json]:
        """The events numbered above ``number``."""
        with self._lock:
            return self._events[max(number, 0) :]

    def cancel(self) -> None:
        """Ask the run to stop; it ends within about a second with ``Cancelled``."""
        self.stop.set()

    def interrupt(self) -> None:
        """Stop because the service stops; the run ends as interrupted, but one that waits still waits."""
        self._interrupted = True
        self.stop.set()
        self._wake()

    def note(self, step: Step) -> None:
        """Add an event to a run that waits; one that goes on already tells it by itself, an ended one takes none."""
        with self._lock:
            if self.state != "waiting":
                return
            self._events.append(self._numbered(step))
        self._wake()

    def go_on(self, work: Work) -> bool:
        """Give a run that waits more work, to be done by ``execute``; true for one caller only."""
        with self._lock:
            if self.state != "waiting" or self._interrupted:
                return False
            self.state, self._work = "running", work
        return True

    @contextmanager
    def listening(self, wake: Callable[[], None]) -> Iterator[None]:
        """While inside, ``wake`` is called (from another thread) whenever there are new events."""
        with self._lock:
            self._listeners.add(wake)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.discard(wake)

    def wait(self, seconds: float | None = None) -> bool:
        """Block until the run has ended; false when ``seconds`` passed first."""
        ended = threading.Event()

        def look() -> None:
            if self.done:
                ended.set()

        with self.listening(look):
            look()
            return ended.wait(seconds)

    def execute(self) -> None:
        """Do the work, to its last step or to a question. Raises nothing: failures are last steps."""
        asked: list[Step] = []
        last = self._steps_to_last(asked)
        if last is None:
            last = self._pause(asked)
        if last is not None:
            self._finish(last)

    def flush(self) -> None:
        """Hand the sink what it has not got yet; retries an outcome it could not keep."""
        try:
            with self._keeping:
                if self._unkept is not None:
                    self._keep(self._unkept)
                elif self._sink is not None and not self.done:
                    new = self.after(self._kept)
                    self._sink.add(new)
                    self._kept += len(new)
        except AlcoveError as exc:
            self._complain(exc)

    def _steps_to_last(self, asked: list[Step]) -> Step | None:
        """The last step; ``None`` when the run has to wait, for what is then in ``asked``."""
        try:
            if self.stop.is_set():
                return self._stopped()
            with closing(_as_generator(self._work(self.stop))) as steps:
                for step in steps:
                    if step.kind in _STATES:
                        return self._cancelled_or(step)
                    if isinstance(step, ApprovalAsked):
                        asked.append(step)  # nobody is told before it can be decided
                    else:
                        self._append(step)
                    if self.stop.is_set():
                        break
            if not (self.stop.is_set() or (asked and self._sink is not None)):
                raise InternalError("a run ended without a last step")
            return self._stopped() if self.stop.is_set() else None
        except AlcoveError as exc:
            if isinstance(exc, InternalError):
                _LOG.exception("run %s failed", self.id)
            return self._cancelled_or(Failed(type(exc).__name__, str(exc), self._partial()))
        except Exception:
            _LOG.exception("run %s failed", self.id)
            return self._cancelled_or(Failed(InternalError.__name__, _BUG, self._partial()))

    def _cancelled_or(self, last: Step) -> Step | None:
        """A failure after the person asked to stop is how stopping looks from inside."""
        if self.stop.is_set() and isinstance(last, Failed | Cancelled):
            return self._stopped()
        return last

    def _pause(self, asked: list[Step]) -> Step | None:
        """Begin to wait, durably before anybody is told; the last step if that cannot be kept."""
        try:
            with self._keeping, self._lock:
                first = len(self._events) + 1
                new = [{"n": n, **step.to_json()} for n, step in enumerate(asked, first)]
                if self._sink is not None:
                    self._sink.pause([*self._events[self._kept :], *new])
                self._events += new
                self._kept = len(self._events)
                self.state = "waiting"
        except AlcoveError as exc:
            self._complain(exc)
            return Failed(type(exc).__name__, str(exc), self._partial())
        self._wake()
        return None

    def _stopped(self) -> Step | None:
        if self._interrupted and self._sink is not None and self._sink.is_unsettled():
            return None  # what was approved of is told when the service is back
        if self._interrupted:
            return interrupted(self._partial())
        return Cancelled(self._partial())

    def _append(self, step: Step) -> None:
        with self._lock:
            self._events.append(self._numbered(step))
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for wake in listeners:
            wake()

    def _partial(self) -> str:
        return "".join(event["text"] for event in self.after(0) if event["kind"] == Token.kind)

    def _finish(self, last: Step) -> None:
        """Keep the outcome before anybody is told of it, so that a reload shows what was said."""
        with self._keeping:
            try:
                self._keep(last)
            except AlcoveError as exc:
                self._complain(exc)
                last = Failed(type(exc).__name__, str(exc), self._partial())
                self._unkept = last
            with self._lock:
                self._events.append(self._numbered(last))
                self.state = _state(last)
        self._wake()

    def _keep(self, last: Step) -> None:
        """Give the sink the outcome. The caller holds ``_keeping``."""
        if self._sink is not None:
            events = [e for e in self.after(0) if e["kind"] not in _STATES]
            final = {"n": len(events) + 1, **last.to_json()}
            self._sink.finish(_state(last), [*events, final], self._kept)
            self._kept = len(events) + 1
        self._unkept = None

    def _numbered(self, step: Step) -> Json:
        return {"n": len(self._events) + 1, **step.to_json()}

    def _complain(self, error: AlcoveError) -> None:
        """Say once per run that it cannot be kept: the flusher tries many times a second."""
        if not self._complained:
            self._complained = True
            _LOG.error("run %s cannot be kept: %s", self.id, error)


def _as_generator(steps: Iterator[Step]) -> Generator[Step]:
    """Steps that can be closed, whatever kind of iterator they came as."""
    yield from steps


def _state(last: Step) -> str:
    if isinstance(last, Failed) and last.error == INTERRUPTED:
        return "interrupted"
    return _STATES[last.kind]
