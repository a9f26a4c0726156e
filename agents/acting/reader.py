"""Turns what LangGraph streams while the agent works into typed steps, without characters that are not seen.

A run that goes on after it has waited streams again what it had: the reader begins with the steps that were told,
and tells none twice. Knows nothing of storage or HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from agents.acting.planning import PLAN, planned
from agents.records.answers import Usage
from agents.records.steps import (
    ApprovalAsked,
    Retrieved,
    Step,
    Token,
    ToolCall,
    ToolResult,
    step_from_json,
)
from agents.text.inert import InertStream, inert
from agents.text.thoughts import ThoughtFilter
from agents.tools import Desk

__all__ = ["Reader", "call_id", "usage_of"]


class Reader:
    """One stream's.

    Args:
        desk: whose new passages are told as ``Retrieved``.
        earlier: the steps that were told before the run waited.
    """

    def __init__(self, desk: Desk, earlier: Sequence[Step] = ()) -> None:
        self.text = ""  # what the model said last
        self.waiting_for = "model"  # whose move it is: model, text (it has begun) or tool
        self.asks = False  # whether it ended with a question to a person
        self._desk = desk
        self._shown = len(desk.passages)
        self._told = {step.id for step in earlier if isinstance(step, ToolResult)}
        self._asked = {step.id for step in earlier if isinstance(step, ApprovalAsked)}
        calls = [step.id for step in earlier if isinstance(step, ToolCall)]
        self._round = max((int(id.partition(".")[0]) for id in calls), default=0)
        self._silent: set[str] = set()  # calls that are told otherwise than as a call
        self._thoughts, self._unseen = ThoughtFilter(), InertStream()
        self._began = time.perf_counter()
        self._first_token: float | None = None

    def read(self, mode: str, part: Any) -> Iterator[Step]:
        """The steps that one part of the stream stands for."""
        if mode == "messages":
            yield from self._token(part[0])
            return
        for node, update in part.items():
            if node == "__interrupt__":
                yield from self._questions(update)
            elif node != "__metadata__":
                for message in (update or {}).get("messages", ()):
                    yield from self._model(message) if node == "model" else self._tool(message)

    def timings_ms(self) -> dict[str, float]:
        """first_token and total."""
        total = time.perf_counter() - self._began
        return {"first_token": 1000 * (self._first_token or total), "total": 1000 * total}

    def _token(self, chunk: Any) -> Iterator[Step]:
        if chunk.type != "AIMessageChunk":
            return
        self.waiting_for = "text"
        if shown := self._unseen.feed(self._thoughts.feed(chunk.text)):
            self._first_token = self._first_token or time.perf_counter() - self._began
            yield Token(shown)

    def _model(self, message: Any) -> Iterator[Step]:
        if rest := self._unseen.feed(self._thoughts.rest()) + self._unseen.rest():
            yield Token(rest)
        self._thoughts, self._unseen = ThoughtFilter(), InertStream()
        self.text = message.text
        self._round += 1
        self.waiting_for = "tool" if message.tool_calls else "model"
        for call in message.tool_calls:
            id, plan = call_id(self._round, call["id"]), None
            if call["name"] == PLAN.name:
                plan = planned(call["args"])
            if plan is None:
                yield ToolCall(id, call["name"], call["args"])
            else:
                self._silent.add(id)
                yield plan

    def _tool(self, message: Any) -> Iterator[Step]:
        self.waiting_for = "model"
        id = call_id(self._round, message.tool_call_id)
        if id not in self._told | self._silent:
            self._told.add(id)
            yield ToolResult(id, message.name, inert(message.text), message.status != "error")
        new = tuple(self._desk.passages[self._shown :])
        self._shown += len(new)
        if new:
            yield Retrieved(new, self._desk.snapshot)

    def _questions(self, interrupts: Sequence[Any]) -> Iterator[Step]:
        self.asks = True
        for interrupt in interrupts:
            step = step_from_json(interrupt.value)
            if isinstance(step, ApprovalAsked) and step.id not in self._asked:
                self._asked.add(step.id)
                yield step


def call_id(reply: int, call: str) -> str:
    """Names a call within its run: some servers count their calls from 0 in every reply."""
    return f"{reply}.{call}"


def usage_of(message: Any) -> Usage | None:
    """The tokens of one reply, as the model's server counted them; ``None`` if it did not say."""
    counted = getattr(message, "usage_metadata", None)
    if not counted:
        return None
    return Usage(counted["input_tokens"], counted["output_tokens"])
