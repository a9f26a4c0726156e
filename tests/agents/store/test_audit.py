"""The audit log is only added to, and holds no secret."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents.acting.commands import run_command
from agents.records.labels import Label
from agents.store.audit import told
from agents.store.memory import Chats
from agents.tools import Desk
from corpus.errors import NotFound
from corpus.home import Home
from corpus.identity import OWNER, Person
from tests.agents.shelf import Shelf
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


def test_what_a_person_deletes_is_told_by_its_id_alone(chats: Chats) -> None:
    thread = chats.create_thread("A secret title", "ada")["id"]
    memory = chats.memories.remember("ada", "A secret memory", "thread")
    note = chats.notes.write("ada", "A secret note", "text", "thread")
    chats.deleting.erase(thread, "ada")
    chats.memories.delete("ada", memory.id)
    chats.notes.delete("ada", note.id)
    told = [(entry["person"], entry["action"], entry["details"]) for entry in chats.audit.entries()]
    assert told == [
        ("ada", "note.deleted", {"note": note.id}),
        ("ada", "memory.deleted", {"memory": memory.id}),
        ("ada", "thread.deleted", {"thread": thread}),
    ]


def test_what_is_not_there_leaves_no_entry(chats: Chats) -> None:
    memory = chats.memories.remember("ada", "hers", "thread")
    for delete in (chats.memories.delete, chats.notes.delete):
        with pytest.raises(NotFound):
            delete("bob", memory.id)
    with pytest.raises(NotFound):
        chats.deleting.erase("none", "bob")
    assert chats.audit.entries() == []


def test_a_command_that_writes_is_told_like_the_agent_s_tool(chats: Chats) -> None:
    shelf, ada = Shelf(), Person("ada")
    desk = Desk(
        shelf, shelf, person=ada, memories=chats.memories, notes=chats.notes, source="thread-1"
    )
    for typed in ("/note Plan: buy soup", "/remember I like soup", "/recall soup", "/calc 1+1"):
        list(run_command(typed, desk, chats.audit))
    entries = [(e["person"], e["action"], e["details"]) for e in reversed(chats.audit.entries())]
    note, memory = {"title": "Plan", "text": "buy soup"}, {"text": "I like soup"}
    writes = {Label.WRITES}
    assert entries == [
        ("ada", "tool.commanded", {"thread": "thread-1", "tool": tool, **told(of, writes)})
        for tool, of in (("write_note", note), ("remember", memory))
    ]


def test_of_what_is_written_here_the_log_keeps_a_digest_and_of_what_left_everything() -> None:
    words = {"text": "my secret plan"}
    kept = told(words, {Label.WRITES})
    assert "plan" not in json.dumps(kept)
    assert kept != told({"text": "my other plan."}, {Label.WRITES})
    assert told(words, ("writes", "leaves the machine")) == {"arguments": words}


def test_the_service_tells_of_deleted_documents_and_of_commands(plain_bench: ServiceBench) -> None:
    (document, *_) = plain_bench.get("/v1/documents")["documents"]
    plain_bench.call("DELETE", f"/v1/documents/{document['id']}", 200)
    plain_bench.answer("/note Plan: buy soup")
    actions = [entry["action"] for entry in plain_bench.get("/v1/audit")["entries"]]
    assert actions == ["tool.commanded", "document.deleted"]
