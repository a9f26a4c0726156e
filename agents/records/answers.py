"""A finished answer, its checked sentences and what it cost; and the turns of a conversation.

``to_json`` gives plain JSON values and ``from_json`` reads them back to an equal answer. Knows
nothing of engines, steps or storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from agents.records.record_json import (
    Json,
    citation_from_json,
    citation_json,
    passage_from_json,
    passage_json,
)
from corpus.records import Citation, Passage

__all__ = ["SEARCH", "Answer", "Claim", "Message", "Usage", "Written"]

SEARCH = "search"
"""The ``engine`` of an answer without words: the passages that were found are all there is."""


@dataclass(frozen=True, slots=True)
class Message:
    """One earlier turn of a conversation, as an engine is shown it.

    ``kept``: it is no turn but what is known from before them, and is shown however many turns follow.
    """

    role: Literal["user", "assistant"]
    content: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, at characters ``[start, end)`` of its text, and how it was checked.

    ``verdict``: ``supported`` (a quote it cites carries it), ``unsupported`` (it cites one that does
    not carry it), ``uncited`` (it states something and cites nothing) or ``plain`` (it states
    nothing: a greeting, a heading, a question back). ``support`` is that of its best citation.
    """

    start: int
    end: int
    verdict: Literal["supported", "unsupported", "uncited", "plain"]
    support: float = 0.0

    def to_json(self) -> Json:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a model read and wrote for one answer, as its server counted them; 0: not said."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    def to_json(self) -> Json:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Written:
    """What an engine's stream returns at its end: what it cost, and which passages it was shown.

    ``shown`` are numbers of passages: those that fitted into the model's window. An answer can be
    about no others. ``cut`` is how many characters were shown of the first, if not all of it.
    """

    usage: Usage = Usage()
    shown: tuple[int, ...] = ()
    cut: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer; its citations are checked, ``nearest`` is what a refusal found instead.

    ``interrupted`` says that the text stops early; ``claims`` are its sentences as they were checked.
    ``timings_ms``, since the question came: search, weigh (whether it is answered), first_token, total.
    ``score``: how probable (0..1) an answer was held to be before it was written; ``None``: that was not
    asked. ``shown`` is what the engine was shown, of its first passage perhaps the beginning only:
    nothing if it was not asked. It is for who measures answers, and as long as a prompt: it is not
    stored, and two answers are equal without it.
    """

    text: str
    abstained: bool
    engine: str
    model: str
    citations: tuple[Citation, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    interrupted: bool = False
    nearest: tuple[Passage, ...] = ()
    claims: tuple[Claim, ...] = ()
    usage: Usage = Usage()
    score: float | None = None
    shown: tuple[Passage, ...] = field(default=(), compare=False)

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
            "claims": [claim.to_json() for claim in self.claims],
            "usage": self.usage.to_json(),
            "score": self.score,
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
            claims=tuple(Claim(**claim) for claim in data.get("claims", ())),
            usage=Usage(**data.get("usage", {})),
            score=data.get("score"),
        )
