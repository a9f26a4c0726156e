"""An answer as the page shows it, whether it is still being written or was stored long ago.

``advance`` folds the steps of a run, one at a time; ``stored`` reads a message of a thread. Both
give the same ``Reply``. Knows nothing of HTTP or Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.records.answers import Answer, Claim
from agents.records.record_json import citation_from_json
from agents.records.steps import (
    Answered,
    ApprovalAsked,
    ApprovalDecided,
    Cancelled,
    Failed,
    LimitReached,
    Planned,
    Retrieved,
    Step,
    Token,
    ToolCall,
    ToolResult,
    step_from_json,
)
from corpus.records import Citation, Passage
from ui.api.threads import MessageJson

__all__ = ["Question", "Reply", "ToolUse", "advance", "stored"]


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that was called; ``text`` is what it gave, ``None`` while it works."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    text: str | None = None
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """A call that a person is asked about; ``verdict`` is empty while they have not decided."""

    id: str
    tool: str
    arguments: Mapping[str, Any]
    labels: tuple[str, ...]
    expires: str
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """All there is to show of one answer.

    ``passages`` is what the search found; ``nearest`` what a refusal names. ``error`` is a sentence
    when the run failed; ``interrupted`` says that ``text`` stops early. ``plan`` is what the agent
    means to do, of which it has done ``planned``; ``limit`` says which of its budgets has ended.
    """

    text: str = ""
    passages: tuple[Passage, ...] = ()
    nearest: tuple[Passage, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    questions: tuple[Question, ...] = ()
    plan: tuple[str, ...] = ()
    planned: int = 0
    limit: str = ""
    citations: tuple[Citation, ...] = ()
    claims: tuple[Claim, ...] = ()
    engine: str = ""
    model: str = ""
    abstained: bool = False
    interrupted: bool = False
    error: str = ""
    finished: bool = False

    @property
    def doubted(self) -> tuple[tuple[int, int], ...]:
        """Where in ``text`` the sentences are that no document carries."""
        verdicts = ("unsupported", "uncited")
        return tuple((c.start, c.end) for c in self.claims if c.verdict in verdicts)


def advance(reply: Reply, step: Step) -> Reply:  # noqa: PLR0911 - one per kind of step
    """The reply after one more step of its run."""
    match step:
        case Retrieved(passages=passages):
            return replace(reply, passages=(*reply.passages, *passages))  # an agent searches again
        case Token(text=text):
            return replace(reply, text=reply.text + text)
        case ToolCall(id=key, name=name, arguments=arguments):
            return replace(reply, tools=(*reply.tools, ToolUse(key, name, arguments)))
        case ToolResult():
            return replace(reply, tools=tuple(_done(tool, step) for tool in reply.tools))
        case ApprovalAsked() | ApprovalDecided():
            return replace(reply, questions=_questions(reply.questions, step))
        case Planned(steps=steps, done=done):
            return replace(reply, plan=steps, planned=done)
        case LimitReached(text=text):
            return replace(reply, limit=text)
        case Answered(answer=answer):
            return _answered(reply, answer)
        case Failed(message=message, partial=partial):
            text = partial or reply.text
            return replace(reply, text=text, error=message, interrupted=True, finished=True)
        case Cancelled(partial=partial):
            return replace(reply, text=partial or reply.text, interrupted=True, finished=True)


def _questions(
    questions: tuple[Question, ...], step: ApprovalAsked | ApprovalDecided
) -> tuple[Question, ...]:
    if isinstance(step, ApprovalAsked):
        asked = Question(step.id, step.tool, step.arguments, step.labels, step.expires)
        return (*questions, asked)
    changes: dict[str, Any] = {"verdict": step.verdict, "arguments": step.arguments}
    return tuple(replace(q, **changes) if q.id == step.id else q for q in questions)


def _done(tool: ToolUse, result: ToolResult) -> ToolUse:
    return replace(tool, text=result.text, ok=result.ok) if tool.id == result.id else tool


def _answered(reply: Reply, answer: Answer) -> Reply:
    return replace(
        reply,
        text=answer.text,
        nearest=answer.nearest,
        citations=answer.citations,
        claims=answer.claims,
        engine=answer.engine,
        model=answer.model,
        abstained=answer.abstained,
        interrupted=answer.interrupted,
        finished=True,
    )


def stored(message: MessageJson) -> Reply:
    """The reply that a stored answer holds."""
    reply = Reply()
    for step in message["steps"]:
        reply = advance(reply, step_from_json(step))
    return replace(
        reply,
        text=message["content"],
        citations=tuple(citation_from_json(c) for c in message["citations"]),
        claims=tuple(Claim(**claim) for claim in message["claims"]),
        engine=message["engine"],
        model=message["model"],
        abstained=message["abstained"],
        interrupted=message["interrupted"],
        error=message["error"] or "",
        finished=True,
    )
