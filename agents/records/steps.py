"""The typed steps that every answer and agent run yields; page, log, API and tests read them.

A stream is ``Retrieved`` (at most once per search), any number of ``Token``, ``ToolCall``,
``ToolResult``, ``Planned``, ``LimitReached``, ``ApprovalAsked`` and ``ApprovalDecided``, and exactly
one last step: ``Answered``, ``Failed`` or ``Cancelled``. One that ends with ``ApprovalAsked`` waits
for a person and goes on when they have decided. ``to_json`` gives plain JSON values with the step's
``kind`` beside its fields; ``step_from_json`` reads them back to an equal step, so that a stored run
replays exactly. The key ``n`` is left free at the top level: runs number their events with it.

Knows nothing of engines, tools, storage or HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from agents.records.answers import Answer
from agents.records.record_json import Json, passage_from_json, passage_json
from corpus.errors import InternalError
from corpus.records import Passage

__all__ = [
    "INTERRUPTED",
    "Answered",
    "ApprovalAsked",
    "ApprovalDecided",
    "Cancelled",
    "Failed",
    "LimitReached",
    "Planned",
    "Retrieved",
    "Step",
    "Token",
    "ToolCall",
    "ToolResult",
    "interrupted",
    "step_from_json",
]


INTERRUPTED = "Interrupted"
"""The ``error`` of a run that ended because the service did."""


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
class Planned:
    """What the agent means to do, one short line a step; the first ``done`` of them it has done."""

    kind: ClassVar[str] = "planned"
    steps: tuple[str, ...]
    done: int = 0

    def to_json(self) -> Json:
        """Plain JSON values."""
        return {"kind": self.kind, "steps": list(self.steps), "done": self.done}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Planned:
        """The step that ``to_json`` described."""
        return cls(tuple(data["steps"]), data["done"])


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A budget of the agent has ended; from here on it answers from what it has.

    ``limit``: calls, tokens, time, or loop (it went in circles). ``text`` says so in a sentence.
    """

    kind: ClassVar[str] = "limit"
    limit: Literal["calls", "tokens", "time", "loop"]
    text: str

    def to_json(self) -> Json:
        """Plain JSON values."""
        return {"kind": self.kind, "limit": self.limit, "text": self.text}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LimitReached:
        """The step that ``to_json`` described."""
        return cls(data["limit"], data["text"])


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """The agent wants to use a tool that writes or leaves the machine; the run waits for a person.

    ``call`` is the ``id`` of the ``ToolCall``; ``labels`` say what the tool can touch; ``expires`` is
    the time (ISO 8601, UTC) after which it counts as rejected.
    """

    kind: ClassVar[str] = "approval_asked"
    id: str
    call: str
    tool: str
    arguments: Mapping[str, Any]
    labels: tuple[str, ...]
    expires: str

    def to_json(self) -> Json:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "id": self.id,
            "call": self.call,
            "tool": self.tool,
            "arguments": dict(self.arguments),
            "labels": list(self.labels),
            "expires": self.expires,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ApprovalAsked:
        """The step that ``to_json`` described."""
        return cls(
            data["id"],
            data["call"],
            data["tool"],
            dict(data["arguments"]),
            tuple(data["labels"]),
            data["expires"],
        )


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """What became of an approval: ``verdict`` is approved, rejected or expired.

    ``arguments`` are those the tool is called with, which the person may have edited.
    """

    kind: ClassVar[str] = "approval_decided"
    id: str
    verdict: Literal["approved", "rejected", "expired"]
    arguments: Mapping[str, Any]

    def to_json(self) -> Json:
        """Plain JSON values."""
        arguments = dict(self.arguments)
        return {"kind": self.kind, "id": self.id, "verdict": self.verdict, "arguments": arguments}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ApprovalDecided:
        """The step that ``to_json`` described."""
        return cls(data["id"], data["verdict"], dict(data["arguments"]))


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


Step: TypeAlias = (
    Retrieved
    | Token
    | ToolCall
    | ToolResult
    | Planned
    | LimitReached
    | ApprovalAsked
    | ApprovalDecided
    | Answered
    | Failed
    | Cancelled
)

_KINDS: dict[str, type[Step]] = {kind.kind: kind for kind in get_args(Step)}


def interrupted(partial: str) -> Failed:
    """The last step of a run that ended because the service did, with the text there was."""
    message = "the service stopped while this answer was being written; ask again"
    return Failed(INTERRUPTED, message, partial)


def step_from_json(data: Mapping[str, Any]) -> Step:
    """The step that its ``to_json`` described.

    Raises:
        InternalError: ``data`` has a ``kind`` that no step has.
    """
    kind = _KINDS.get(data["kind"])
    if kind is None:
        raise InternalError(f"no step is called {data['kind']!r}; one of: {', '.join(_KINDS)}.")
    return kind.from_json(data)
