"""Fits a prompt into a model's window, by tokens: best passages first, history in what is left.

Whole passages rather than cut ones; only the very first is cut, if even it does not fit. What was
left out is known to the caller, because an answer may only cite what the model was shown. Knows
nothing of servers: it is told how to count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from agents.records.answers import Message
from corpus.records import Passage

__all__ = ["AROUND", "Count", "Fitted", "fit", "fit_history", "fit_passages", "reply_tokens"]

Count: TypeAlias = Callable[[str], int]
"""Tokens of a text."""

AROUND = 12
"""Tokens that a chat template and a fence put around each message or passage."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What goes into a prompt, best passages first, and the ``tokens`` it is believed to have."""

    passages: tuple[Passage, ...]
    history: tuple[Message, ...]
    tokens: int

    def whole(self, passages: Sequence[Passage], history: Sequence[Message]) -> bool:
        """Whether nothing of these was left out or cut."""
        return self.passages == tuple(passages) and self.history == tuple(history)


def reply_tokens(window: int, most: int) -> int:
    """How much of a window is kept free for the reply: ``most`` tokens, but never over half of it."""
    return max(1, min(most, window // 2))


def fit(
    passages: Sequence[Passage],
    history: Sequence[Message],
    room: int,
    count: Count,
    render: Callable[[Passage], str] = lambda passage: passage.text,
) -> Fitted:
    """The passages, best first, and then the newest messages that fit into ``room`` tokens.

    Args:
        passages: best first.
        history: oldest first.
        room: tokens that rules and question leave; the first passage is shown even if it is too small.
        count: counts tokens.
        render: a passage as the model sees it.
    """
    shown: list[Passage] = []
    used = 0
    for passage in passages:
        cost = count(render(passage)) + AROUND
        if used + cost > room:
            if not shown:
                shown.append(_cut_to(passage, room, cost))
                used = room
            break
        shown.append(passage)
        used += cost
    kept: list[Message] = []
    for message in reversed(history):
        cost = count(message.content) + AROUND
        if used + cost > room:
            break
        kept.append(message)
        used += cost
    return Fitted(tuple(shown), tuple(reversed(kept)), used)


def _cut_to(passage: Passage, room: int, cost: int) -> Passage:
    """The beginning of a passage that costs too much, by the share that fits."""
    keep = int(len(passage.text) * max(room, 0) / cost * 0.9)
    return replace(passage, text=passage.text[: max(keep, 1)])


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
    return passage if len(passage.text) <= room else replace(passage, text=passage.text[:room])


def fit_history(history: Sequence[Message], messages: int, characters: int) -> tuple[Message, ...]:
    """The last ``messages`` of a conversation that fit in ``characters``, oldest first.

    What is ``kept`` of it stands before them and counts to neither; whoever made it has bounded it.
    """
    known = [message for message in history if message.kept]
    history = [message for message in history if not message.kept]
    kept: list[Message] = []
    for message in reversed(history[-messages:] if messages else ()):
        characters -= len(message.content)
        if characters < 0:
            break
        kept.append(message)
    return (*known, *reversed(kept))
