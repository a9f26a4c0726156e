"""The pieces in which a chat completion is streamed, as real servers send them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def tool_call(index: int, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


def deltas(
    pieces: Sequence[str],
    tools: Sequence[tuple[str, Mapping[str, Any]]],
    thoughts: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """The deltas of a stream; a tool call comes in three pieces, as vLLM sends it."""
    yield {"role": "assistant", "content": ""}
    for thought in thoughts:
        yield {"reasoning": thought}
    for piece in pieces:
        yield {"content": piece}
    for index, (name, arguments) in enumerate(tools):
        whole = tool_call(index, name, arguments)
        text = whole["function"]["arguments"]
        half = len(text) // 2
        del whole["function"]["arguments"]  # vLLM sends the name alone, and no text but null
        yield {"content": None, "tool_calls": [whole]}
        for part in (text[:half], text[half:]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}
