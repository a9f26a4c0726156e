"""Checkpoints carry a run over a wait, hold nothing but what it wrote, and are gone when it has ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command, Interrupt, Send

from agents.store.checkpoints import checkpoints, forget, serializer
from corpus.errors import Damaged

THREAD = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


def rows(path: Path) -> Iterator[int]:
    with closing(sqlite3.connect(path)) as db:
        for table in ("checkpoints", "writes"):
            yield db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def call(name: str = "write_note") -> dict[str, Any]:
    return {"name": name, "args": {"title": "t", "text": "é"}, "id": "call_0", "type": "tool_call"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"messages": [HumanMessage("How long?", id="1")]},
        AIMessage("", tool_calls=[call()], usage_metadata=None, response_metadata={"a": 1}),
        ToolMessage("failed", tool_call_id="call_0", status="error"),
        SystemMessage("Rules."),
        Send("tools", [call()]),
        (Interrupt({"kind": "approval_asked", "labels": ["writes"]}, id="i"),),
        {"versions": {"messages": "1.0"}, 3: [1.5, True, b"x"]},
    ],
)
def test_what_a_run_writes_comes_back_equal(value: Any) -> None:
    ours = serializer()
    back = ours.loads_typed(ours.dumps_typed(value))
    assert (list(back) if isinstance(value, tuple) else back) == (
        list(value) if isinstance(value, tuple) else value
    )


class Hostile:
    """Payloads that would make a folder, were they trusted."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def payloads(self) -> Iterator[tuple[str, bytes]]:
        for code in range(8):
            packed = ormsgpack.packb(("os", "mkdir", str(self.target), "mkdir"))
            yield "msgpack", ormsgpack.packb({"messages": ormsgpack.Ext(code, packed)})
            nested = ormsgpack.packb(
                ("langgraph.types", "Send", ["tools", ormsgpack.Ext(code, packed)])
            )
            yield "msgpack", ormsgpack.packb(ormsgpack.Ext(1, nested))
        as_json = '{"lc": 2, "type": "constructor", "id": ["os", "mkdir"], "args": ["%s"]}'
        yield "json", (as_json % self.target).encode()
        yield (
            "json",
            b'{"lc": 1, "type": "constructor", "id": ["langchain_core", "x"], "kwargs": {}}',
        )
        yield "pickle", b"cos\nmkdir\n(S'%s'\ntR." % str(self.target).encode()
        yield "bytes", b"x"


def test_foreign_types_json_constructors_and_pickle_are_refused(tmp_path: Path) -> None:
    hostile = Hostile(tmp_path / "pwned")
    for payload in hostile.payloads():
        with pytest.raises(Damaged, match=r"never writes|cannot be read"):
            serializer().loads_typed(payload)
        assert not hostile.target.exists()


@pytest.mark.parametrize(
    "value",
    [Command(resume={"a": 1}), Path("/etc/passwd"), {1, 2}, Hostile, 1j, Damaged("x")],
    ids=["command", "path", "set", "class", "complex", "error"],
)
def test_types_that_langgraph_would_let_through_are_not_ours(value: Any) -> None:
    try:
        packed = JsonPlusSerializer().dumps_typed(value)
    except TypeError:
        return  # cannot even be written
    if packed[1] and b"langgraph" not in packed[1] and isinstance(value, BaseException):
        assert isinstance(serializer().loads_typed(packed), str)  # an error is kept as its words
        return
    with pytest.raises(Damaged):
        serializer().loads_typed(packed)


def test_a_run_begins_with_no_checkpoint_unless_it_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "chats.sqlite"
    saved = {"v": 1, "id": "1", "ts": "", "channel_values": {}, "channel_versions": {}}
    with checkpoints(file, "t") as saver:
        saver.put(THREAD, {**saved, "versions_seen": {}, "updated_channels": None}, {}, {})
    with checkpoints(file, "t", anew=False) as saver:
        assert saver.get_tuple(THREAD) is not None
    with checkpoints(file, "t") as saver:
        assert saver.get_tuple(THREAD) is None


def test_one_checkpoint_is_left_of_a_run_and_none_once_it_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "chats.sqlite"
    saved = {"v": 1, "ts": "", "channel_values": {}, "channel_versions": {}, "versions_seen": {}}
    with checkpoints(file, "t") as saver:
        for number in "123":
            saver.put(THREAD, {**saved, "id": number, "updated_channels": None}, {}, {})
            config = {"configurable": {**THREAD["configurable"], "checkpoint_id": number}}
            saver.put_writes(config, [("messages", ["x"])], f"task{number}")
    assert list(rows(file)) == [1, 1]
    with closing(sqlite3.connect(file)) as db, db:
        forget(db, "t")
    assert list(rows(file)) == [0, 0]


def test_forgetting_where_no_agent_has_run_does_nothing(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new.sqlite")) as db:
        forget(db, "t")
