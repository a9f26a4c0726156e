"""A deleted thread leaves nothing behind, whatever its agent was doing at that moment."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.store.checkpoints import checkpoints
from agents.store.memory import Chats
from corpus.errors import NotFound
from corpus.home import Home
from tests.fakes import FakeLLMServer, Reply
from tests.service_bench import ServiceBench, until

CANARY = "zebra-4711-quartz"
ORPHANS = {
    **dict.fromkeys(("checkpoints", "writes"), "thread_id NOT IN (SELECT id FROM threads)"),
    **dict.fromkeys(("messages", "runs"), "thread NOT IN (SELECT id FROM threads)"),
    **dict.fromkeys(("events", "approvals"), "run NOT IN (SELECT id FROM runs)"),
}


class Restless(FakeLLMServer):
    """A model that searches, asks to write and answers as it likes, and never the same way twice."""

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        wait = random.uniform(0, 0.05)
        call = random.choice(
            [
                ("search_corpus", {"query": f"backups {random.random()}"}),
                ("write_note", {"title": f"{random.random()}", "text": "A note."}),
                None,
            ]
        )
        if call is None or not asked.get("tools"):
            return Reply(pieces=(f"It is {CANARY}.",), first_delay=wait)
        return Reply(tools=(call,), first_delay=wait)


@pytest.fixture
def service(indexed_home: Path, tmp_path: Path) -> Iterator[ServiceBench]:
    with Restless() as llm:
        made = ServiceBench(Path(shutil.copytree(indexed_home, tmp_path / "home")), llm)
        made.start()
        yield made
        made.close()


def orphans(home: Path) -> dict[str, int]:
    """How many rows of each table belong to no thread."""
    with closing(sqlite3.connect(home / "chats.sqlite")) as db:
        return {
            table: db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
            for table, where in ORPHANS.items()
        }


@pytest.mark.parametrize(
    "rounds", [24, pytest.param(300, marks=[pytest.mark.full, pytest.mark.timeout(600)])]
)
def test_nothing_is_left_of_threads_deleted_while_their_agents_run(
    service: ServiceBench, rounds: int
) -> None:
    def live_and_die(number: int) -> None:
        thread = service.thread()
        service.ask(f"Question {number} about {CANARY}?", thread=thread, mode="agent")
        time.sleep(random.uniform(0, 0.4))
        if number % 2:
            assert service.http.delete(f"/v1/threads/{thread}").status_code == 204
        else:  # nobody waits for the run, nor tells it
            service.app.chats.deleting.erase(thread)
        service.get(f"/v1/threads/{thread}", 404)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(live_and_die, range(rounds)))
    assert service.get("/v1/threads")["threads"] == []
    for run in list(service.app.runs._live.values()):  # those that wait and were not told
        service.app.runs.cancel(run.id)
    until(lambda: service.app.runs.active == 0)
    until(lambda: not service.app.runs._live)
    assert set(orphans(service.home).values()) == {0}
    service.app.chats._tables.forget()
    stored = b"".join(path.read_bytes() for path in service.home.glob("chats.sqlite*"))
    assert CANARY.encode() not in stored


def test_deleting_waits_for_the_run_to_end(service: ServiceBench) -> None:
    for _ in range(5):
        ids = service.ask("And?", mode="agent")
        assert service.http.delete(f"/v1/threads/{ids['thread']}").status_code == 204
        assert service.app.runs.active == 0
        with pytest.raises(NotFound):
            service.app.runs.status(ids["run"])


def test_what_older_services_left_is_swept_at_start_up(tmp_path: Path) -> None:
    home = Home(tmp_path)
    chats = Chats(home)
    kept, ended = (chats.create_thread()["id"] for _ in range(2))
    waiting = chats.log.begin(kept, "Waits?", "agent", None)
    chats.log.pause(waiting["run"], ())
    for thread in (kept, ended, "deleted long ago"):
        with checkpoints(home.chats, thread) as saver:
            place = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
            made = {"v": 4, "id": "1", "ts": "", "channel_values": {"said": CANARY}}
            versions = {"channel_versions": {}, "versions_seen": {}, "updated_channels": None}
            saver.put(place, {**made, **versions}, {}, {})
    chats.log.close_interrupted(lambda document: "")
    with closing(sqlite3.connect(home.chats)) as db:
        assert db.execute("SELECT thread_id FROM checkpoints").fetchall() == [(kept,)]
    chats.close()
