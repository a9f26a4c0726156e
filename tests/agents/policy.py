"""A model that works by rules: it reads what the tools returned and decides what to do next.

A task says which facts it needs, and ways to look for each; the model tries one way after the other until the fact
stands in a passage it was shown, then computes or writes what the task asks, and answers with the passages' numbers.
It knows nothing of the corpus but the words it looks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes import FakeLLMServer, Reply

__all__ = ["Call", "Need", "PolicyModel", "Task", "Turn", "read", "search", "tool"]

Call = tuple[str, Mapping[str, Any]]
_PASSAGE = re.compile(r"<<<passage (\d+) (\w+)[^\n]*\n(.*?)\nend of passage \1 \2>>>", re.DOTALL)
_DATA = re.compile(r"<<<[^\n]*\n(.*?)\nend of [^\n]*>>>", re.DOTALL)


def tool(name: str, **arguments: Any) -> Call:
    """A call of a tool."""
    return name, arguments


def search(query: str, **arguments: Any) -> Call:
    """A search."""
    return tool("search_corpus", query=query, **arguments)


def read(document: str, **arguments: Any) -> Call:
    """Reading a document."""
    return tool("read_document", document=document, **arguments)


@dataclass(frozen=True)
class Need:
    """A fact, as a pattern whose first group is its value, and ways to look for it, in order."""

    name: str
    pattern: str
    ways: tuple[Call, ...]


@dataclass(frozen=True)
class Task:
    """What the model does for a question that contains ``about``."""

    about: str
    needs: tuple[Need, ...] = ()
    then: tuple[Callable[[Turn], Call], ...] = ()
    answer: Callable[[Turn], str] = field(default=lambda turn: "")


class Turn:
    """What the model has been shown since the person's last message."""

    def __init__(self, messages: Sequence[Mapping[str, Any]]) -> None:
        last = max(at for at, m in enumerate(messages) if m["role"] == "user")
        self.question = str(messages[last]["content"])
        self.before = [str(m["content"]) for m in messages[:last] if m["role"] != "system"]
        self.calls: list[Call] = []
        self.results: list[str] = []
        for message in messages[last + 1 :]:
            for call in message.get("tool_calls") or ():
                function = call["function"]
                self.calls.append((function["name"], json.loads(function["arguments"])))
            if message["role"] == "tool":
                self.results.append(str(message["content"]))
        self.facts: dict[str, str] = {}
        self.numbers: dict[str, int] = {}

    def find(self, need: Need) -> bool:
        """Look for a fact in the passages; keeps its value and the number of its passage."""
        for number, text in self._passages():
            if found := re.search(need.pattern, text, re.DOTALL):
                self.facts[need.name] = found[1]
                self.numbers[need.name] = number
                return True
        return False

    def value(self, pattern: str) -> str:
        """What a pattern finds in the newest result that has it."""
        for result in reversed(self.results):
            if found := re.search(pattern, _unmarked(result), re.DOTALL):
                return found[1]
        return "?"

    def cite(self, *names: str) -> str:
        """The numbers of the passages that some facts stand in."""
        return "".join(f"[{self.numbers[name]}]" for name in names)

    def made(self, call: Call) -> bool:
        """Whether a call was made in this turn."""
        return (call[0], dict(call[1])) in [(name, dict(given)) for name, given in self.calls]

    def _passages(self) -> list[tuple[int, str]]:
        found = [m for result in self.results for m in _PASSAGE.finditer(result)]
        return [(int(m[1]), _unmarked(m[3])) for m in found]


class PolicyModel(FakeLLMServer):
    """The model, for some tasks."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.tasks = tasks

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        turn = Turn(asked["messages"])
        for task in self.tasks:
            if task.about in turn.question:
                return _next(task, turn, bool(asked.get("tools")))
        return Reply(pieces=("I know no task for this.",))


def _next(task: Task, turn: Turn, may_call: bool) -> Reply:
    missing = [need for need in task.needs if not turn.find(need)]
    ways = [next((way for way in need.ways if not turn.made(way)), None) for need in missing]
    calls = tuple(way for way in ways if way is not None)
    if calls and may_call:
        return Reply(tools=calls)
    if missing:
        return Reply(pieces=("The documents do not answer this question.",))
    done = len(turn.results) - sum(
        name in ("search_corpus", "read_document") for name, _ in turn.calls
    )
    if done < len(task.then) and may_call:
        return Reply(tools=(task.then[done](turn),))
    text = task.answer(turn)
    return Reply(pieces=tuple(re.findall(r"\S+\s*", text)))


def _unmarked(text: str) -> str:
    """The text inside fences without the marks of their lines."""
    lines = []
    for line in text.split("\n"):
        marked = re.match(r"[a-z]{2}([|+])(.*)", line)
        if marked and marked[1] == "+" and lines:
            lines[-1] += " " + marked[2]
        else:
            lines.append(marked[2] if marked else line)
    return "\n".join(lines)
