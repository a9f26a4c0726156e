"""Recognises that a model refuses: by the sentence it was told to use, or in words of its own.

Only a text that does nothing else counts. An answer that says what the documents lack beside what
they have is an answer. Knows nothing of scores or of how Alcove words a refusal of its own.
"""

from __future__ import annotations

import re

from agents.prompts import REFUSAL
from ingest.chunking.sentences import sentence_spans

__all__ = ["is_refusal"]

_LONGEST = 500  # characters; a refusal is short
_MARKS = re.compile(
    r"\s*[\[【［(]\s*(?:passages?\s*|sources?\s*)?\^?\d[\d\s,–-]*[^\]】］)\n]{0,20}[\]】］)]", re.I
)
_FORMAT = re.compile(r"[*_`#>\"“”]+")
_THEM = (
    r"(?:the |these |your |any of the |my )?(?:provided |given |available |supplied |retrieved |above )?"
    r"(?:documents?|passages?|sources?|context|texts?|excerpts?|files?|materials?|information|snippets?"
    r"|search results)(?: (?:provided|given|available|above|you (?:gave|provided)|i (?:have|was given)))?"
)
_VERB = (
    r"(?:mention|contain|say|state|provide|specify|include|answer|address|cover|discuss|give|describe"
    r"|indicate|offer|hold|have|reveal|tell)"
)
_NOT = r"(?:do not|does not|don['’]t|doesn['’]t|did not|didn['’]t)"
_NO = r"(?:has|have|contains?|provides?|gives?|includes?|offers?) no"
_HEDGE = r"(?:explicitly |directly |actually |seem to |appear to )?"
_FIND = r"(?:find|answer|determine|locate|say|tell)\b"
_SORRY = rf"(?:(?:i['’]?m|i am) (?:sorry|afraid)|sorry|unfortunately|regrettably|based on {_THEM})"
_REFUSES = re.compile(
    rf"^(?:{_SORRY}[,.]?\s*(?:but\s+|that\s+)?)*(?:"
    rf"{_THEM} (?:{_NOT} {_HEDGE}{_VERB}|{_NO})\b"
    rf"|none of {_THEM} {_VERB}s?\b"
    rf"|(?:i|we) (?:could|can|was|were|am|are)(?: ?not|n['’]t) (?:able to )?{_FIND}"
    rf"|(?:i|we) (?:cannot|(?:am|was|are|were) unable to) {_FIND}"
    rf"|(?:i|we) {_NOT} (?:know|have (?:enough |any |the )?(?:information|context))\b"
    r"|there (?:is|was) (?:no|not enough|insufficient) (?:information|mention|answer|data|evidence)\b"
    r"|(?:no|not enough|insufficient) (?:information|answer|mention)\b"
    r"|(?:the answer|that|this|it)(?: information| question)? (?:is|can|could)(?: ?not|n['’]t) (?:be )?"
    r"(?:found|mentioned|answered|given|stated|provided|contained|available|covered|specified|in)\b"
    r")",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"^(?:please|if you|you (?:may|might|could|can)|try|let me know|sorry|i['’]m sorry|i am sorry"
    r"|unfortunately|no|hello|hi)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"(?:[,;:–—-]\s*|\s)(?:but|however|although|though|yet|only|except|instead|while|whereas)\b"
    r"|;|\buntil\b|\bunless\b|\bother than\b",
    re.IGNORECASE,
)
_TRANSLATED = (
    "die dokumente beantworten diese frage nicht",
    "les documents ne répondent pas à cette question",
    "los documentos no responden a esta pregunta",
    "los documentos no responden esta pregunta",
    "i documenti non rispondono a questa domanda",
    "os documentos não respondem a esta pergunta",
    "de documenten beantwoorden deze vraag niet",
)


def is_refusal(text: str) -> bool:
    """Whether a model's whole answer is that it finds none."""
    said = " ".join(_FORMAT.sub("", _MARKS.sub("", text)).split())
    plain = said.lower().strip("'.! ")
    for wanted in (REFUSAL.lower().strip("."), *_TRANSLATED):
        if wanted in plain and len(plain) <= 2 * len(wanted):
            return True
    if len(said) > _LONGEST:
        return False
    sentences = [said[span.start : span.end] for span in sentence_spans(said)]
    refusing = [_refuses(sentence) for sentence in sentences]
    rest = [s for s, refuses in zip(sentences, refusing, strict=True) if not refuses]
    return any(refusing) and all(_BESIDE.match(sentence) for sentence in rest)


def _refuses(sentence: str) -> bool:
    found = _REFUSES.match(sentence)
    return found is not None and not _GOES_ON.search(sentence, found.end())
