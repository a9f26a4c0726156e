"""Runs of the agent in processes that are killed around an approval: at a named point, or after some seconds.

Run as a program it imports everything once and then, for each request it reads as a line of JSON, forks a child that
is the service for a while, so that a kill costs milliseconds. Only processes started here are killed.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from agents.models.chat_model import make_chat_model
from agents.settings import LLMSettings
from corpus.crash import CallPoint, arm
from corpus.identity import OWNER
from tests.agents.office import Office
from tests.killed import Forker, killed_after, was_killed

__all__ = ["Service"]

_IMPORTED = (  # some of them load their parts when these are asked for
    "langchain.agents:create_agent",
    "langchain.agents.middleware:AgentMiddleware",
    "langchain_core.tools:StructuredTool",
    "langgraph.checkpoint.sqlite:SqliteSaver",
    "langsmith:tracing_context",
    "openai.lib.streaming",
    "openai.resources.chat",
    "openai.types.responses",
)


class Service(Forker):
    """Plays a service in children; ``with Service() as service: service.live("ask", home, url)``."""

    module = "tests.agents.killed"

    def live(
        self,
        task: str,
        home: Path,
        url: str,
        *,
        repeatable: bool,
        point: CallPoint | None = None,
        seconds: float | None = None,
    ) -> bool:
        """Be the service until every run has ended or waits; whether it was killed meanwhile.

        Args:
            task: ``ask`` a question first, ``decide`` (approve) what waits, or ``watch``.
            home, url, repeatable: as for ``Office``.
            point: where to die.
            seconds: when to die.
        """
        request = {"task": task, "home": str(home), "url": url, "repeatable": repeatable}
        request |= {"point": point, "seconds": seconds}
        return bool(self.request(request)["killed"])


def _serve() -> None:
    _import_all()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(request)
        with killed_after(child, request["seconds"]):
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        print(json.dumps({"killed": was_killed(child, "service")}), flush=True)


def _import_all() -> None:
    """What a child would otherwise import each time, for seconds."""
    for name in _IMPORTED:
        module, _, attribute = name.partition(":")
        getattr(importlib.import_module(module), attribute or "__name__")
    make_chat_model(LLMSettings(), "http://127.0.0.1:1/v1", "none")


def _child(request: dict[str, Any]) -> None:
    """Never returns."""
    status = 1
    try:
        if request["point"]:
            arm(CallPoint(request["point"]))
        _do(request)
        status = 0
    finally:
        os._exit(status)


def _do(request: dict[str, Any]) -> None:
    office = Office(Path(request["home"]), request["url"], repeatable=request["repeatable"]).start()
    if request["task"] == "ask":
        office.ask()
    if request["task"] == "decide":
        for approval in office.approvals.of_person("", "asked"):
            office.decisions.decide(OWNER, approval.id, "approve")
    while office.runs.active:
        time.sleep(0.005)


if __name__ == "__main__":
    _serve()
