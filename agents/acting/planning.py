"""The agent's plan for a question of several steps: a tool that only tells what it means to do.

It touches nothing and costs no call; what it was called with is shown to the person as a ``Planned`` step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from agents.records.steps import Planned
from agents.tools import Desk, Tool
from agents.tools.tool import Arguments
from corpus.errors import UserError

__all__ = ["PLAN", "PlanArguments", "planned"]

_LINE = 200


class PlanArguments(Arguments):
    """The plan as it is now."""

    steps: list[str] = Field(
        description="What to do, one short line a step.", min_length=1, max_length=8
    )
    done: int = Field(0, ge=0, description="How many of them, from the first on, are done.")


def _plan(arguments: PlanArguments, desk: Desk) -> str:
    left = arguments.steps[arguments.done :]
    return f"Noted. Next: {left[0]}" if left else "Noted. All steps are done: answer now."


PLAN = Tool(
    name="plan",
    description=(
        "Write down the steps for a question that needs several, before the first; call it again"
        " when the plan or what is done has changed. Not needed for a simple question."
    ),
    schema=PlanArguments,
    run=_plan,
    labels=frozenset(),
)


def planned(arguments: Mapping[str, Any]) -> Planned | None:
    """The step that a call of ``PLAN`` stands for; ``None`` for one with wrong arguments."""
    try:
        plan = PLAN.check(arguments)
    except UserError:
        return None
    lines = tuple(" ".join(line.split())[:_LINE] for line in plan.steps)
    return Planned(lines, min(plan.done, len(lines)))
