"""Turns passages and history into the messages that a language model is sent.

The texts are the Markdown files beside this module. Passages are numbered and fenced as data
(``agents.fences``), anew for each prompt; earlier turns, which may quote them, carry no control
words of chat templates. Knows nothing of any server.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from agents.answers import Message
from agents.fences import Fence, defused
from corpus.records import Passage

__all__ = [
    "REFUSAL",
    "answer_messages",
    "condense_messages",
    "fit_history",
    "fit_passages",
    "rephrase_messages",
]

REFUSAL = "The documents do not answer this question."

Role = tuple[str, str]  # (role, content), as every chat client takes it


@cache
def _prompt(name: str) -> str:
    return (Path(__file__).parent / f"{name}.md").read_text(encoding="utf-8")


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
    """The messages that ask for a self-contained question."""
    said = "\n".join(f"{m.role}: {defused(m.content)}" for m in history)
    ask = f"Conversation:\n{said}\n\nLast question: {question}"
    return [("system", _prompt("condense")), ("user", ask)]


def rephrase_messages(question: str, count: int) -> list[Role]:
    """The messages that ask for ``count`` other phrasings of a question."""
    return [("system", _prompt("rephrase").format(count=count)), ("user", question)]


def fit_passages(passages: Iterable[Passage], characters: int) -> tuple[Passage, ...]:
    """The first passages, which are the best, that fit in ``characters``; the first one always.

    A passage that is longer than the whole budget is cut, so its text may end before its span.
    """
    fitted: list[Passage] = []
    for passage in passages:
        room = characters - sum(len(p.text) for p in fitted)
        if fitted and len(passage.text) > room:
            break
        fitted.append(_cut(passage, room))
    return tuple(fitted)


def _cut(passage: Passage, room: int) -> Passage:
    if len(passage.text) <= room:
        return passage
    from dataclasses import replace

    return replace(passage, text=passage.text[:room])


def fit_history(history: Sequence[Message], messages: int, characters: int) -> tuple[Message, ...]:
    """The last ``messages`` of a conversation that fit in ``characters``, oldest first."""
    kept: list[Message] = []
    for message in reversed(history[-messages:] if messages else ()):
        characters -= len(message.content)
        if characters < 0:
            break
        kept.append(message)
    return tuple(reversed(kept))
