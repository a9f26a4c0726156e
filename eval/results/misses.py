"""The questions that a page shows in full: those that the best systems, or the baseline, lost gold of.

A page of every question under every system would be too large to open, so this chooses, and says what
it left out. Knows nothing of how they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.results.findings import Findings
from eval.results.records import Found, Row, Stage
from eval.results.svg import shortened

__all__ = ["Missed", "Missing", "missing"]

BEST = 3  # systems, and the baseline
PASSAGES = 5
LATER = 2  # passages further down that hold gold
TEXT = 300  # characters of a passage
QUESTION = 2000
BUDGET = 4_500_000  # characters of all questions together, about


@dataclass(frozen=True, slots=True)
class Missed:
    """A question with the rows of the systems that lost gold of it."""

    id: str
    text: str
    kind: str
    gold: tuple[Mapping[str, Any], ...]
    rows: tuple[Row, ...]

    @property
    def stages(self) -> dict[str, int]:
        """How many of the systems lost it first at which stage, in the order of the stages."""
        found = [row.stage for row in self.rows]
        return {stage.value: found.count(stage) for stage in Stage if stage in found}

    def passages(self, row: Row) -> list[Found]:
        """What to show of what a system found: the first few, and gold further down."""
        later = [found for found in row.found[PASSAGES:] if found.gold]
        return [*row.found[:PASSAGES], *later[:LATER]]

    @property
    def size(self) -> int:
        """About as many characters as showing it takes."""
        passages = [found for row in self.rows for found in self.passages(row)]
        texts = sum(400 + min(len(found.text), TEXT) for found in passages)
        details = sum(len(loss.detail) + 200 for row in self.rows for loss in row.losses)
        gold = sum(300 + min(len(str(place.get("text", ""))), TEXT) for place in self.gold)
        return 800 + min(len(self.text), QUESTION) + texts + details + gold


@dataclass(frozen=True, slots=True)
class Missing:
    """What is shown: questions that any of ``systems`` lost gold of; ``of`` counts all such questions.

    ``asked`` counts the questions that there are rows of.
    """

    systems: tuple[str, ...]
    questions: tuple[Missed, ...]
    of: int
    asked: int

    @property
    def stages(self) -> list[str]:
        """The stages that lost something here, in their order."""
        seen = {stage for question in self.questions for stage in question.stages}
        return [stage.value for stage in Stage if stage.value in seen]


def missing(findings: Findings, rows: Sequence[Row], budget: int = BUDGET) -> Missing:
    """Choose the questions of a page.

    Args:
        budget: characters; what does not fit is left out from the end.
    """
    names = [system["name"] for system in findings.ranked[:BEST]]
    baseline = findings.baseline
    if baseline is not None and baseline["name"] not in names:
        names.append(baseline["name"])
    lost: dict[str, list[Row]] = {}
    for row in rows:
        if row.system in names and (row.losses or row.missed):
            lost.setdefault(row.query, []).append(row)
    shown: list[Missed] = []
    for query in dict.fromkeys(row.query for row in rows):
        if query in lost:
            question = _missed(sorted(lost[query], key=lambda row: names.index(row.system)))
            budget -= question.size
            if budget < 0:
                break
            shown.append(question)
    asked = len({row.query for row in rows})
    return Missing(tuple(names), tuple(shown), len(lost), asked)


def _missed(rows: Sequence[Row]) -> Missed:
    first = rows[0]
    return Missed(first.query, shortened(first.text, QUESTION), first.kind, first.gold, tuple(rows))
