"""Turns what was asked in a thread into steps: a command's, the agent's, an answer's or a search's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agents.acting.commands import is_command, run_command
from agents.chats.history import earlier_turns
from agents.people.scope import answerer_of, desk_for
from agents.records.steps import Step
from corpus.errors import ModelUnavailable

if TYPE_CHECKING:
    from agents.acting.loop import Agent
    from agents.build import App
    from agents.running.asked import Asked

__all__ = ["steps_for"]


def steps_for(app: App, asked: Asked, stop: threading.Event) -> Iterator[Step]:
    """The steps, which stop soon after ``stop`` is set.

    Raises:
        AlcoveError: what stands in the way of an answer; that of a model's server is a step.
    """
    from agents.answering.lookup import looked_up

    core, settings = app.core(), app.settings
    desk = desk_for(asked, core.searcher, app.catalog, app.chats)
    if is_command(asked.question):
        yield from run_command(asked.question, desk, app.chats.audit)
        return
    if asked.mode == "search":
        about = (desk.finder, desk.library.text, settings.answer, asked.collection, stop)
        yield from looked_up(asked.question, *about)
        return
    history = earlier_turns(app.chats, asked, settings.llm, core.engine.name)
    if asked.mode == "agent":
        about_run = (history, stop, asked.run, asked.earlier)
        yield from _agent(core.agent).steps(asked.question, asked.thread, desk, *about_run)
    else:
        answerer = answerer_of(asked, core.answerer, core.searcher, app.catalog)
        yield from answerer.steps(asked.question, history, asked.collection, stop)


def _agent(agent: Agent | None) -> Agent:
    if agent is None:
        raise ModelUnavailable(
            "the agent needs a language model that can call tools, and there is none; start one"
            " or set llm.url, or use answer mode, /search or /read"
        )
    return agent
