"""Keeps what a long run of the agent shows its model within bounds, and the newest of it whole.

The oldest results of tools are left out first: what they said that mattered, the model has used or can search for
again. The question, what the model wrote and the newest results stay. Knows nothing of documents or servers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["fitted"]

_LEFT_OUT = "(This result was left out to make room; search or read again if you need it.)"
_NEWEST = 2  # results that are never left out


def fitted(messages: Sequence[Any], characters: int) -> list[Any]:
    """The messages with as many of the oldest tool results left out as it takes.

    Args:
        messages: LangChain's, oldest first.
        characters: how many the whole may have.
    """
    over = sum(_size(message) for message in messages) - characters
    results = [at for at, message in enumerate(messages) if message.type == "tool"]
    kept = list(messages)
    for at in results[:-_NEWEST]:
        if over <= 0:
            break
        saved = len(kept[at].text) - len(_LEFT_OUT)
        if saved > 0:
            kept[at] = kept[at].model_copy(update={"content": _LEFT_OUT})
            over -= saved
    return kept


def _size(message: Any) -> int:
    calls = getattr(message, "tool_calls", None) or ()
    return len(message.text) + sum(len(str(call["args"])) for call in calls)
