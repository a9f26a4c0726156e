"""What a benchmark knows of one question under one system, and where it lost what it did not find.

Knows nothing of how it was computed or how it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Found", "Loss", "Row", "Stage"]


class Stage(StrEnum):
    """The stages between a document and an answer, in the order in which they can lose it."""

    NOT_PARSED = "not parsed"
    SPLIT = "split apart"
    FILTERED = "filtered"
    NOT_RETRIEVED = "not retrieved"
    FUSION = "lost in fusion"
    RERANK = "lost in rerank"
    PROMPT = "cut from the prompt"
    ANSWER = "ignored in the answer"


@dataclass(frozen=True, slots=True)
class Loss:
    """A piece of gold that was lost: at which stage, and in words why it is held to be that one.

    ``start`` and ``end`` are 0 where a whole document is gold, or where no place is known.
    """

    document: str
    start: int
    end: int
    stage: Stage
    detail: str


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that a search returned, at characters ``[start, end)`` of a document.

    Ranks count from 1; ``None`` where that index did not return it. ``gold``: it holds gold.
    ``text`` may be shortened, or empty where nobody needs it.
    """

    rank: int
    document: str
    start: int
    end: int
    score: float
    dense_rank: int | None = None
    lexical_rank: int | None = None
    gold: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One question under one system.

    ``metrics``: value by measure, for every measure that applies. ``losses``: the gold that is not
    among the first passages (or not in the answer), at most one entry each; empty when all was found.
    ``missed``: none of the gold was found. ``answer``: what the system answered, if it was asked to.
    """

    system: str
    query: str
    text: str
    kind: str
    metrics: Mapping[str, float]
    latency_ms: float | None = None
    missed: bool = False
    losses: tuple[Loss, ...] = ()
    found: tuple[Found, ...] = ()
    gold: tuple[Mapping[str, Any], ...] = field(default=())
    answer: str = ""

    @property
    def stage(self) -> Stage | None:
        """The first stage that lost any of the gold; ``None`` when nothing was lost."""
        order = list(Stage)
        return min((loss.stage for loss in self.losses), key=order.index, default=None)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, ``stage`` among them."""
        return {**asdict(self), "stage": self.stage}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Row:
        """The row that ``to_json`` described."""
        rest = {key: value for key, value in data.items() if key != "stage"}
        rest["losses"] = tuple(
            Loss(**{**loss, "stage": Stage(loss["stage"])}) for loss in data["losses"]
        )
        rest["found"] = tuple(Found(**found) for found in data["found"])
        rest["gold"] = tuple(data["gold"])
        return cls(**rest)
