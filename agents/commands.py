"""Slash commands: a person uses the agent's tools directly, with or without a language model.

``/search words``, ``/read document [page]`` and ``/help``. A command runs the same ``Tool`` on the
same kind of ``Desk`` as the agent would, and yields the same steps; its answer quotes what the tool
showed and cites it. A question that merely begins with a path (``/etc/hosts …``) is no command.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.answers import Answer
from agents.steps import Answered, Retrieved, Step, ToolCall, ToolResult
from agents.tools import TOOLS, Desk
from corpus.errors import UserError
from corpus.records import Citation, Passage

__all__ = ["COMMANDS", "Command", "is_command", "run_command"]

_PATTERN = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the tool it runs, how its words become arguments, and a line of help."""

    tool: str
    usage: str
    help: str
    arguments: Callable[[str], Mapping[str, Any]]
    shown: int  # characters of each passage in the answer


def _read_arguments(words: str) -> Mapping[str, Any]:
    document, _, page = words.rpartition(" ")
    if document and page.isdecimal():
        return {"document": document.strip(), "page": int(page)}
    return {"document": words}


COMMANDS: dict[str, Command] = {
    "search": Command(
        tool="search_corpus",
        usage="/search words",
        help="find passages",
        arguments=lambda words: {"query": words, "k": 10},
        shown=_SHOWN_CHARACTERS,
    ),
    "read": Command(
        tool="read_document",
        usage="/read document [page]",
        help="show a document, by file name, title or id",
        arguments=_read_arguments,
        shown=100_000,
    ),
}


def is_command(question: str) -> bool:
    """Whether ``question`` is meant as a command, known or not."""
    return _PATTERN.fullmatch(question.strip()) is not None


def run_command(question: str, desk: Desk) -> Iterator[Step]:
    """The steps of one command, the last of them ``Answered``.

    Raises:
        UserError: there is no such command, or its tool cannot do what was asked.
    """
    began = time.perf_counter()
    match = _PATTERN.fullmatch(question.strip())
    name, words = (match[1].lower(), (match[2] or "").strip()) if match else ("help", "")
    if name == "help":
        yield Answered(Answer(_help(), False, "command", ""))
        return
    command = COMMANDS.get(name)
    if command is None:
        raise UserError(f"there is no command {'/' + name!r}; there are {', '.join(_usages())}")
    if not words:
        raise UserError(f"{'/' + name!r} needs more words: {command.usage}")
    arguments = command.arguments(words)
    yield ToolCall("command", command.tool, arguments)
    text = TOOLS[command.tool](arguments, desk)
    passages = tuple(desk.passages)
    if passages:
        yield Retrieved(passages, desk.snapshot)
    yield ToolResult("command", command.tool, text)
    took = {"total": (time.perf_counter() - began) * 1000}
    yield Answered(_answer(passages, command.shown, took) if passages else _nothing(text, took))


def _answer(passages: tuple[Passage, ...], shown: int, took: Mapping[str, float]) -> Answer:
    text = "\n\n".join(_entry(passage, shown) for passage in passages)
    return Answer(text, False, "command", "", tuple(_citation(p) for p in passages), took)


def _nothing(text: str, took: Mapping[str, float]) -> Answer:
    return Answer(text, True, "command", "", timings_ms=took)


def _entry(passage: Passage, shown: int) -> str:
    page = f", page {passage.page}" if passage.page else ""
    body = passage.text if len(passage.text) <= shown else passage.text[:shown].rstrip() + " …"
    name = passage.document.title or passage.document.source.rsplit("/", 1)[-1]
    return f"[{passage.number}] {name}{page}\n\n{body}"


def _citation(passage: Passage) -> Citation:
    return Citation(
        n=passage.number,
        document=passage.document.id,
        source=passage.document.source,
        page=passage.page,
        span=passage.span,
        quote=passage.text,
        support=1.0,  # the entry is the quote
    )


def _usages() -> list[str]:
    return [command.usage for command in COMMANDS.values()] + ["/help"]


def _help() -> str:
    lines = [f"- `{command.usage}`: {command.help}" for command in COMMANDS.values()]
    return "\n".join(["These commands work without a language model:", *lines, "- `/help`: this"])
