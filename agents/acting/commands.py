"""Slash commands: a person uses the agent's tools directly, with or without a language model.

``/search words``, ``/calc 15% of 80``, ``/help`` and so on. A command runs the same ``Tool`` on the
same kind of ``Desk`` as the agent would, and yields the same steps; its answer quotes what the tool
showed and cites it. What a person types needs no approval: it is their own act, and the audit log
has it like the agent's. A question that merely
begins with a path (``/etc/hosts …``) is no command.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from agents.records.answers import Answer
from agents.records.steps import Answered, Retrieved, Step, ToolCall, ToolResult
from agents.store.audit import told
from agents.tools import TOOLS, Desk
from corpus.errors import UserError
from corpus.identity import Person
from corpus.records import Citation, Passage

__all__ = ["COMMANDS", "Command", "is_command", "run_command"]

Audit: TypeAlias = Callable[[Person, str, Mapping[str, Any]], None]
"""Adds to the audit log; ``agents.store.audit.Audit`` is one."""

_PATTERN = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_SHOWN_CHARACTERS = 300
_FILTER = re.compile(r'(?<!\S)([A-Za-z][\w.-]*)=("[^"]+"|[^\s"=]+)(?!\S)')
_SQL = re.compile(r"(?:^|\s)(?=(?:select|with)\s)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the tool it runs, how its words become arguments, and a line of help."""

    tool: str
    usage: str
    help: str
    arguments: Callable[[str], Mapping[str, Any]]
    shown: int = 0  # characters of each passage in the answer; 0: the answer is the tool's text
    alone: bool = False  # whether it can be used without words


def _search_arguments(words: str) -> Mapping[str, Any]:
    """Words to search for, with what documents must have; nothing but ``a=b`` is itself searched for."""
    filters = {key: value.strip('"') for key, value in _FILTER.findall(words)}
    query = " ".join(_FILTER.sub(" ", words).split())
    found = {"query": query, "filters": filters} if query and filters else {"query": words}
    return {**found, "k": 10}


def _read_arguments(words: str) -> Mapping[str, Any]:
    document, _, page = words.rpartition(" ")
    if document and page.isdecimal():
        return {"document": document.strip(), "page": int(page)}
    return {"document": words}


def _table_arguments(words: str) -> Mapping[str, Any]:
    found = _SQL.search(words)
    document, sql = (words[: found.start()], words[found.start() :]) if found else (words, "")
    document = document.strip().strip('"')
    return {"documents": [document] if document else [], "sql": sql}


def _note_arguments(words: str) -> Mapping[str, Any]:
    title, colon, text = words.partition(":")
    if not colon or not title.strip() or not text.strip():
        raise UserError("a note has a title and a text: /note title: text")
    return {"title": title.strip(), "text": text.strip()}


def _date_arguments(words: str) -> Mapping[str, Any]:
    words, sign, days = _days_after(words)
    first, _, second = words.partition(" to ")
    arguments: dict[str, Any] = {"date": first.strip() or "today", "until": second.strip()}
    return {**arguments, "add_days": int(sign + days)} if days else arguments


def _days_after(words: str) -> tuple[str, str, str]:
    found = re.search(r"(?:^|\s)([+-])\s?(\d{1,6})(?: days?)?$", words)
    return (words[: found.start()], found[1], found[2]) if found else (words, "", "")


COMMANDS: dict[str, Command] = {
    "search": Command(
        tool="search_corpus",
        usage="/search words [key=value …]",
        help='find passages, e.g. only in documents with author=Kim or project="Blue Sky"',
        arguments=_search_arguments,
        shown=_SHOWN_CHARACTERS,
    ),
    "read": Command(
        tool="read_document",
        usage="/read document [page]",
        help="show a document, by file name, title or id",
        arguments=_read_arguments,
        shown=100_000,
    ),
    "list": Command(
        tool="list_documents",
        usage="/list [words]",
        help="list the documents whose name or metadata holds some words",
        arguments=lambda words: {"words": words},
        alone=True,
    ),
    "table": Command(
        tool="query_table",
        usage="/table [document [SELECT …]]",
        help="list the documents with tables, show the columns of one, or ask it in SQL",
        arguments=_table_arguments,
        alone=True,
    ),
    "calc": Command(
        tool="calculator",
        usage="/calc expression",
        help="calculate exactly, e.g. 15% of (1,250 - 980)",
        arguments=lambda words: {"expression": words},
    ),
    "date": Command(
        tool="date",
        usage="/date [date] [to date] [+days]",
        help="today, a weekday, days between dates, a date some days on",
        arguments=_date_arguments,
        alone=True,
    ),
    "note": Command(
        tool="write_note",
        usage="/note title: text",
        help="write a note, replacing one of this title",
        arguments=_note_arguments,
    ),
    "notes": Command(
        tool="read_notes",
        usage="/notes [title]",
        help="list the notes, or read one",
        arguments=lambda words: {"title": words},
        alone=True,
    ),
    "remember": Command(
        tool="remember",
        usage="/remember text",
        help="remember something for later conversations",
        arguments=lambda words: {"text": words},
    ),
    "recall": Command(
        tool="recall",
        usage="/recall words",
        help="what is remembered about something",
        arguments=lambda words: {"query": words},
    ),
}


def is_command(question: str) -> bool:
    """Whether ``question`` is meant as a command, known or not."""
    return _PATTERN.fullmatch(question.strip()) is not None


def run_command(question: str, desk: Desk, audit: Audit | None = None) -> Iterator[Step]:
    """The steps of one command, the last of them ``Answered``.

    Args:
        question: the command with its words.
        desk: whose documents, notes and memories it reaches.
        audit: told of a tool that wrote something, as it is when the agent does.

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
    if not words and not command.alone:
        raise UserError(f"{'/' + name!r} needs more words: {command.usage}")
    arguments = command.arguments(words)
    desk = replace(desk, plain=True)
    yield ToolCall("command", command.tool, arguments)
    tool = TOOLS[command.tool]
    text = tool(arguments, desk)
    if audit is not None and tool.needs_approval:
        about = {"thread": desk.source, "tool": tool.name, **told(arguments, tool.labels)}
        audit(desk.person, "tool.commanded", about)
    passages = tuple(desk.passages)
    if passages:
        yield Retrieved(passages, desk.snapshot)
    yield ToolResult("command", command.tool, text)
    took = {"total": (time.perf_counter() - began) * 1000}
    yield Answered(_answer(command, text, passages, took))


def _answer(
    command: Command, text: str, passages: tuple[Passage, ...], took: Mapping[str, float]
) -> Answer:
    citations = tuple(_citation(p) for p in passages)
    if command.shown and passages:
        text = "\n\n".join(_entry(passage, command.shown) for passage in passages)
    elif not command.shown:
        text = "  \n".join(text.splitlines())  # line breaks, to Markdown
    is_nothing = bool(command.shown) and not passages
    return Answer(text, is_nothing, "command", "", citations, took)


def _entry(passage: Passage, shown: int) -> str:
    page = f", page {passage.page}" if passage.page else ""
    body = passage.text if len(passage.text) <= shown else passage.text[:shown].rstrip() + " …"
    name = passage.document.title or passage.document.file_name
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
