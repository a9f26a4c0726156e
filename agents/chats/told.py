"""What an exported conversation says besides what was asked and answered: headings, notes, sources, in words.

Shared by the exports as Markdown and as HTML, so that both say the same. What comes from documents and models is made
inert here; escaping is the exports' own. A thread is the plain JSON that ``GET /v1/threads/{id}`` gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.prompts import REFUSAL
from agents.records.answers import SEARCH
from agents.records.steps import Retrieved
from agents.text.inert import inert, one_line

__all__ = [
    "MARK",
    "NOTE",
    "Cited",
    "Source",
    "cited_documents",
    "doubted",
    "heading",
    "is_search",
    "name_of",
    "notes",
    "sources",
    "summary",
    "time_of",
    "title_of",
]

MARK = "⚠"
NOTE = f"Sentences marked with {MARK} are not carried by the documents."
_DOUBTED = frozenset({"unsupported", "uncited"})
_TITLE, _SOURCE, _NAME = 200, 400, 160
_EXTRACTIVE = "extractive"  # ``agents.answering.extractive``


@dataclass(frozen=True, slots=True)
class Source:
    """A stretch of a document behind an answer: its number there, where it is, and its words."""

    number: int
    document: str
    name: str
    path: str
    page: int | None
    quote: str

    @property
    def where(self) -> str:
        """The document's name, with the page if it has pages."""
        return f"{self.name}, page {self.page}" if self.page else self.name


@dataclass(frozen=True, slots=True)
class Cited:
    """A document that some answer cites: its pages, and how many of its quotes there are."""

    name: str
    path: str
    pages: tuple[int, ...]
    quotes: int


def title_of(thread: Mapping[str, Any]) -> str:
    """The thread's title, on one line."""
    return one_line(thread["title"], _TITLE)


def summary(thread: Mapping[str, Any]) -> str:
    """How many questions there are, and from which days."""
    times = [time_of(message) for message in thread["messages"]]
    days = list(dict.fromkeys(time[:10] for time in times if time))
    asked = sum(message["role"] == "user" for message in thread["messages"])
    words = f"{asked} question{'' if asked == 1 else 's'}"
    return " · ".join([words, " to ".join(dict.fromkeys([*days[:1], *days[-1:]]))]).rstrip(" ·")


def time_of(message: Mapping[str, Any]) -> str:
    """When a message was written, in UTC to the minute; empty if that is not known."""
    try:
        return datetime.fromisoformat(message.get("created", "")).strftime("%Y-%m-%d %H:%M")
    except (TypeError, ValueError):
        return ""


def heading(message: Mapping[str, Any]) -> str:
    """Whose words follow, and who made them."""
    if message["role"] == "user":
        return "Question"
    if is_search(message):
        return "Passages found"
    if message["abstained"]:
        return "No answer in the documents"
    if message["engine"] == _EXTRACTIVE:
        return "Answer, quoted from the documents without a language model"
    model = one_line(message["model"], 80)
    return f"Answer by {model}" if model else "Answer"


def is_search(message: Mapping[str, Any]) -> bool:
    """Whether passages are all there is to an answer."""
    return bool(message["engine"] == SEARCH)


def doubted(claims: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Where the sentences stand that the documents do not carry, in order."""
    found = (claim for claim in claims if claim["verdict"] in _DOUBTED)
    return sorted((claim["start"], claim["end"]) for claim in found)


def notes(message: Mapping[str, Any]) -> Iterator[str]:
    """What is to be said about an answer besides its text."""
    if doubted(message["claims"]):
        yield NOTE
    if message["abstained"] and REFUSAL not in message["content"]:
        yield REFUSAL
    if message["interrupted"]:
        yield "This answer stops before its end."
    if message["error"]:
        yield one_line(message["error"], _SOURCE)


def sources(message: Mapping[str, Any]) -> list[Source]:
    """The citations of an answer; of a search, the passages."""
    shown = _passages(message) if is_search(message) else message["citations"]
    return [_source(entry) for entry in shown]


def _passages(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [step for step in message.get("steps", ()) if step["kind"] == Retrieved.kind]
    return [passage for step in found for passage in step["passages"]]


def _source(entry: Mapping[str, Any]) -> Source:
    path = one_line(entry["source"], _SOURCE)
    number, quote = entry.get("n", entry.get("number")), entry.get("quote", entry.get("text", ""))
    document = str(entry["document"])
    return Source(int(number), document, name_of(path), path, entry["page"], inert(quote))


def name_of(path: str) -> str:
    """The name of the file that a source names, without the folders around it."""
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return one_line(name.removeprefix("upload:") or path, _NAME)


def cited_documents(thread: Mapping[str, Any]) -> list[Cited]:
    """The documents that the answers cite, in the order in which they come up."""
    by_path: dict[str, list[Source]] = {}
    for message in thread["messages"]:
        for source in [] if is_search(message) else sources(message):
            by_path.setdefault(source.path, []).append(source)
    return [
        Cited(found[0].name, path, tuple(sorted({s.page for s in found if s.page})), len(found))
        for path, found in by_path.items()
    ]
