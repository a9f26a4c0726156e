"""What the agent may spend in one turn, and how going in circles is noticed.

Four budgets: tool calls, tokens, seconds, and patience (a call repeated, searches that bring nothing new). Once one
has ended, no further call is carried out and the model is asked to answer from what it has. Safe to use from
several threads: tools may run at the same time. Knows nothing of LangChain or of documents.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from agents.records.answers import Usage
from agents.records.steps import LimitReached, Step, ToolCall, ToolResult
from agents.settings import AgentSettings
from corpus.errors import UserError

__all__ = ["SPENT", "Budget"]

SPENT = "You may use no more tools. Answer now from what the tools have shown you."
"""Said to a model whose budget has ended."""
_REPEATS = 3  # calls made before that are met with a reminder; the next ends the turn's tools

Limit = Literal["calls", "tokens", "time", "loop"]


class Budget:
    """One turn's.

    Args:
        settings: how much there is of each.
        earlier: the steps the turn has had, when it goes on after a wait; its seconds begin anew.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        settings: AgentSettings,
        earlier: Iterable[Step] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._clock, self._began = settings, clock, clock()
        self._left = settings.tool_calls
        self._made: set[str] = set()
        self._repeats = self._fruitless = 0
        self._circling = ""
        self.usage = Usage()
        self._lock = threading.Lock()
        self._recall(tuple(earlier))

    @property
    def ended(self) -> LimitReached | None:
        """The budget that has ended, if one has."""
        s = self._settings
        if self._circling:
            return LimitReached("loop", self._circling)
        if self._left <= 0:
            return _reached("calls", f"all {s.tool_calls} tool calls of this turn are used")
        if self.usage.prompt_tokens + self.usage.completion_tokens >= s.tokens:
            return _reached("tokens", f"the {s.tokens:,} tokens of this turn are used")
        if self._clock() - self._began >= s.total_s:
            return _reached("time", f"the {s.total_s:g} seconds of this turn have passed")
        return None

    def spend(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Count one call.

        Raises:
            UserError: a budget has ended, or this very call was made before; said to the model.
        """
        call = _call(name, arguments)
        with self._lock:
            if self.ended:
                raise UserError(SPENT)
            self._left -= 1
            if call not in self._made:
                self._made.add(call)
                return
            self._repeats += 1
            if self._repeats >= _REPEATS:
                self._circling = _sentence("it repeated calls whose results it had")
        raise UserError(
            f"you called {name!r} with exactly these arguments before and have its result;"
            " use other arguments, or answer"
        )

    def searched(self, new: bool) -> str:
        """Note a search and whether it showed a passage for the first time; a hint for the model."""
        with self._lock:
            self._fruitless = 0 if new else self._fruitless + 1
            if self._fruitless >= self._settings.fruitless_calls:
                self._circling = _sentence(
                    f"the last {self._fruitless} searches brought no new passage"
                )
        return "" if new else "Nothing here is new. Try quite other words, or answer."

    def _recall(self, earlier: tuple[Step, ...]) -> None:
        """Count the calls that were made before a wait; one without a result is still to be made."""
        results = {step.id for step in earlier if isinstance(step, ToolResult)}
        calls = [step for step in earlier if isinstance(step, ToolCall) and step.id in results]
        self._left -= len(calls)
        self._made.update(_call(call.name, call.arguments) for call in calls)


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name} {json.dumps(arguments, sort_keys=True, default=str)}"


def _reached(limit: Limit, why: str) -> LimitReached:
    return LimitReached(limit, _sentence(why))


def _sentence(why: str) -> str:
    return f"{why[0].upper()}{why[1:]}, so it answers from what it has."
