"""The message that a run leaves behind, worked out from its events.

An answer that stopped early keeps its text, and its citations and sentences are checked like any other's. Knows
nothing of storage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agents.answering.claims import Grounded, grounded
from agents.records.record_json import Json, citation_json
from agents.records.steps import (
    Answered,
    Cancelled,
    Failed,
    Retrieved,
    Token,
    ToolCall,
    ToolResult,
    step_from_json,
)
from agents.tools.computed import computed_in
from corpus.errors import InternalError

__all__ = ["Outcome", "outcome_of"]

_LOOKED_AT = (Retrieved.kind, ToolCall.kind, ToolResult.kind)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The columns of a message. ``steps`` are the run's events without tokens, as JSON."""

    content: str
    citations: tuple[Json, ...] = ()
    steps: tuple[Json, ...] = ()
    engine: str = ""
    model: str = ""
    abstained: bool = False
    interrupted: bool = False
    error: str | None = None
    claims: tuple[Json, ...] = ()
    usage: Json = field(default_factory=dict)


def outcome_of(events: Sequence[Json], read: Callable[[str], str], question: str = "") -> Outcome:
    """The message of a run.

    Args:
        events: all of the run's, the last step's at the end.
        read: gives the canonical text of a document; raises ``NotFound``.
        question: what was asked; its numbers may have been calculated with.
    """
    last = step_from_json(events[-1])
    steps = tuple(event for event in events if event["kind"] != Token.kind)
    if isinstance(last, Answered):
        answer = last.answer
        return Outcome(
            answer.text,
            tuple(citation_json(citation) for citation in answer.citations),
            steps,
            answer.engine,
            answer.model,
            answer.abstained,
            answer.interrupted,
            claims=tuple(claim.to_json() for claim in answer.claims),
            usage=answer.usage.to_json(),
        )
    if isinstance(last, Failed | Cancelled):
        error = last.message if isinstance(last, Failed) else None
        made = _checked(last.partial, events, read, question)
        return Outcome(
            made.text,
            tuple(citation_json(citation) for citation in made.citations),
            steps,
            interrupted=True,
            error=error,
            claims=tuple(claim.to_json() for claim in made.claims),
        )
    raise InternalError(f"a run's last step is {last.kind!r}")


def _checked(
    partial: str, events: Sequence[Json], read: Callable[[str], str], question: str
) -> Grounded:
    steps = [step_from_json(event) for event in events if event["kind"] in _LOOKED_AT]
    passages = [p for step in steps if isinstance(step, Retrieved) for p in step.passages]
    return grounded(partial, passages, read, computed=computed_in(steps, question))
