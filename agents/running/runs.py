"""Runs live in the service: started, attached to any number of times, cancelled; pages only watch.

A bounded pool of threads works on them; more wait, and beyond that a new one is refused. A run that
waits for a person holds no thread and counts to nobody's limit; it goes on, with the numbers of its
events, once all it asked for is decided. Events of logged runs reach ``chats.sqlite`` every 50 ms, so
a killed service loses at most that. Detached runs (one-off API answers) use the same pool and leave
no trace. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from agents.records.record_json import Json
from agents.records.steps import Step, step_from_json
from agents.running.asked import Asked, check_asked, limits_from_json
from agents.running.live import LiveRun, Work
from agents.store.approval_rows import Approval, decision_of, untold
from agents.store.approvals import Approvals
from agents.store.outcome import outcome_of
from agents.store.run_log import RunLog
from corpus.errors import OperatorError, Overloaded
from corpus.identity import Person

__all__ = ["Respond", "Runs"]

_FLUSH_S = 0.05
_PING_S = 15.0
_RETRY_S = 5  # an answer takes about as long
_RETRY_SHED_S = 15  # until other programs may have given memory back


Respond: TypeAlias = Callable[[Asked, threading.Event], Iterator[Step]]
"""Turns what was asked into steps, which stop soon after the event is set."""


class Runs:
    """All runs of one service.

    Args:
        log: where runs are kept.
        respond: makes the steps.
        read: gives a document's canonical text, to check the citations of what stopped early.
        approvals: what runs wait for.
        workers: how many runs are worked on at once.
        waiting: how many more may wait for a worker.
        shed: says why no new run may begin for want of memory; empty when it may.
    """

    def __init__(
        self,
        log: RunLog,
        respond: Respond,
        read: Callable[[str], str],
        approvals: Approvals,
        workers: int = 4,
        waiting: int = 32,
        shed: Callable[[], str] = str,
    ) -> None:
        self._log, self._respond, self._read = log, respond, read
        self._approvals = approvals
        self._capacity = (workers, waiting)
        self._shed = shed
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="run")
        self._live: dict[str, LiveRun] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._flusher = threading.Thread(target=self._flush, name="run-flusher", daemon=True)
        self._flusher.start()

    def start(self, asked: Asked) -> Json:
        """Store the question and begin to answer it: ``{"run", "thread", "message"}``.

        Raises:
            UserError: see ``agents.running.asked.check_asked``.
            NotFound, Conflict: no such thread, or it is still being answered.
            Overloaded: too many runs are waiting. OperatorError: the service is stopping.
        """
        check_asked(asked)
        with self._lock:
            self._require_room()
            about = (asked.question, asked.mode, asked.collection, asked.limits)
            ids = self._log.begin(asked.thread, *about)
            asked = replace(asked, run=ids["run"])
            sink = _LogSink(self._log, ids["run"], asked.question, self._read)
            run = LiveRun(ids["run"], lambda stop: self._respond(asked, stop), sink)
            self._launch(run)
        return ids

    def detached(self, work: Work) -> LiveRun:
        """Begin a run that is not kept; raises ``Overloaded`` when too many are waiting."""
        run = LiveRun(uuid.uuid4().hex, work)
        with self._lock:
            self._require_room()
            self._launch(run)
        return run

    def take_up(self) -> None:
        """Take up the runs that waited for a person when the service stopped; call at start-up."""
        for id in self._log.waiting():
            sink = _LogSink(self._log, id, self._log.run(id)["question"], self._read)
            run = LiveRun(id, _nothing, sink, self._log.events(id))
            with self._lock:
                self._live[id] = run
            self._go_on_if_decided(run)

    def decided(self, approval: Approval) -> None:
        """Tell a run of a decision about one of its approvals, and let it go on after the last one."""
        run = self._live.get(approval.run)
        if run is not None:
            run.note(decision_of(approval))
            self._go_on_if_decided(run)

    @property
    def active(self) -> int:
        """Runs being worked on or waiting for a worker."""
        with self._lock:
            return self._at_work()

    def status(self, run: str) -> Json:
        """``{"id", "thread", "state", "events"}``; raises ``NotFound``."""
        row = self._log.run(run)
        live = self._live.get(run)
        if live is not None:
            row = {**row, "state": live.state, "events": len(live.after(0))}
        return {key: row[key] for key in ("id", "thread", "state", "events")}

    def events(self, run: str, after: int = 0) -> Iterator[Json]:
        """The events numbered above ``after``, as they come, to the last; raises ``NotFound``."""
        live = self._live.get(run)
        if live is None:
            yield from self._log.events(run, after)
            return
        news = threading.Event()
        with live.listening(news.set):
            while True:
                news.clear()
                ended = live.left  # read before the events: the last one is there when it is true
                for event in live.after(after):
                    after = event["n"]
                    yield event
                if ended:
                    return
                news.wait(_PING_S)

    async def follow(self, run: str, after: int = 0) -> AsyncIterator[Json | None]:
        """Like ``events``, holding no thread; ``None`` now and then while nothing happens."""
        live = self._live.get(run)
        if live is None:
            for event in await asyncio.to_thread(self._log.events, run, after):
                yield event
            return
        async for item in follow(live, after):
            yield item

    def cancel(self, run: str, wait_s: float = 0.0) -> None:
        """Stop a run within about a second, for which ``wait_s`` are waited; raises ``NotFound``."""
        with self._lock:  # one that is just being started is there afterwards
            live = self._live.get(run)
        if live is None:
            self._log.run(run)
            return
        live.cancel()
        self._end_if_waiting(live)
        if wait_s:
            live.wait(wait_s)

    def close(self) -> None:
        """Interrupt every run but those that wait for a person, wait for them to be kept, and stop."""
        with self._lock:
            self._closing.set()
            for run in self._live.values():
                run.interrupt()
        self._pool.shutdown(wait=True)
        self._flusher.join()

    def _require_room(self) -> None:
        workers, waiting = self._capacity
        if self._closing.is_set():
            raise OperatorError("the service is stopping; ask again when it is back")
        if reason := self._shed():
            raise Overloaded(reason, _RETRY_SHED_S)
        if self._at_work() >= workers + waiting:
            raise Overloaded(
                f"{workers} answers are being written and {waiting} questions wait;"
                " ask again in a moment",
                _RETRY_S,
            )

    def _at_work(self) -> int:
        """The caller holds the lock."""
        return sum(run.state == "running" for run in self._live.values())

    def _launch(self, run: LiveRun) -> None:
        self._live[run.id] = run
        self._pool.submit(self._execute, run)

    def _execute(self, run: LiveRun) -> None:
        run.execute()
        if run.settled:
            self._forget(run)
        elif run.stop.is_set():
            self._end_if_waiting(run)
        else:
            self._go_on_if_decided(run)

    def _go_on_if_decided(self, run: LiveRun) -> None:
        if run.state == "waiting" and not self._approvals.is_waiting(run.id):
            self._submit_again(run, partial(self._continued, run))

    def _end_if_waiting(self, run: LiveRun) -> None:
        """A run that was cancelled while it waited has only to be told so."""
        if run.state == "waiting":
            self._submit_again(run, _nothing)

    def _submit_again(self, run: LiveRun, work: Work) -> None:
        with self._lock:
            if not self._closing.is_set() and run.go_on(work):
                self._pool.submit(self._execute, run)

    def _continued(self, run: LiveRun, stop: threading.Event) -> Iterator[Step]:
        """The further steps of a run that has waited; first those that a dying service did not tell."""
        self._log.go_on(run.id)
        row = self._log.run(run.id)
        told = [step_from_json(event) for event in run.after(0)]
        new = untold(self._approvals.of_run(run.id), told)
        yield from new
        asked = Asked(
            *(row["thread"], row["question"], row["mode"], row["collection"]),
            Person(row["owner"]),
            run.id,
            (*told, *new),
            **limits_from_json(row["limits"]),
        )
        yield from self._respond(asked, stop)

    def _forget(self, run: LiveRun) -> None:
        with self._lock:
            self._live.pop(run.id, None)

    def _flush(self) -> None:
        while not self._closing.wait(_FLUSH_S):
            with self._lock:
                runs = list(self._live.values())
            for run in runs:
                run.flush()
                if run.settled:
                    self._forget(run)


async def follow(live: LiveRun, after: int = 0) -> AsyncIterator[Json | None]:
    """The events of a live run as they come, to the last; ``None`` while nothing happens."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            loop.call_soon_threadsafe(news.set)

    with live.listening(wake):
        while True:
            news.clear()
            ended = live.left
            for event in live.after(after):
                after = event["n"]
                yield event
            if ended:
                return
            try:
                await asyncio.wait_for(news.wait(), _PING_S)
            except TimeoutError:
                yield None  # lets the caller see whether its client is still there


def _nothing(stop: threading.Event) -> Iterator[Step]:
    """The work of a run that only waits, or only ends."""
    return iter(())


@dataclass(frozen=True, slots=True)
class _LogSink:
    """Keeps one run in the log."""

    log: RunLog
    run: str
    question: str
    read: Callable[[str], str]

    def add(self, events: list[Json]) -> None:
        if events:
            self.log.add(self.run, events)

    def finish(self, state: str, events: list[Json], kept: int) -> None:
        outcome = outcome_of(events, self.read, self.question)
        self.log.finish(self.run, state, events[kept:], outcome)

    def pause(self, events: list[Json]) -> None:
        self.log.pause(self.run, events)

    def is_unsettled(self) -> bool:
        return self.log.is_unsettled(self.run)
