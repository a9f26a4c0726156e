"""What a session holds of conversations: read anew only when something changed; restrictions; undo."""

from __future__ import annotations

import pytest

from corpus.errors import NotFound
from tests.ui.fake_service import FakeService
from ui.api.live import LiveRun
from ui.api.threads import ThreadService
from ui.conversing import Undo, open_conversation

QUESTION = "How much memory does a 70B model need in FP4?"


def _answered(threads: ThreadService) -> str:
    thread = threads.create()
    assert LiveRun(threads, threads.start(thread, QUESTION, "answer", None)).wait(30)
    return thread


def test_a_conversation_in_which_nothing_changed_is_not_read_again(
    threads: ThreadService,
) -> None:
    thread = _answered(threads)
    first = open_conversation(threads, thread, 40, None)
    assert [one.reply is None for one in first.messages] == [True, False]
    assert open_conversation(threads, thread, 40, first) is first


@pytest.mark.parametrize("change", ["rename", "pin", "ask", "rate"])
def test_every_change_is_seen(threads: ThreadService, fake: FakeService, change: str) -> None:
    thread = _answered(threads)
    first = open_conversation(threads, thread, 40, None)
    if change == "rename":
        threads.change(thread, title="Memory")
    elif change == "pin":
        threads.change(thread, pinned=True)
    elif change == "ask":
        threads.start(thread, QUESTION, "answer", None)
    else:
        threads.rate(first.messages[-1].message["id"], 1)
    assert open_conversation(threads, thread, 40, first) is not first


def test_a_conversation_that_is_gone_is_not_found(threads: ThreadService) -> None:
    thread = _answered(threads)
    held = open_conversation(threads, thread, 40, None)
    threads.delete(thread, 0)
    with pytest.raises(NotFound):
        open_conversation(threads, thread, 40, held)


def test_what_can_be_undone_ends_with_its_time() -> None:
    assert Undo.within("a", "Gone.", lambda: None, 60).open
    assert not Undo.within("a", "Gone.", lambda: None, 0).open
