"""Runs of the real agent over a scripted model server, with a tool whose effects can be counted on disk."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agents.acting.loop import Agent
from agents.models.openai_engine import OpenAIEngine
from agents.records.record_json import Json
from agents.records.steps import Step
from agents.running.asked import Asked
from agents.running.decisions import Decisions
from agents.running.runs import Runs
from agents.settings import AgentSettings, LLMSettings
from agents.store.approvals import Approvals
from agents.store.memory import Chats
from agents.tools import TOOLS, Desk, Label, Tool
from agents.tools.tool import Arguments
from corpus.errors import UserError
from corpus.home import Home
from corpus.identity import OWNER, Person
from tests.agents.shelf import Shelf

__all__ = ["Office", "WriteArguments", "effects", "writing_tool"]


class WriteArguments(Arguments):
    """What to write."""

    text: str
    times: int = 1


def writing_tool(file: Path, *, repeatable: bool = False) -> Tool:
    """A tool that appends a line with its key and text to ``file``, durably.

    A repeatable one leaves a line that is there alone, as a tool whose effect is idempotent by key does.
    """

    def write(arguments: WriteArguments, desk: Desk) -> str:
        if arguments.text == "refuse":
            raise UserError("the pen is empty")
        line = f"{desk.key} {arguments.text}"
        if repeatable and line in effects(file):
            return "It was written before."
        with file.open("a") as opened:
            opened.write(line + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        return f"Wrote {arguments.text!r}."

    labels = frozenset({Label.WRITES})
    return Tool("write_line", "Writes a line.", WriteArguments, write, labels, repeatable)


def effects(file: Path) -> list[str]:
    """The lines that were written."""
    return file.read_text().splitlines() if file.exists() else []


class Office:
    """One service's worth of chats, runs, decisions and agent over ``home``; ``close`` it.

    Args:
        home: a folder; another office over the same one is the service after a restart.
        url: of the model's server.
        repeatable: whether the writing tool is.
    """

    def __init__(
        self,
        home: Path,
        url: str,
        *,
        repeatable: bool = False,
        budget: AgentSettings | None = None,
        model: str = "fake-model",
    ) -> None:
        self.home, self.shelf, self.file = Home(home), Shelf(), home / "effects"
        self.chats = Chats(self.home)
        self.approvals: Approvals = self.chats.approvals
        tools = {**TOOLS, "write_line": writing_tool(self.file, repeatable=repeatable)}
        self.tools: Mapping[str, Tool] = tools
        settings = LLMSettings(connect_s=2.0, first_token_s=20.0, gap_s=20.0)
        engine = OpenAIEngine(settings, url, model)
        self.agent = Agent(
            engine, self.home.chats, budget or AgentSettings(), tools, self.chats.approvals
        )
        self.runs = Runs(
            *(self.chats.log, self.respond, self.shelf.text, self.chats.approvals), workers=2
        )
        self.decisions = Decisions(self.chats.approvals, self.runs, lambda: self.tools)

    def start(self) -> Office:
        """What a service does first."""
        self.chats.log.close_interrupted(self.shelf.text)
        self.decisions.expire()
        self.runs.take_up()
        return self

    def respond(self, asked: Asked, stop: threading.Event) -> Iterator[Step]:
        """The agent's steps."""
        desk = Desk(self.shelf, self.shelf, asked.collection, person=asked.person)
        return self.agent.steps(
            asked.question, asked.thread, desk, (), stop, asked.run, asked.earlier
        )

    def ask(self, question: str = "Write it down.", person: Person = OWNER) -> Json:
        """Start a run in a thread of its own."""
        thread = self.chats.create_thread()["id"]
        with self.chats._tables.transaction() as db:
            db.execute("UPDATE threads SET owner = ? WHERE id = ?", (person.name, thread))
        return self.runs.start(Asked(thread, question, "agent", person=person))

    def state(self, ids: Json) -> str:
        """The run's."""
        return str(self.runs.status(ids["run"])["state"])

    def until(self, ids: Json, state: str, seconds: float = 20.0) -> None:
        """Wait for the run to come to ``state``."""
        self.wait(lambda: self.state(ids) == state, lambda: f"it is {self.state(ids)}", seconds)

    def asked(self, ids: Json, count: int = 1) -> list[Json]:
        """The approvals the run waits for, once there are ``count``."""
        self.until(ids, "waiting")
        found = [a.to_json() for a in self.approvals.of_run(ids["run"]) if a.state == "asked"]
        assert len(found) == count
        return found

    def events(self, ids: Json) -> list[Json]:
        """All events, once the run has ended."""
        return list(self.runs.events(ids["run"]))

    def message(self, ids: Json) -> Json:
        """What the run left in its thread."""
        messages = self.chats.thread(ids["thread"])["messages"]
        return next(m for m in messages if m["id"] == ids["message"])

    def close(self) -> None:
        """Stop cleanly."""
        self.decisions.close()
        self.runs.close()
        self.chats.close()

    @staticmethod
    def wait(
        condition: Callable[[], object], say: Callable[[], str] = str, seconds: float = 20.0
    ) -> None:
        """Look until ``condition`` holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it never came true: {say()}"
            time.sleep(0.005)

    def with_tool(self, name: str, **changes: Any) -> None:
        """Change a tool of the agent's."""
        self.tools = {**self.tools, name: replace(self.tools[name], **changes)}
        self.agent._tools = {**self.agent._tools, **self.tools}
