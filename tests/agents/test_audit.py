"""The audit log is only added to, and holds no secret."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents.memory import Chats
from corpus.home import Home
from corpus.identity import OWNER, Person
from tests.service_bench import ServiceBench


@pytest.fixture
def chats(tmp_path: Path) -> Iterator[Chats]:
    with closing(Chats(Home(tmp_path))) as made:
        yield made


def test_entries_are_listed_the_newest_first_and_a_piece_at_a_time(chats: Chats) -> None:
    for number in range(5):
        chats.audit(Person("ada"), "thread.deleted", {"thread": str(number)})
    entries = chats.audit.entries(most=2)
    assert [entry["details"]["thread"] for entry in entries] == ["4", "3"]
    assert (entries[0]["person"], entries[0]["action"]) == ("ada", "thread.deleted")
    older = chats.audit.entries(before=entries[-1]["n"])
    assert [entry["details"]["thread"] for entry in older] == ["2", "1", "0"]


def test_nothing_can_be_changed_or_deleted(chats: Chats, tmp_path: Path) -> None:
    chats.audit(OWNER, "login.refused")
    with closing(sqlite3.connect(Home(tmp_path).chats)) as db:
        for statement in ("DELETE FROM audit", "UPDATE audit SET person = 'bob'"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                db.execute(statement)
    assert len(chats.audit.entries()) == 1


def test_secrets_are_left_out_wherever_they_stand(chats: Chats) -> None:
    chats.audit(
        OWNER,
        "tool.executed",
        {
            "api_key": "hush-1",
            "nested": [{"Authorization": "hush-2", "monkey": "banana"}],
            "text": "send Bearer hush-3 and sk-hush4hush4hush4 along",
            "long": "x" * 10_000,
        },
    )
    (entry,) = chats.audit.entries()
    assert "hush" not in str(entry)
    assert entry["details"]["nested"][0]["monkey"] == "banana"
    assert len(entry["details"]["long"]) < 5_000


def test_the_owner_reads_it_over_http(plain_bench: ServiceBench) -> None:
    plain_bench.app.chats.audit(OWNER, "login", {"by": "key"})
    entries = plain_bench.get("/v1/audit", params={"limit": 1})["entries"]
    assert [entry["action"] for entry in entries] == ["login"]
