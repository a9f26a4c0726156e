"""Whether a question asks for a number or a time, and whether a sentence has one.

Asked for "how many", a sentence without any number cannot answer. Cues of English. Knows nothing of
vectors.
"""

from __future__ import annotations

import re

from agents.text.words import MONTHS, content_words

__all__ = ["has_figure"]

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
_TIME_WORD = re.compile(
    rf"\b(?:{'|'.join(MONTHS)}"
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


def has_figure(question: str, text: str) -> bool:
    """Whether a number or a time is asked for, and ``text`` has one that was not in the question."""
    time = bool(_TIME_CUE.search(question))
    if not time and not _NUMBER_CUE.search(question):
        return False
    new = set(content_words(text)) - set(content_words(question))
    number = any(word[0].isdigit() for word in new) or bool(_NUMBER_WORD.search(text))
    return number or (time and bool(_TIME_WORD.search(text)))
