"""A deleted thread is hidden from everything at once, comes back until its time is over, and then leaves nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agents.store.memory import Chats
from agents.store.outcome import Outcome
from corpus.errors import Conflict, NotFound
from corpus.home import Home

CANARY = "quokka-4711-quartz"


def talk(chats: Chats, owner: str = "") -> dict[str, str]:
    thread = str(chats.create_thread(f"About {CANARY}", owner)["id"])
    ids = chats.log.begin(thread, f"Where is {CANARY}?", "answer", None)
    chats.log.finish(ids["run"], "done", [], Outcome(f"The {CANARY} is asleep."))
    chats.rate(ids["message"], 1, "good", owner)
    return ids


def run_out(home: Home) -> None:
    """Let the time of every hidden thread be over."""
    with closing(sqlite3.connect(home.chats)) as db, db:
        db.execute("UPDATE threads SET hidden = '2000-01-01' WHERE hidden <> ''")


def stored(home: Home) -> bytes:
    return b"".join(path.read_bytes() for path in home.root.glob("chats.sqlite*"))


def test_a_hidden_thread_is_in_nothing_that_a_person_reads(chats: Chats) -> None:
    ids = talk(chats)
    chats.deleting.hide(ids["thread"], "", 60)
    assert chats.threads() == {"threads": [], "total": 0, "next": None}
    assert chats.threads(query="quokka")["threads"] == []
    assert chats.feedback() == []
    for ask in (
        lambda: chats.thread(ids["thread"]),
        lambda: chats.require_thread(ids["thread"]),
        lambda: chats.require_run(ids["run"]),
        lambda: chats.rate(ids["message"], -1),
        lambda: chats.change_thread(ids["thread"], title="x"),
        lambda: chats.log.begin(ids["thread"], "And?", "answer", None),
        lambda: chats.deleting.hide(ids["thread"], "", 60),
    ):
        with pytest.raises(NotFound):
            ask()
    assert chats.to_retell(ids["thread"]) is None


def test_it_comes_back_as_it_was(chats: Chats) -> None:
    ids = talk(chats)
    chats.change_thread(ids["thread"], pinned=True)
    before = chats.thread(ids["thread"]), chats.threads(query="quokka"), chats.feedback()
    chats.deleting.hide(ids["thread"], "", 60)
    assert chats.deleting.sweep() == 0
    restored = chats.deleting.restore(ids["thread"])
    assert restored == chats.threads()["threads"][0]
    assert (
        chats.thread(ids["thread"]),
        chats.threads(query="quokka"),
        chats.feedback(),
    ) == before
    assert chats.deleting.restore(ids["thread"]) == restored  # another page was faster
    actions = [entry["action"] for entry in chats.audit.entries()]
    assert actions == ["thread.restored", "thread.deleted"]


def test_the_person_it_belongs_to_is_told_what_became_of_it_and_nobody_else(chats: Chats) -> None:
    thread = talk(chats, "ada")["thread"]
    chats.deleting.hide(thread, "ada", 60)
    with pytest.raises(NotFound, match="was deleted; bring it back"):
        chats.thread(thread, "ada")
    for owner in ("", "bob"):
        with pytest.raises(NotFound, match="there is no thread"):
            chats.thread(thread, owner)
        with pytest.raises(NotFound, match="there is no thread"):
            chats.deleting.restore(thread, owner)
    assert chats.deleting.restore(thread, "ada")["id"] == thread


def test_nothing_of_it_remains_when_its_time_is_over(home: Home, chats: Chats) -> None:
    ids, kept = talk(chats), talk(chats, "ada")
    chats.deleting.hide(ids["thread"], "", 60)
    assert CANARY.encode() in stored(home)
    run_out(home)
    with pytest.raises(NotFound, match="was deleted"):  # also before it is swept
        chats.deleting.restore(ids["thread"])
    assert chats.deleting.sweep() == 1
    assert chats.deleting.sweep() == 0
    with pytest.raises(NotFound, match="there is no thread"):
        chats.deleting.restore(ids["thread"])
    assert chats.threads("ada")["total"] == 1
    chats.deleting.erase(kept["thread"], "ada")
    assert CANARY.encode() not in stored(home)
    assert b"quokka" not in stored(home)
    actions = [entry["action"] for entry in chats.audit.entries()]
    assert actions == ["thread.deleted", "thread.erased", "thread.deleted"]


CRASH = """
import os, signal, sys
from pathlib import Path
from agents.store.memory import Chats
from agents.store.undo import ChatTables
from corpus.home import Home
chats = Chats(Home(Path(sys.argv[1])))
ChatTables.forget = lambda self: os.kill(os.getpid(), signal.SIGKILL)
chats.deleting.{}
"""


@pytest.mark.parametrize("call", ["sweep()", "erase(sys.argv[2])"])
def test_nothing_of_it_remains_after_a_crash_between_removing_it_and_emptying_the_log(
    home: Home, call: str
) -> None:
    chats = Chats(home)
    thread = talk(chats)["thread"]
    if call == "sweep()":
        chats.deleting.hide(thread, "", 60)
        run_out(home)
    chats.close()
    code = [sys.executable, "-c", CRASH.format(call), str(home.root), thread]
    died = subprocess.run(code, cwd=Path(__file__).parents[3], env={**os.environ}, check=False)
    assert died.returncode == -signal.SIGKILL
    again = Chats(home)
    assert again.deleting.sweep() == 0
    assert CANARY.encode() not in stored(home)
    again.close()


def test_what_somebody_reads_meanwhile_is_wiped_at_the_next_sweep(home: Home, chats: Chats) -> None:
    thread = talk(chats)["thread"]
    chats._tables._connection.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(home.chats, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchone()
        chats.deleting.erase(thread)
        assert CANARY.encode() in stored(home)
        assert chats.deleting.sweep() == 0
    chats.deleting.sweep()
    assert CANARY.encode() not in stored(home)


def test_a_thread_that_is_brought_back_takes_one_question_at_a_time_as_before(chats: Chats) -> None:
    thread = talk(chats)["thread"]
    chats.log.begin(thread, "And?", "answer", None)
    assert chats.deleting.hide(thread, "", 60) is not None
    assert len(chats.deleting.unfinished()) == 1
    chats.deleting.restore(thread)
    with pytest.raises(Conflict, match="still being answered"):
        chats.log.begin(thread, "Or?", "answer", None)
