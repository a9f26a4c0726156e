"""Turns passages and history into the messages that a language model is sent.

The texts are the Markdown files beside this module. Passages are numbered and fenced as data
(``agents.text.fences``), anew for each prompt; earlier turns, which may quote them, carry no control
words of chat templates. Knows nothing of any server.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from agents.records.answers import Message
from agents.text.fences import Fence, defused
from corpus.records import Passage

__all__ = [
    "REFUSAL",
    "agent_rules",
    "answer_messages",
    "condense_messages",
    "rephrase_messages",
    "summarise_messages",
]

REFUSAL = "The documents do not answer this question."

Role = tuple[str, str]  # (role, content), as every chat client takes it


@cache
def _prompt(name: str) -> str:
    return (Path(__file__).parent / f"{name}.md").read_text(encoding="utf-8")


def agent_rules() -> str:
    """What the agent is told before anything else."""
    return _prompt("agent").format(refusal=REFUSAL)


def answer_messages(
    question: str, passages: Sequence[Passage], history: Sequence[Message] = ()
) -> list[Role]:
    """The messages that ask for a grounded answer; the caller has fitted passages and history."""
    fence = Fence()
    fenced = "\n\n".join(fence.passage(p) for p in passages)
    return [
        ("system", _prompt("answer").format(refusal=REFUSAL)),
        *((m.role, defused(m.content)) for m in history),
        ("user", f"Passages:\n\n{fenced}\n\nQuestion: {question}"),
    ]


def condense_messages(question: str, history: Sequence[Message]) -> list[Role]:
    """The messages that ask for a self-contained question; a turn is one line, so that it holds no other."""
    said = "\n".join(f"{m.role}: {' '.join(defused(m.content).split())}" for m in history)
    ask = f"Conversation:\n{said}\n\nLast question: {question}"
    return [("system", _prompt("condense")), ("user", ask)]


def rephrase_messages(question: str, count: int) -> list[Role]:
    """The messages that ask for ``count`` other phrasings of a question."""
    return [("system", _prompt("rephrase").format(count=count)), ("user", question)]


def summarise_messages(told: str, turns: Sequence[str], lines: int, characters: int) -> list[Role]:
    """The messages that ask for a summary of a conversation.

    Args:
        told: the summary so far.
        turns: what was said since, oldest first.
        lines: the most it may have.
        characters: the same.
    """
    fence = Fence()
    parts = [fence.data("summary so far", told)] if told else []
    parts += [fence.data(f"turn {number}", turn) for number, turn in enumerate(turns, 1)]
    rules = _prompt("summarise").format(lines=lines, characters=characters)
    return [("system", rules), ("user", "\n\n".join(parts))]
