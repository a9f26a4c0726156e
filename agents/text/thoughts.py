"""Takes out what a reasoning model thinks aloud, when its server leaves it in the text.

Between ``<think>`` and ``</think>`` (Qwen, DeepSeek and others), and from ``<|channel|>analysis`` or
``<|channel|>commentary`` to the message of the final channel (gpt-oss).
"""

from __future__ import annotations

__all__ = ["ThoughtFilter", "without_thoughts"]

_FINAL = "<|channel|>final<|message|>"
_TAGS = {  # what begins a thought, and what ends it
    "<think>": "</think>",
    "<|channel|>analysis": _FINAL,
    "<|channel|>commentary": _FINAL,
    _FINAL: "",  # nothing before it: the tag alone is left out
}


class ThoughtFilter:
    """Drops thoughts from a stream, also when a tag is split over several pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._close = ""  # what ends the thought it is in; empty outside of one

    def feed(self, piece: str) -> str:
        """The part of the text so far that can be shown now."""
        text, shown = self._held + piece, ""
        while text:
            tags = [self._close] if self._close else list(_TAGS)
            before, tag, after = _first(text, tags)
            if not tag:
                before, self._held = _hold(text, tags)
                return shown if self._close else shown + before
            shown += "" if self._close else before
            self._close, text = "" if self._close else _TAGS[tag], after
        self._held = ""
        return shown

    def rest(self) -> str:
        """What was held back as the possible start of a tag and turned out to be text."""
        return "" if self._close else self._held


def _first(text: str, tags: list[str]) -> tuple[str, str, str]:
    """``text`` around the first of ``tags`` in it; without one, the tag is empty."""
    found = [(text.find(tag), tag) for tag in tags if tag in text]
    if not found:
        return text, "", ""
    at, tag = min(found)
    return text[:at], tag, text[at + len(tag) :]


def _hold(text: str, tags: list[str]) -> tuple[str, str]:
    """``text`` cut before a tail that may be the beginning of one of ``tags``."""
    for size in range(min(max(map(len, tags)) - 1, len(text)), 0, -1):
        if any(tag.startswith(text[-size:]) for tag in tags):
            return text[:-size], text[-size:]
    return text, ""


def without_thoughts(text: str) -> str:
    """``text`` behind its last thought: some templates open the thought themselves."""
    for close in ("</think>", _FINAL):
        if close in text:
            text = text.rpartition(close)[2].lstrip()
    return text
