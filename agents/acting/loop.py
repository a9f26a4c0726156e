"""The agent: a language model that searches and reads with tools until it can answer.

Built on LangChain's ``create_agent``. It yields typed steps; a tool's failure is an observation for
the model, a failure of the model's server is a ``ModelError``, a bug of ours propagates. Bounded in
tool calls, tokens and time (``agents.acting.budgets``); when it needs a person's approval its steps end with
the question, and go on from a checkpoint once that is decided. Every ``[n]`` of the answer is checked
against the passages that the tools showed.

Needs a model that can call tools. Knows nothing of storage (but its checkpoints) or of HTTP.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from agents.acting.budgets import Budget
from agents.acting.executor import Executor, Used
from agents.acting.loop_guard import Watch, guard
from agents.acting.planning import PLAN
from agents.acting.reader import Reader
from agents.acting.trimming import fitted
from agents.answering.abstain import refusal
from agents.answering.claims import grounded
from agents.answering.declines import is_refusal
from agents.models.bridge import iterate
from agents.models.fitting import fit_history
from agents.models.model_facts import LETTERS
from agents.prompts import agent_rules
from agents.records.answers import Answer, Message
from agents.records.steps import Answered, Retrieved, Step
from agents.settings import AgentSettings, LLMSettings
from agents.store.approvals import Approvals
from agents.store.checkpoints import checkpoints
from agents.text.fences import unfenced
from agents.text.thoughts import without_thoughts
from agents.tools import TOOLS, Desk, Tool
from agents.tools.computed import Computed, computed_in
from corpus.errors import Conflict, ModelError, ModelTimeout

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.tools import BaseTool

__all__ = ["Agent", "ServerEngine"]

_RESULTS = 3  # results of tools that must fit at once
_LEAST_ROOM = 400  # characters
_NEAREST = 3  # passages that a refusal names
_CITATION = re.compile(r"\s*\[\d+\]")


class ServerEngine(Protocol):
    """Where the agent's model is; ``agents.models.openai_engine.OpenAIEngine`` is one."""

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

    def room(self) -> int:
        """Tokens that its window leaves to a prompt."""
        ...

    def transport(self) -> Any:
        """An HTTP client for one turn."""
        ...

    def chat_model(self, http: Any) -> Any:
        """The LangChain model over it."""
        ...


@dataclass(frozen=True, slots=True)
class _Turn:
    """What ``Agent.steps`` was asked."""

    question: str
    thread: str
    desk: Desk
    history: Sequence[Message]
    run: str
    earlier: Sequence[Step]
    room: int  # characters for the messages


