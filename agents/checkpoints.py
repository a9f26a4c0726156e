"""The agent's checkpoints in ``chats.sqlite``, written by LangGraph.

Deserializing can construct objects, so only plain values and LangChain's message types are let
through; there is no pickle. A thread keeps one checkpoint: what it remembers from turn to turn are
its messages (``agents.memory``), a checkpoint only carries a run from step to step.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

__all__ = ["checkpoints", "serializer"]


def serializer() -> Any:
    """LangGraph's serializer, closed to every type but plain values and messages."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(
        pickle_fallback=False, allowed_json_modules=None, allowed_msgpack_modules=None
    )


@asynccontextmanager
async def checkpoints(path: Path, thread: str) -> AsyncIterator[AsyncSqliteSaver]:
    """A saver for one run; nothing is left of the run before, and one checkpoint of this one."""
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with aiosqlite.connect(path, timeout=30.0) as connection:
        saver = AsyncSqliteSaver(connection, serde=serializer())
        await saver.setup()
        await saver.adelete_thread(thread)
        yield saver
        await _prune(connection, thread)


async def _prune(connection: Any, thread: str) -> None:
    last = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = :thread)"
    for table in ("checkpoints", "writes"):
        where = f"thread_id = :thread AND checkpoint_id < {last}"
        await connection.execute(f"DELETE FROM {table} WHERE {where}", {"thread": thread})
    await connection.commit()
