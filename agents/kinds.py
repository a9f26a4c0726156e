"""What kind of answer a question asks for, and whether a sentence has one.

Asked for "how many", a sentence without any number cannot answer. Cues of English; a question
without one asks for anything. Knows nothing of vectors.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agents.words import content_words, names

__all__ = ["has_answer", "has_figure", "kind_of"]

_NUMBER_CUE = re.compile(
    r"\bhow (?:many|much|long|fast|big|large|far|high|heavy|old|often|wide|deep|tall|loud|hot)\b"
    r"|\b(?:number|percentage|per ?cent|price|cost|size|speed|rate|amount|total|duration|score"
    r"|length|height|weight|temperature|budget)\b",
    re.IGNORECASE,
)
_TIME_CUE = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:time|date|day|year|month|week|century|decade)\b|\bsince when\b"
    r"|\bdate of\b|\bhow soon\b|\buntil when\b",
    re.IGNORECASE,
)
_NAME_CUE = re.compile(r"\b(?:who|whom|whose|where|which (?:city|country|company|person))\b", re.I)
_TIME_WORD = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|century|today|tomorrow|yesterday"
    r"|noon|midnight|morning|evening|daily|weekly|monthly|yearly|annually)s?\b",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundreds?|thousands?|millions?|billions?|half|third|quarter|twice|double|dozens?|none)\b",
    re.IGNORECASE,
)


def kind_of(question: str) -> str:
    """``number``, ``time``, ``name`` or, without a cue, ``any``."""
    if _TIME_CUE.search(question):
        return "time"
    if _NUMBER_CUE.search(question):
        return "number"
    return "name" if _NAME_CUE.search(question) else "any"


def has_answer(question: str, text: str) -> bool:
    """Whether ``text`` has what the kind of ``question`` asks for, beyond what was in it already."""
    return _HAS[kind_of(question)](question, text)


def has_figure(question: str, text: str) -> bool:
    """Whether a number or a time is asked for, and ``text`` has one."""
    return kind_of(question) in ("number", "time") and has_answer(question, text)


def _has_number(question: str, text: str) -> bool:
    new = set(content_words(text)) - set(content_words(question))
    return any(word[0].isdigit() for word in new) or bool(_NUMBER_WORD.search(text))


def _has_time(question: str, text: str) -> bool:
    return _has_number(question, text) or bool(_TIME_WORD.search(text))


def _has_name(question: str, text: str) -> bool:
    return bool(names(text) - set(content_words(question)))


_HAS: dict[str, Callable[[str, str], bool]] = {
    "any": lambda question, text: True,
    "name": _has_name,
    "number": _has_number,
    "time": _has_time,
}
