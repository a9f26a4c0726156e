"""Takes out of a text what cannot be seen but acts: on a terminal, on the order of words, on a model.

Escape sequences of terminals, control and format characters, text hidden in Unicode's tags or in
variation selectors, blank letters. What a reader sees stays, in every script. Used for what a model
reads (``agents.text.fences``), what a terminal prints, and what a page or an export shows; what is
stored and quoted is never changed.

Knows nothing of Markdown or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["InertStream", "inert", "inert_values", "one_line", "whole"]

# ECMA-48: control sequences; strings (OSC, DCS, SOS, PM, APC) where their terminator follows;
# other escapes. Where none follows, and of the one-character forms, which broken encodings of
# ordinary text are full of, only the character that begins them is taken out.
_ESCAPES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]?"
    "|\x1b[\\]PX^_][^\x07\x1b\x9c\n]{0,2000}(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]?"
)
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Joiners do something visible between letters of Arabic and Indic scripts, and only there.
_JOINERS = re.compile("(?<![\u0600-\u08ff\u0900-\u109f])[\u200c\u200d]")
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls but tab and line feed
    "\u00ad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags and variation selectors: whole sentences hide in them
    "]"
)
# What may go on in the next piece of a stream: an escape sequence, a line end, nothing else.
_OPEN = re.compile(
    "(?:\x1b(?:\\[[0-?]*[ -/]*|[\\]PX^_][^\x07\x1b\x9c\n]{0,2000}\x1b?|[ -/]*)?|\r)\\Z"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def inert(text: str) -> str:
    """``text`` without characters that are not seen; all line ends become line feeds."""
    text = _ESCAPES.sub("", _LINE_ENDS.sub("\n", text))
    return whole(_JOINERS.sub("", _UNSEEN.sub("", text)))


def whole(text: str) -> str:
    """``text`` with U+FFFD for half characters (lone surrogates), which no file or reply can hold."""
    return _SURROGATES.sub("\ufffd", text)


def inert_values(value: Any) -> Any:
    """JSON values, all their texts and keys as ``inert`` leaves them."""
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Mapping):
        return {inert(str(key)): inert_values(item) for key, item in value.items()}
    return [inert_values(item) for item in value] if isinstance(value, list | tuple) else value


class InertStream:
    """``inert`` for a text that comes in pieces: what is cut by their ends is held back."""

    def __init__(self) -> None:
        self._held = ""
        self._before = ""  # the last letter given, with its joiner: the next joiner depends on it

    def feed(self, piece: str) -> str:
        """The part of the text so far that can be shown now."""
        text = self._held + piece
        found = _OPEN.search(text)
        at = found.start() if found else len(text)
        self._held = text[at:]
        return self._given(text[:at])

    def rest(self) -> str:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        return self._given(held)

    def _given(self, text: str) -> str:
        all_of_it = inert(self._before + text)
        shown = all_of_it[len(self._before) :]
        self._before = (
            all_of_it[-2:] if all_of_it.endswith(("\u200c", "\u200d")) else all_of_it[-1:]
        )
        return shown


def one_line(text: str, most: int) -> str:
    """``text`` as ``inert`` leaves it, on one line of at most ``most`` characters."""
    line = " ".join(inert(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
