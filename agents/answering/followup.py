"""A question of a conversation as words to search for that stand alone, without a language model or with one.

A question leans on the ones before it if it begins like a continuation ("And on Fridays?"), has a
pronoun that nothing in it explains, or names nothing of its own ("Why?"). It is then put behind the
last question that stood alone, so that its topic is kept over several turns, and behind the question
just before it. Rules of English; in other languages only what is very short leans. Of what a model
made of it, ``rewritten`` keeps the question and nothing else.

Knows nothing of documents, so what only they could tell it cannot: whether "the price" is that of the
thing before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.records.answers import Message
from agents.text.inert import inert
from agents.text.words import content_words, names, stem

__all__ = ["MOST_CHARACTERS", "leans", "rewritten", "standalone"]

MOST_CHARACTERS = (
    300  # of an earlier question: of a long text, its end, where the question mostly is
)
_LOOKED_BACK = 6  # questions
_FEW_WORDS = 3  # a question of fewer words with a meaning may lean on the one before
_EXPLAINED = 3  # words with a meaning before a pronoun, which may then mean one of them

_LEAD = re.compile(
    r"^\W*(?:and|but|so|also|then|or|plus|what about|how about|what if|otherwise|else)\b[\s,]*",
    re.IGNORECASE,
)
_BARE = re.compile(  # "Why?", "For how long?", "At which rate?"
    r"^\W*(?:why(?: not)?|how(?: come| so)?|who(?:m)?|what|when|where|which|since when|until when)\W*$"
    r"|^\W*(?:at|by|for|from|in|on|to|of|with|under|after|before|until|since|within|during)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|she|him|his|her|hers|both|either|neither)\b"
    r"|\b(?:this|these|those|that|one)\b(?=\W*$|\s+(?:is|are|was|were|be|on|in|at|for|of|from|to"
    r"|not|happen\w*|mean\w*|work\w*|cost\w*|take\w*|change\w*|help\w*|one)\b)"
    r"|\b(?:is|was|do|does|did|of|at|by|in|on|to|for|with|from|like|than|about) that\b"
    r"|(?<!is )(?<!are )(?<!was )(?<!were )\bthere\W*$",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:how(?: (?:many|much|long|fast|big|large|far|high|old|often|soon|come))?|when|who|whom"
    r"|whose|where|what|which|why)\b",
    re.IGNORECASE,
)
_ALONE = re.compile(r"^\W*(?:what (?:is|are|does|do)|what'?s|define|explain|describe)\b", re.I)
_DOES = re.compile(r"^\W*who\b", re.IGNORECASE)  # "Who buys cake?": who does what
_THE = re.compile(r"\b(?:the|our|my|your|a|an)\s+((?:[\w'’-]+[ ]?)+)", re.IGNORECASE)
_ASPECT_LIST = """
    reason cause price cost fee date deadline day time size number amount name result outcome
    difference advantage disadvantage limit maximum minimum average total sum rest other same first
    second third last next previous exception owner address default speed duration length height
    weight colour color age start end answer exact main usual rate discount version status unit
"""
_ASPECTS = frozenset(stem(word) for word in _ASPECT_LIST.split())  # each is of something
_LABEL = re.compile(
    r"^\W*(?:(?:here(?:'s| is) )?(?:the |your )?(?:(?:rewritten|standalone|stand-alone|last|new"
    r"|reformulated|self-contained) )*(?:question|query)\s*:)",
    re.IGNORECASE,
)
_ORDER = re.compile(  # how a question begins that ends with a full stop
    r"^\W*(?:please|explain|describe|list|tell|show|give|compare|summari[sz]e|find|name|define|write"
    r"|calculate|translate|state|draft|outline)\b",
    re.IGNORECASE,
)
_CITED = re.compile(r"\[\d{1,3}\]")
_WRAPPED = " \t*_`\"'“”„«»>#"  # what models put around a line
_GROWN = 300  # characters by which a question may grow
_TALK = re.compile(
    r"^\W*(?:thanks|thank you|thx|ok|okay|great|good|fine|perfect|nice|yes|no|hello|hi|bye)\b[^?]*$",
    re.IGNORECASE,
)


def standalone(question: str, history: Sequence[Message]) -> str:
    """``question``, behind the earlier questions that it leans on.

    Args:
        question: the last one of a conversation.
        history: what was said before it, the oldest first.
    """
    said = [m.content.strip() for m in history if m.role == "user"]
    asked = [turn for turn in said if turn and not _TALK.match(turn)][-_LOOKED_BACK:]
    if not asked or not leans(question):
        return question
    topic = next((turn for turn in reversed(asked) if not leans(turn)), asked[0])
    before = [topic] if topic == asked[-1] else [topic, asked[-1]]
    own = bool(_ASKS.search(question))  # it says what kind of answer it wants: the topic's is over
    parts = [_ending(_ASKS.sub("", turn) if own else turn) for turn in before]
    return " ".join([*filter(None, parts), question])


def rewritten(reply: str, question: str) -> str:
    """The question in a model's reply; empty if there is none, or none that could be meant.

    Args:
        reply: what the model wrote when it was asked for a question that stands alone.
        question: what was to be rewritten.
    """
    lines = [_LABEL.sub("", line).strip(_WRAPPED) for line in inert(reply).split("\n")]
    lines = [" ".join(line.split()) for line in lines if line and not line.endswith(":")]
    line = next((line for line in lines if line.endswith("?")), lines[0] if lines else "")
    too_long = len(line) > 2 * len(question) + _GROWN
    return "" if too_long or _answers(line) else line


def _answers(line: str) -> bool:
    """Whether a line states something, where a question was asked for."""
    return bool(_CITED.search(line)) or (
        line.endswith((".", "!")) and "?" not in line and not _ORDER.match(line)
    )


def leans(question: str) -> bool:
    """Whether ``question`` cannot be understood without the one before it."""
    if _LEAD.match(question):
        return True
    pronoun = _PRONOUN.search(question)
    if pronoun and len(content_words(question[: pronoun.start()])) < _EXPLAINED:
        return True
    words = content_words(question)
    return len(words) < _FEW_WORDS and not _names_something(question, words)


def _names_something(question: str, words: Sequence[str]) -> bool:
    """Whether a short question says itself what it is about."""
    if not words or _BARE.match(question):
        return False
    if names(question) or (_ALONE.match(question) and not set(words) <= _ASPECTS):
        return True
    if _DOES.match(question) and len(words) > 1:
        return True
    return any(not set(content_words(thing)) <= _ASPECTS for thing in _THE.findall(question))


def _ending(turn: str) -> str:
    """The end of an earlier question, at most ``MOST_CHARACTERS``, on one line."""
    line = " ".join(turn.split())
    if len(line) <= MOST_CHARACTERS:
        return line
    return line[-MOST_CHARACTERS:].partition(" ")[2] or line[-MOST_CHARACTERS:]
