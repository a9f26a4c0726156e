"""The agent: a language model that searches and reads with tools until it can answer.

Built on LangChain's ``create_agent``. It yields typed steps; a tool's failure is an observation for
the model, a failure of the model's server is a ``ModelError``, a bug of ours propagates. Bounded in
tool calls and in time; a call repeated word for word is answered with a reminder. Every ``[n]`` of
the answer is checked against the passages that the tools showed.

Needs a model that can call tools. Knows nothing of storage (but its checkpoints) or of HTTP.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from agents.abstain import is_refusal
from agents.answers import Answer, Message
from agents.bridge import iterate
from agents.chat_model import make_chat_model, transport
from agents.checkpoints import checkpoints
from agents.citations import check
from agents.loop_guard import Budget, guard
from agents.prompts import REFUSAL, fit_history
from agents.settings import AgentSettings, LLMSettings
from agents.steps import Answered, Retrieved, Step, Token, ToolCall, ToolResult
from agents.thoughts import ThoughtFilter, without_thoughts
from agents.tools import TOOLS, Desk, Tool
from corpus.errors import AlcoveError, InternalError, ModelTimeout

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["Agent", "ServerEngine"]

_NEAREST = 3  # passages that a refusal names
_CITATION = re.compile(r"\s*\[\d+\]")


class ServerEngine(Protocol):
    """Where the agent's model is; ``agents.openai_engine.OpenAIEngine`` is one."""

    @property
    def settings(self) -> LLMSettings:
        """Deadlines and lengths."""
        ...

    @property
    def url(self) -> str:
        """Base URL that ends in ``/v1``."""
        ...

    @property
    def model(self) -> str:
        """The name the server gives the model."""
        ...

    def know_model(self) -> None:
        """Ask the server for that name, if nobody has said it."""
        ...


class Agent:
    """Answers with tools.

    Args:
        engine: the model's server.
        chats: the file for checkpoints.
        settings: budgets.
        tools: by name.
    """

    def __init__(
        self,
        engine: ServerEngine,
        chats: Path,
        settings: AgentSettings,
        tools: Mapping[str, Tool] = TOOLS,
    ) -> None:
        self._engine, self._chats, self._settings, self._tools = engine, chats, settings, tools

    def steps(
        self,
        question: str,
        thread: str,
        desk: Desk,
        history: Sequence[Message] = (),
        stop: threading.Event | None = None,
    ) -> Iterator[Step]:
        """The steps of one turn, the last of them ``Answered``; ends early when ``stop`` is set.

        Raises:
            ModelError: the server failed, was too slow, or its model cannot call tools.
        """
        self._engine.know_model()
        return iterate(lambda: self._steps(question, thread, desk, history), stop)

    async def _steps(
        self, question: str, thread: str, desk: Desk, history: Sequence[Message]
    ) -> AsyncIterator[Step]:
        budget = Budget(self._settings.tool_calls)
        reader = _Reader(desk)
        async with transport(self._engine.settings, self._engine.url) as http:
            with checkpoints(self._chats, thread) as saver:
                stream = self._graph(http, saver, desk, budget).astream(
                    {"messages": self._messages(question, history)},
                    {"configurable": {"thread_id": thread}, "recursion_limit": 1000},
                    stream_mode=["messages", "updates"],
                    durability="sync",
                )
                async with aclosing(self._timed(stream, reader)) as parts:
                    async for mode, part in parts:
                        for step in reader.read(mode, part):
                            yield step
        yield self._answered(reader, desk)

    def _graph(self, http: Any, saver: Any, desk: Desk, budget: Budget) -> Any:
        from langchain.agents import create_agent

        engine = self._engine
        return create_agent(
            make_chat_model(engine.settings, engine.url, engine.model, http),
            [_langchain_tool(tool, desk, budget) for tool in self._tools.values()],
            system_prompt=_prompt(),
            middleware=[guard(budget, engine.url, engine.model)],
            checkpointer=saver,
        )

    def _messages(self, question: str, history: Sequence[Message]) -> list[tuple[str, str]]:
        """Earlier turns without their ``[n]``, which named other passages, then the question."""
        llm = self._engine.settings
        recent = fit_history(history, llm.history_messages, llm.history_characters)
        turns = [(m.role, _CITATION.sub("", m.content)) for m in recent]
        return [*turns, ("user", question)]

    async def _timed(self, stream: Any, reader: _Reader) -> AsyncGenerator[tuple[str, Any]]:
        """The parts of a stream, each within its deadline."""
        llm, loop = self._engine.settings, asyncio.get_running_loop()
        end = loop.time() + self._settings.total_s
        limits = {"model": llm.first_token_s, "text": llm.gap_s, "tool": self._settings.tool_s}
        async with aclosing(stream) as parts:
            while True:
                waiting = reader.waiting_for
                try:
                    async with asyncio.timeout_at(min(loop.time() + limits[waiting], end)):
                        part = await anext(parts, None)
                except TimeoutError as exc:
                    raise self._late(waiting, limits[waiting], loop.time() >= end) from exc
                if part is None:
                    return
                yield part

    def _late(self, waiting: str, limit: float, at_end: bool) -> ModelTimeout:
        where = f"{self._engine.model!r} at {self._engine.url!r}"
        if at_end:
            return ModelTimeout(
                f"the agent did not come to an answer within {self._settings.total_s:g} seconds;"
                " ask something narrower, or raise agent.total_s in the settings"
            )
        what = {"model": "its first word", "text": "its next word"}.get(waiting, "a tool's result")
        return ModelTimeout(
            f"{where} did not send {what} within {limit:g} seconds; check that it is not"
            " overloaded, or raise the deadlines under llm in the settings"
        )

    def _answered(self, reader: _Reader, desk: Desk) -> Answered:
        said = without_thoughts(reader.text)
        abstained = is_refusal(said)
        text, citations = check(said, desk.passages, desk.library.text)
        return Answered(
            Answer(
                text,
                abstained,
                engine="openai",
                model=self._engine.model,
                citations=() if abstained else citations,
                timings_ms=reader.timings_ms(),
                nearest=tuple(desk.passages[:_NEAREST]) if abstained else (),
            )
        )