class Agent:
    """Answers with tools.

    Args:
        engine: the model's server.
        chats: the file for checkpoints.
        settings: budgets.
        tools: by name.
        approvals: what people decided; without it, no tool that needs approval is carried out.
    """

    def __init__(
        self,
        engine: ServerEngine,
        chats: Path,
        settings: AgentSettings,
        tools: Mapping[str, Tool] = TOOLS,
        approvals: Approvals | None = None,
    ) -> None:
        self._engine, self._chats, self._settings = engine, chats, settings
        self._tools = {PLAN.name: PLAN, **tools}
        self._approvals = approvals

    def steps(
        self,
        question: str,
        thread: str,
        desk: Desk,
        history: Sequence[Message] = (),
        stop: threading.Event | None = None,
        run: str = "",
        earlier: Sequence[Step] = (),
    ) -> Iterator[Step]:
        """The steps of one turn; ends early when ``stop`` is set.

        The last is ``Answered``, or ``ApprovalAsked`` when a person has to decide first; called again
        with the steps so far in ``earlier``, it then goes on from there.

        Args:
            question: what was asked.
            thread: names the checkpoint.
            desk: what the tools may reach; passages of ``earlier`` are put back on it.
            history: earlier turns.
            stop: ends the steps soon after it is set.
            run: names the run in the table of approvals; without one, nobody can be asked.
            earlier: the steps of a run that has waited.

        Raises:
            ModelError: the server failed, was too slow, or its model cannot call tools.
        """
        with suppress(*((ModelError,) if earlier else ())):  # what was approved needs no model
            self._engine.know_model()
        turn = _Turn(question, thread, desk, history, run, earlier, self._room())
        return iterate(lambda: self._steps(turn), stop)

    async def _steps(self, turn: _Turn) -> AsyncIterator[Step]:
        for step in turn.earlier:
            if isinstance(step, Retrieved):
                turn.desk.passages.extend(step.passages)
                turn.desk.snapshot = max(turn.desk.snapshot, step.snapshot)
        told = list(turn.earlier)
        budget = Budget(self._settings, turn.earlier)
        longest = min(self._settings.result_characters, turn.room // _RESULTS)
        settings = self._settings.model_copy(update={"result_characters": longest})
        executor = Executor(turn.desk, budget, settings, self._approvals, turn.run)
        reader = Reader(turn.desk, turn.earlier)
        async with self._engine.transport() as http:
            with checkpoints(self._chats, turn.thread, anew=not turn.earlier) as saver:
                graph, watch = self._graph(http, saver, budget, executor, turn.room)
                stream = graph.astream(
                    self._input(saver, turn),
                    {"configurable": {"thread_id": turn.thread}, "recursion_limit": 1000},
                    stream_mode=["messages", "updates"],
                    durability="sync",
                )
                async with aclosing(self._timed(stream, reader, http)) as parts:
                    async for mode, part in parts:
                        if watch.limit is not None:
                            yield watch.limit
                            watch.limit = None
                        for step in reader.read(mode, part):
                            told.append(step)
                            yield step
        if not reader.asks:
            yield self._answered(reader, turn, budget, computed_in(told, turn.question))

    def _room(self) -> int:
        """Characters that messages may have beside the rules and the tools, cautiously estimated."""
        tools = sum(len(f"{t.description}{t.parameters}") for t in self._tools.values())
        room = LETTERS * self._engine.room() - len(agent_rules()) - tools
        return max(_LEAST_ROOM, min(self._settings.context_characters, room))

    def _graph(
        self, http: Any, saver: Any, budget: Budget, executor: Executor, room: int
    ) -> tuple[Any, Watch]:
        from langchain.agents import create_agent

        engine = self._engine
        middleware, watch = guard(
            budget,
            executor,
            self._tools,
            lambda messages: fitted(messages, room),
            (engine.url, engine.model),
        )
        graph = create_agent(
            engine.chat_model(http),
            [_langchain_tool(tool, executor) for tool in self._tools.values()],
            system_prompt=agent_rules(),
            middleware=[middleware],
            checkpointer=saver,
        )
        return graph, watch

    def _input(self, saver: Any, turn: _Turn) -> Any:
        """What the graph begins with: the messages, or nothing when it goes on."""
        if not turn.earlier:
            return {"messages": self._messages(turn.question, turn.history)}
        if saver.get_tuple({"configurable": {"thread_id": turn.thread}}) is None:
            raise Conflict("what this run had come to is no longer there; ask again")
        return None

    def _messages(self, question: str, history: Sequence[Message]) -> list[tuple[str, str]]:
        """Earlier turns without their ``[n]``, which named other passages, then the question."""
        llm = self._engine.settings
        recent = fit_history(history, llm.history_messages, llm.history_characters)
        turns = [(m.role, _CITATION.sub("", m.content)) for m in recent]
        return [*turns, ("user", question)]

    async def _timed(
        self, stream: Any, reader: Reader, http: Any
    ) -> AsyncGenerator[tuple[str, Any]]:
        """The parts of a stream, each within its deadline."""
        llm, loop = self._engine.settings, asyncio.get_running_loop()
        end = loop.time() + self._settings.total_s + self._settings.answer_s
        limits = {"model": llm.first_token_s, "text": llm.gap_s, "tool": self._settings.tool_s}
        async with aclosing(stream) as parts:
            while True:
                waiting = reader.waiting_for
                deadline = loop.time() + limits[waiting]
                try:
                    async with asyncio.timeout_at(min(deadline, end)) as patience:
                        if waiting == "model" and deadline < end:
                            http.overdue = patience.expired
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
                f"the agent did not come to an answer within"
                f" {self._settings.total_s + self._settings.answer_s:g} seconds;"
                " ask something narrower, or raise agent.total_s in the settings"
            )
        what = {"model": "its first word", "text": "its next word"}.get(waiting, "a tool's result")
        return ModelTimeout(
            f"{where} did not send {what} within {limit:g} seconds; check that it is not"
            " overloaded, or raise the deadlines under llm in the settings"
        )

    def _answered(
        self, reader: Reader, turn: _Turn, budget: Budget, computed: Computed
    ) -> Answered:
        desk, said = turn.desk, without_thoughts(reader.text)
        about = partial(
            Answer,
            engine="openai",
            model=self._engine.model,
            timings_ms=reader.timings_ms(),
            usage=budget.usage,
        )
        if is_refusal(unfenced(said)):
            nearest = tuple(desk.passages[:_NEAREST])
            return Answered(about(refusal(nearest), True, nearest=nearest))
        made = grounded(said, desk.passages, desk.library.text, computed=computed)
        return Answered(about(made.text, False, citations=made.citations, claims=made.claims))


def _langchain_tool(tool: Tool, executor: Executor) -> BaseTool:
    """Our tool as LangChain's; the guard carries its calls out, and should one come by another way, it
    cannot be named, so that nothing that needs approval is done.
    """
    from langchain_core.tools import StructuredTool

    def run(**arguments: Any) -> str:
        used = executor.use(tool, arguments, "")
        return used.text if isinstance(used, Used) else ""

    return StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.parameters,
        func=run,
    )
