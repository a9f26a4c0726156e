"""Takes out what a reasoning model thinks aloud between ``<think>`` and ``</think>``."""

from __future__ import annotations

__all__ = ["ThoughtFilter", "without_thoughts"]

OPEN, CLOSE = "<think>", "</think>"


class ThoughtFilter:
    """Drops thoughts from a stream, also when a tag is split over several pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, piece: str) -> str:
        """The part of the text so far that can be shown now."""
        text, shown = self._held + piece, ""
        while text:
            tag = CLOSE if self._inside else OPEN
            before, found, after = text.partition(tag)
            if not found:
                before, after = _hold(text, tag)
            if not self._inside:
                shown += before
            if not found:
                self._held = after
                return shown
            self._inside, text = not self._inside, after
        self._held = ""
        return shown

    def rest(self) -> str:
        """What was held back as the possible start of a tag and turned out to be text."""
        return "" if self._inside else self._held


def _hold(text: str, tag: str) -> tuple[str, str]:
    """``text`` cut before a tail that may be the beginning of ``tag``."""
    for size in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-size:]):
            return text[:-size], text[-size:]
    return text, ""


def without_thoughts(text: str) -> str:
    """``text`` behind the last ``</think>``: some templates open the thought themselves."""
    return text.rpartition(CLOSE)[2].lstrip() if CLOSE in text else text
