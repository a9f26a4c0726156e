"""A turn is bounded in calls, tokens, seconds and patience, and says which of them ended."""

from __future__ import annotations

import pytest

from agents.acting.budgets import SPENT, Budget
from agents.records.answers import Usage
from agents.records.steps import LimitReached, ToolCall, ToolResult
from agents.settings import AgentSettings
from corpus.errors import UserError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limit(budget: Budget) -> LimitReached:
    assert budget.ended is not None
    return budget.ended


def test_calls_run_out() -> None:
    budget = Budget(AgentSettings(tool_calls=2))
    budget.spend("a", {})
    assert budget.ended is None
    budget.spend("b", {})
    assert limit(budget).limit == "calls"
    assert "2 tool calls" in limit(budget).text
    with pytest.raises(UserError, match="no more tools"):
        budget.spend("c", {})
    assert SPENT.startswith("You may use no more tools")


def test_tokens_run_out() -> None:
    budget = Budget(AgentSettings(tokens=100))
    budget.usage = Usage(60, 39)
    assert budget.ended is None
    budget.usage = Usage(60, 40)
    assert limit(budget).limit == "tokens"


def test_time_runs_out() -> None:
    clock = Clock()
    budget = Budget(AgentSettings(total_s=10), clock=clock)
    clock.now += 9.9
    assert budget.ended is None
    clock.now += 0.2
    assert limit(budget).limit == "time"


def test_repeating_a_call_is_a_reminder_and_repeating_calls_ends_the_tools() -> None:
    budget = Budget(AgentSettings(tool_calls=50))
    for name in "ab":  # A, B, then A, B, A: a cycle is a row of repeated calls
        budget.spend(name, {"x": 1})
    for name in "aba":
        with pytest.raises(UserError, match="exactly these arguments"):
            budget.spend(name, {"x": 1})
    assert limit(budget).limit == "loop"


def test_the_order_of_arguments_makes_no_other_call() -> None:
    budget = Budget(AgentSettings())
    budget.spend("a", {"x": 1, "y": 2})
    with pytest.raises(UserError, match="exactly these arguments"):
        budget.spend("a", {"y": 2, "x": 1})


def test_searches_that_bring_nothing_new_end_the_tools_and_news_give_patience_back() -> None:
    budget = Budget(AgentSettings(fruitless_calls=2))
    assert "other words" in budget.searched(False)
    assert budget.searched(True) == ""
    budget.searched(False)
    assert budget.ended is None
    budget.searched(False)
    assert (limit(budget).limit, "2 searches" in limit(budget).text) == ("loop", True)


def test_a_run_that_goes_on_has_spent_what_it_spent() -> None:
    earlier = (
        ToolCall("1.a", "search", {"query": "x"}),
        ToolResult("1.a", "search", "…"),
        ToolCall("1.b", "write", {"text": "y"}),  # not carried out yet
    )
    budget = Budget(AgentSettings(tool_calls=2), earlier)
    with pytest.raises(UserError, match="exactly these arguments"):
        budget.spend("search", {"query": "x"})
    assert limit(budget).limit == "calls"
