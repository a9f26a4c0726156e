"""The agent's checkpoints in ``chats.sqlite``, written by LangGraph.

What a conversation remembers are its messages (``agents.store.memory``); a checkpoint only carries a run from step to
step, and over the time in which it waits for a person. A thread keeps one while its run waits, and none after.

Deserializing can construct objects, so exactly the types that such a run writes are let through: messages, the
calls still to be made and the questions still to be answered. Anything else is refused, and so are LangChain's
JSON constructors and pickle.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from corpus.errors import Damaged

__all__ = ["checkpoints", "forget", "serializer", "sweep"]

_POSITIONAL, _KEYWORDS, _PYDANTIC = 1, 2, 5  # codes of LangGraph's msgpack extension
_TABLES = ("checkpoints", "writes")


def serializer() -> Any:
    """LangGraph's serializer, closed to every type but those that a run of the agent writes."""
    import ormsgpack
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    writer, made = JsonPlusSerializer(pickle_fallback=False), _constructors()

    def extension(code: int, data: bytes) -> Any:
        module, name, value, *_ = unpacked(data)
        construct = made.get((code, module, name))
        if construct is None:
            raise Damaged(f"a checkpoint holds {module}.{name}, which the agent never writes")
        return construct(value)

    def unpacked(data: bytes) -> Any:
        return ormsgpack.unpackb(data, ext_hook=extension, option=ormsgpack.OPT_NON_STR_KEYS)

    class Closed:
        """What LangGraph calls a ``SerializerProtocol``."""

        def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
            kind, data = writer.dumps_typed(obj)
            return kind, data

        def loads_typed(self, data: tuple[str, bytes]) -> Any:
            kind, body = data
            if kind == "null":
                return None
            if kind != "msgpack":
                raise Damaged(f"a checkpoint holds {kind!r} data, which the agent never writes")
            try:
                return unpacked(body)
            except (ValueError, TypeError) as exc:
                raise Damaged(f"a checkpoint cannot be read ({exc}); cancel its run") from exc

    return Closed()


def _constructors() -> dict[tuple[int, str, str], Callable[[Any], Any]]:
    """What may be made, by extension code, module and name; nothing is looked up by a stored name."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
    from langgraph.types import Interrupt, Send

    messages: tuple[type[Any], ...] = (AIMessage, HumanMessage, SystemMessage, ToolMessage)
    made: dict[tuple[int, str, str], Callable[[Any], Any]] = {
        (_PYDANTIC, kind.__module__, kind.__name__): kind.model_validate for kind in messages
    }
    made[_KEYWORDS, Interrupt.__module__, "Interrupt"] = lambda values: Interrupt(**values)
    made[_POSITIONAL, Send.__module__, "Send"] = lambda values: Send(*values)
    return made


@contextmanager
def checkpoints(path: Path, thread: str, *, anew: bool = True) -> Iterator[Any]:
    """A LangGraph saver for one run, of which one checkpoint is left; ``forget`` takes that too.

    Belongs to the thread that opens it, which must be the one of the run's event loop.

    Args:
        path: the database.
        thread: whose run it is.
        anew: whether to begin with none; else the run goes on from the one that is there.
    """
    with closing(sqlite3.connect(path, timeout=30.0)) as connection:
        connection.execute("PRAGMA secure_delete = ON")  # a checkpoint holds what was said
        connection.execute("PRAGMA synchronous = FULL")
        saver = _saver(connection)
        saver.setup()
        if anew:
            saver.delete_thread(thread)
        try:
            yield saver
        finally:
            _prune(connection, thread)


def forget(db: sqlite3.Connection, thread: str) -> None:
    """Within a transaction: remove the checkpoints of a thread."""
    for table in _TABLES:  # LangGraph's, once an agent has run
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            db.execute(f"DELETE FROM {table} WHERE thread_id = ?", (thread,))


def sweep(db: sqlite3.Connection) -> int:
    """Within a transaction: remove the checkpoints that no run goes on from; returns how many rows that were.

    Such are left by a run whose thread was deleted while it wrote, and by a service that was killed.
    """
    held, removed = "(SELECT thread FROM runs WHERE state IN ('running', 'waiting'))", 0
    for table in _TABLES:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            query = f"DELETE FROM {table} WHERE thread_id NOT IN {held}"
            removed += db.execute(query).rowcount
    return removed


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
        for table in _TABLES:
            where = f"thread_id = :thread AND checkpoint_id < {last}"
            connection.execute(f"DELETE FROM {table} WHERE {where}", {"thread": thread})
