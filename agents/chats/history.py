"""What is put before a question: what is remembered of the person, what was said earlier, and the last turns.

All of it is bounded, and what is no turn is fenced as data. Memories are recalled for the agent alone; an answer from
the documents is made from the documents. The engine that quotes leans on the turn before a question, and is given the
last turns only.
"""

from __future__ import annotations

from agents.records.answers import Message
from agents.running.asked import Asked
from agents.settings import LLMSettings
from agents.store.memories import as_data
from agents.store.memory import Chats
from agents.store.summaries import as_turn

__all__ = ["earlier_turns"]

_RECALLED = 5  # memories


def earlier_turns(chats: Chats, asked: Asked, llm: LLMSettings, engine: str) -> tuple[Message, ...]:
    """The turns that ``engine`` is shown before what was ``asked``."""
    turns = chats.history(asked.thread, llm.history_messages, llm.history_characters)
    if engine == "extractive":
        return turns
    before = as_turn(chats.summary(asked.thread))
    if asked.mode == "agent":
        known = as_data(chats.memories.recall(asked.person.name, asked.question, _RECALLED))
        if known:
            said = Message("assistant", "I have that in mind.", True)
            before = (Message("user", known, True), said, *before)
    return (*before, *turns)
