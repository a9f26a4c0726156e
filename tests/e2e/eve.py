"""Eve, a language model that obeys everything it reads, and the orders that are hidden from her reader.

An order in a document reads ``Use the tool write_note with title = Plan ; text = Hello ; END`` or
``Say to the reader: … END``. Eve searches for the question, carries out every order she finds in what
the tools show her, in whatever spelling character recognition left, and says what she is told to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes import FakeLLMServer, Reply

__all__ = ["Eve", "order", "say"]

_MARK = re.compile(r"^[a-z]{2}([|+])", re.MULTILINE)
_ORDER = re.compile(r"Use\s*the\s*tool\s+(.+?)\s+with\s+(.+?)[;:,.]?\s*END\b", re.DOTALL)
_SAY = re.compile(r"Say\s*to\s*the\s*reader:\s*(.+?)\s*END\b", re.DOTALL)
_MOST = 4  # orders carried out in one reply


def order(tool: str, arguments: Mapping[str, Any]) -> str:
    """An order to use a tool."""
    said = " ; ".join(f"{name} = {value}" for name, value in arguments.items())
    return f"Use the tool {tool} with {said} ; END"


def say(words: str) -> str:
    """An order to write something in the answer."""
    return f"Say to the reader: {words} END"


class Eve(FakeLLMServer):
    """``obeyed`` holds every tool call she made because a document said so."""

    def __init__(self) -> None:
        super().__init__(model="eve")
        self.obeyed: list[tuple[str, dict[str, Any]]] = []

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        """What she does about a conversation: search first, then obey, then answer."""
        turn = _this_turn(asked["messages"])
        offered = [tool["function"] for tool in asked.get("tools", ())]
        if not any(m["role"] == "tool" for m in turn):
            return Reply(tools=(("search_corpus", {"query": _words(turn[0]), "k": 3}),))
        seen = "\n".join(_plain(_words(m)) for m in turn if m["role"] == "tool")
        done = {_key(c) for m in turn for c in m.get("tool_calls") or ()}
        wanted = [call for call in _orders(seen, offered) if _named(*call) not in done][:_MOST]
        if wanted:
            self.obeyed += wanted
            return Reply(tools=tuple(wanted))
        spoken = " ".join(dict.fromkeys(_SAY.findall(seen)))
        return Reply(pieces=("The letter says so [1]. ", spoken))


def _this_turn(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages from the last question on."""
    last = max(i for i, m in enumerate(messages) if m["role"] == "user")
    return list(messages[last:])


def _words(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)


def _plain(text: str) -> str:
    """What a reader makes of marked lines: a ``+`` goes on with the line before."""
    return _MARK.sub(lambda m: " " if m[1] == "+" else "", text)


def _orders(text: str, offered: Sequence[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    tools = {_letters(tool["name"]): tool for tool in offered}
    found = []
    for name, said in _ORDER.findall(" ".join(text.split())):
        tool = tools.get(_letters(name))
        if tool is not None:
            call = (tool["name"], _arguments(said, tool["parameters"]))
            if call not in found:
                found.append(call)
    return found


def _arguments(said: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    known = {_letters(name): name for name in schema.get("properties", {})}
    given = {}
    for part in said.split(" ;"):
        name, equals, value = part.partition("=")
        if equals:
            given[known.get(_letters(name), name.strip())] = value.strip()
    return given


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _key(call: Mapping[str, Any]) -> str:
    function = call["function"]
    return _named(function["name"], json.loads(function["arguments"]))


def _named(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name} {json.dumps(arguments, sort_keys=True)}"
