"""Following a run: nothing missed, nothing doubled, whatever happens to the connection."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from tests.ui.fake_service import FakeService
from ui.api.live import LiveRun
from ui.api.replies import stored
from ui.api.threads import ThreadService

QUESTION = "How much memory does a 70B model need in FP4?"


def _begun(threads: ThreadService, run: str) -> LiveRun:
    """Follows a run, of which something has come."""
    live = LiveRun(threads, run, retry_s=0.05)
    while not live.reply.text:
        assert not live.wait(0.01)
    return live


def _cut_off(fake: FakeService, live: LiveRun) -> None:
    """Stop the service; what follows the run has noticed."""
    fake.stop()
    while not live.trouble:
        assert not live.wait(0.01)


def _ask(threads: ThreadService, question: str = QUESTION) -> tuple[str, str]:
    thread = threads.create()
    return thread, threads.start(thread, question, "answer", None)


def test_a_followed_run_ends_as_what_was_stored(threads: ThreadService) -> None:
    thread, run = _ask(threads)
    live = LiveRun(threads, run)
    assert live.wait(10)
    assert live.reply == stored(threads.thread(thread)["messages"][-1])


def test_an_outage_in_the_middle_loses_and_doubles_nothing(
    fake: FakeService, threads: ThreadService
) -> None:
    fake.store.pace = 0.03
    thread, run = _ask(threads)
    live = _begun(threads, run)
    _cut_off(fake, live)
    fake.start()
    assert live.wait(15)
    assert live.trouble == ""
    assert live.reply == stored(threads.thread(thread)["messages"][-1])


def test_a_service_that_kept_less_than_it_had_told_leaves_no_trouble_behind(
    fake: FakeService, threads: ThreadService
) -> None:
    """A killed one has not written down the last words, and its run is interrupted when it is back."""
    fake.store.pace = 0.3
    _, run = _ask(threads)
    live = _begun(threads, run)
    _cut_off(fake, live)
    kept = fake.store.runs[run]
    kept.stop.set()
    while kept.state == "running":
        assert not live.wait(0.01)
    kept.state = "interrupted"
    del kept.events[1:]
    fake.start()
    assert live.wait(15)
    assert live.trouble == ""


def test_a_stopped_run_keeps_what_it_had_written(fake: FakeService, threads: ThreadService) -> None:
    fake.store.pace = 0.05
    _, run = _ask(threads)
    live = _begun(threads, run)
    threads.cancel(run)
    assert live.wait(10)
    assert live.reply.interrupted
    assert live.reply.text
    assert not live.reply.error


def test_a_failed_run_says_why_and_keeps_its_passages(
    fake: FakeService, threads: ThreadService
) -> None:
    fake.store.fail_with = "The model's server was cut off; ask again."
    live = LiveRun(threads, _ask(threads)[1])
    assert live.wait(10)
    assert live.reply.error == "The model's server was cut off; ask again."
    assert live.reply.passages


def test_a_run_that_nobody_knows_ends_with_the_reason(threads: ThreadService) -> None:
    live = LiveRun(threads, "nope")
    assert live.wait(10)
    assert "nope" in live.trouble


@pytest.mark.parametrize("forgotten", [False, True], ids=["closed", "let go of"])
def test_a_run_that_waits_for_a_person_is_followed_only_while_somebody_looks(
    threads: ThreadService, forgotten: bool
) -> None:
    run = threads.start(threads.create(), "Please write it down.", "agent", None)
    live = LiveRun(threads, run)
    while not live.reply.questions:
        assert not live.wait(0.01)
    assert _followers(run)
    if forgotten:
        del live
        gc.collect()
    else:
        live.close()
    deadline = time.monotonic() + 30
    while _followers(run):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert threads.run_state(run) == "waiting"


def _followers(run: str) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == f"run-{run}"]
