"""The agent's checkpoints in ``chats.sqlite``, written by LangGraph.

Deserializing can construct objects, so only plain values and LangChain's message types are let
through; there is no pickle. A thread keeps one checkpoint: what it remembers from turn to turn are
its messages (``agents.memory``), a checkpoint only carries a run from step to step.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

__all__ = ["checkpoints", "serializer"]


def serializer() -> Any:
    """LangGraph's serializer, closed to every type but plain values and messages."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(
        pickle_fallback=False, allowed_json_modules=None, allowed_msgpack_modules=None
    )


@contextmanager
def checkpoints(path: Path, thread: str) -> Iterator[Any]:
    """A LangGraph saver for one run; nothing is left of the run before, one checkpoint of this one.

    Belongs to the thread that opens it, which must be the one of the run's event loop.
    """
    with closing(sqlite3.connect(path, timeout=30.0)) as connection:
        saver = _saver(connection)
        saver.setup()
        saver.delete_thread(thread)
        try:
            yield saver
        finally:
            _prune(connection, thread)


def _saver(connection: sqlite3.Connection) -> Any:
    from langgraph.checkpoint.sqlite import SqliteSaver

    class Saver(SqliteSaver):
        """Writes in the event loop's own thread.

        The loop is the run's alone and a write takes a millisecond; unlike one that is awaited, it
        cannot be cancelled halfway and leave the file locked.
        """

        async def aget_tuple(self, config: Any) -> Any:
            return self.get_tuple(config)

        async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
            return self.put(config, checkpoint, metadata, new_versions)

        async def aput_writes(
            self, config: Any, writes: Any, task_id: str, task_path: str = ""
        ) -> None:
            self.put_writes(config, writes, task_id, task_path)

    return Saver(connection, serde=serializer())


def _prune(connection: sqlite3.Connection, thread: str) -> None:
    last = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = :thread)"
    with connection:
        for table in ("checkpoints", "writes"):
            where = f"thread_id = :thread AND checkpoint_id < {last}"
            connection.execute(f"DELETE FROM {table} WHERE {where}", {"thread": thread})