class _Reader:
    """Turns what LangGraph streams into steps."""

    def __init__(self, desk: Desk) -> None:
        self.text = ""  # what the model said last
        self.waiting_for = "model"  # whose move it is: model, text (it has begun) or tool
        self._desk = desk
        self._shown = 0
        self._round = 0
        self._thoughts = ThoughtFilter()
        self._began = time.perf_counter()
        self._first_token: float | None = None

    def read(self, mode: str, part: Any) -> Iterator[Step]:
        """The steps that one part of the stream stands for."""
        if mode == "messages":
            yield from self._token(part[0])
            return
        for node, update in part.items():
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
        if shown := self._thoughts.feed(chunk.text):
            self._first_token = self._first_token or time.perf_counter() - self._began
            yield Token(shown)

    def _model(self, message: Any) -> Iterator[Step]:
        if rest := self._thoughts.rest():
            yield Token(rest)
        self._thoughts = ThoughtFilter()
        self.text = message.text
        self._round += 1
        self.waiting_for = "tool" if message.tool_calls else "model"
        for call in message.tool_calls:
            yield ToolCall(self._id(call["id"]), call["name"], call["args"])

    def _tool(self, message: Any) -> Iterator[Step]:
        self.waiting_for = "model"
        ok = message.status != "error"
        yield ToolResult(self._id(message.tool_call_id), message.name, message.text, ok)
        new = tuple(self._desk.passages[self._shown :])
        self._shown += len(new)
        if new:
            yield Retrieved(new, self._desk.snapshot)

    def _id(self, call: str) -> str:
        """Some servers count their calls from 0 in every reply."""
        return f"{self._round}.{call}"


def _prompt() -> str:
    text = (Path(__file__).parent / "prompts" / "agent.md").read_text(encoding="utf-8")
    return text.format(refusal=REFUSAL)


def _langchain_tool(tool: Tool, desk: Desk, budget: Budget) -> BaseTool:
    """Our tool as LangChain's; we check the arguments, so that one sentence says what is wrong."""
    from langchain_core.tools import StructuredTool, ToolException

    def run(**arguments: Any) -> str:
        try:
            budget.spend(tool.name, arguments)
            return tool(arguments, desk)
        except InternalError:
            raise
        except AlcoveError as exc:
            raise ToolException(str(exc)) from exc

    return StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.parameters,
        func=run,
        handle_tool_error=True,
    )
