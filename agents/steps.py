"""The typed steps that every answer and agent run yields; page, log, API and tests read them.

A stream is ``Retrieved`` (at most once per search), any number of ``Token``, ``ToolCall`` and
``ToolResult``, and exactly one last step: ``Answered``, ``Failed`` or ``Cancelled``. ``to_json``
gives plain JSON values with the step's ``kind`` beside its fields; ``step_from_json`` reads them
back to an equal step, so that a stored run replays exactly. The key ``n`` is left free at the top
level: runs number their events with it.

Knows nothing of engines, tools, storage or HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from corpus.errors import InternalError
from corpus.records import Citation, Document, Passage, Span, State

__all__ = [
    "Answer",
    "Answered",
    "Cancelled",
    "Failed",
    "Json",
    "Message",
    "Retrieved",
    "Step",
    "Token",
    "ToolCall",
    "ToolResult",
    "citation_from_json",
    "citation_json",
    "passage_from_json",
    "passage_json",
    "step_from_json",
]

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One earlier turn of a conversation, as an engine is shown it."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer; its citations are checked, ``nearest`` is what a refusal found instead.

    ``interrupted`` says that the text stops early. ``timings_ms``: search, first_token, total.
    """

    text: str
    abstained: bool
    engine: str
    model: str
    citations: tuple[Citation, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    interrupted: bool = False
    nearest: tuple[Passage, ...] = ()

    def to_json(self) -> Json:
        """Plain JSON values: the keys of ``alcove ask --json`` and what the page needs besides."""
        return {
            "answer": self.text,
            "abstained": self.abstained,
            "engine": self.engine,
            "model": self.model,
            "citations": [citation_json(c) for c in self.citations],
            "timings_ms": dict(self.timings_ms),
            "interrupted": self.interrupted,
            "nearest": [passage_json(p) for p in self.nearest],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Answer:
        """The answer that ``to_json`` described."""
        return cls(
            text=data["answer"],
            abstained=data["abstained"],
            engine=data["engine"],
            model=data["model"],
            citations=tuple(citation_from_json(c) for c in data["citations"]),
            timings_ms=dict(data["timings_ms"]),
            interrupted=data["interrupted"],
            nearest=tuple(passage_from_json(p) for p in data["nearest"]),
        )


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the search found, before a word is generated. ``timings_ms``: embed, search, total."""

    kind: ClassVar[str] = "retrieved"
    passages: tuple[Passage, ...]
    snapshot: int
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> Json:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "passages": [passage_json(p) for p in self.passages],
            "snapshot": self.snapshot,
            "timings_ms": dict(self.timings_ms),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Retrieved:
        """The step that ``to_json`` described."""
        passages = tuple(passage_from_json(p) for p in data["passages"])
        return cls(passages, data["snapshot"], dict(data["timings_ms"]))


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer's text as it is generated; its ``[n]`` are not checked yet."""

    kind: ClassVar[str] = "token"
    text: str

    def to_json(self) -> Json:
        """Plain JSON values."""
        return {"kind": self.kind, "text": self.text}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Token:
        """The step that ``to_json`` described."""
        return cls(data["text"])


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The agent asks for a tool; ``id`` pairs it with its ``ToolResult``."""

    kind: ClassVar[str] = "tool_call"
    id: str
    name: str
    arguments: Mapping[str, Any]

    def to_json(self) -> Json:
        """Plain JSON values."""
        arguments = dict(self.arguments)
        return {"kind": self.kind, "id": self.id, "name": self.name, "arguments": arguments}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ToolCall:
        """The step that ``to_json`` described."""
        return cls(data["id"], data["name"], dict(data["arguments"]))


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave; ``ok`` is false when it failed, and ``text`` then says why."""

    kind: ClassVar[str] = "tool_result"
    id: str
    name: str
    text: str
    ok: bool = True

    def to_json(self) -> Json:
        """Plain JSON values."""
        values = {"id": self.id, "name": self.name, "text": self.text, "ok": self.ok}
        return {"kind": self.kind, **values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ToolResult:
        """The step that ``to_json`` described."""
        return cls(data["id"], data["name"], data["text"], data["ok"])


@dataclass(frozen=True, slots=True)
class Answered:
    """The last step of a run that came to its end."""

    kind: ClassVar[str] = "answered"
    answer: Answer

    def to_json(self) -> Json:
        """Plain JSON values."""
        return {"kind": self.kind, "answer": self.answer.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Answered:
        """The step that ``to_json`` described."""
        return cls(Answer.from_json(data["answer"]))


@dataclass(frozen=True, slots=True)
class Failed:
    """The last step of a run that broke: the error class, its sentence, and the text there was."""

    kind: ClassVar[str] = "failed"
    error: str
    message: str
    partial: str = ""

    def to_json(self) -> Json:
        """Plain JSON values."""
        values = {"error": self.error, "message": self.message, "partial": self.partial}
        return {"kind": self.kind, **values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Failed:
        """The step that ``to_json`` described."""
        return cls(data["error"], data["message"], data["partial"])


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The last step of a run that the person stopped, with the text there was."""

    kind: ClassVar[str] = "cancelled"
    partial: str = ""

    def to_json(self) -> Json:
        """Plain JSON values."""
        return {"kind": self.kind, "partial": self.partial}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cancelled:
        """The step that ``to_json`` described."""
        return cls(data["partial"])


Step: TypeAlias = Retrieved | Token | ToolCall | ToolResult | Answered | Failed | Cancelled

_KINDS: dict[str, type[Step]] = {
    kind.kind: kind
    for kind in (Retrieved, Token, ToolCall, ToolResult, Answered, Failed, Cancelled)
}


def step_from_json(data: Mapping[str, Any]) -> Step:
    """The step that its ``to_json`` described.

    Raises:
        InternalError: ``data`` has a ``kind`` that no step has.
    """
    kind = _KINDS.get(data["kind"])
    if kind is None:
        raise InternalError(f"no step is called {data['kind']!r}; one of: {', '.join(_KINDS)}.")
    return kind.from_json(data)


def citation_json(citation: Citation) -> Json:
    """A citation in the one shape used by the command line, the API and the store."""
    return {
        "n": citation.n,
        "document": citation.document,
        "source": citation.source,
        "page": citation.page,
        "start": citation.span.start,
        "end": citation.span.end,
        "quote": citation.quote,
        "support": citation.support,
    }


def citation_from_json(data: Mapping[str, Any]) -> Citation:
    """The citation that ``citation_json`` described."""
    return Citation(
        n=data["n"],
        document=data["document"],
        source=data["source"],
        page=data["page"],
        span=Span(data["start"], data["end"]),
        quote=data["quote"],
        support=data["support"],
    )


def passage_json(passage: Passage) -> Json:
    """A passage with the id, source and title of its document, the rest of it in ``record``."""
    document = passage.document
    return {
        "number": passage.number,
        "document": document.id,
        "source": document.source,
        "title": document.title,
        "page": passage.page,
        "start": passage.span.start,
        "end": passage.span.end,
        "text": passage.text,
        "headings": list(passage.headings),
        "score": passage.score,
        "record": {
            "sha256": document.sha256,
            "media_type": document.media_type,
            "collection": document.collection,
            "pages": document.pages,
            "state": str(document.state),
            "reason": document.reason,
            "size": document.size,
            "metadata": dict(document.metadata),
        },
    }


def passage_from_json(data: Mapping[str, Any]) -> Passage:
    """The passage that ``passage_json`` described."""
    record = {**data["record"], "state": State(data["record"]["state"])}
    document = Document(id=data["document"], source=data["source"], title=data["title"], **record)
    return Passage(
        number=data["number"],
        document=document,
        span=Span(data["start"], data["end"]),
        text=data["text"],
        page=data["page"],
        headings=tuple(data["headings"]),
        score=data["score"],
    )
