"""Following a run: nothing missed, nothing doubled, whatever happens to the connection."""

from __future__ import annotations

from tests.ui.fake_service import FakeService
from ui.api.live import LiveRun
from ui.api.replies import stored
from ui.api.threads import ThreadService

QUESTION = "How much memory does a 70B model need in FP4?"


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
    live = LiveRun(threads, run, retry_s=0.05)
    while not live.reply.text:
        assert not live.wait(0.01)
    fake.stop()
    while not live.trouble:
        assert not live.wait(0.01)
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
    live = LiveRun(threads, run, retry_s=0.05)
    while not live.reply.text:
        assert not live.wait(0.01)
    fake.stop()
    while not live.trouble:
        assert not live.wait(0.01)
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
    live = LiveRun(threads, run)
    while not live.reply.text:
        assert not live.wait(0.01)
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
