"""Fences passages as data, so that a model can tell at any point what was written by others.

Delimiting and datamarking ("spotlighting": Hines et al., Defending Against Indirect Prompt Injection
Attacks With Spotlighting, 2024). A fence names a random word that its text does not contain, and
every line of the text begins with a short mark, long lines also in between; so nothing in a passage
can close its fence, open another, or stand on a line of its own that looks like ours. The words that
servers' chat templates mark roles with lose their form, and what cannot be seen is left out
(``agents.text.inert``). Only what the model is shown is changed: stored texts and quotes are not.

``prompts/*.md`` explain the marks to the model. Knows nothing of engines or tools.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

from agents.text.inert import inert, one_line
from corpus.records import Passage

__all__ = ["Fence", "defused", "unfenced"]

_LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels: it spells nothing
_TAG = 6  # characters: one word of 47 million, and not one that the text contains
_MARK = 2  # of them are the mark at the start of lines
_LINE = 240  # characters after which a long line is marked again
_NAME = 120  # characters of a title or file name
_GOES_ON, _BEGINS = "+", "|"

_WORDS = (
    r"s|bos|eos|pad|unk|mask|sep|cls|sop|eop|think|thinking|role|tools?|tool_\w{1,30}|parameter"
    r"|function\w{0,30}|\w{1,30}_of_\w{1,30}|\w{1,30}_token|extra_id_\d+|unused\d+|special_\d+"
    r"|reserved_?\w{0,30}\d|seed:\w{1,30}|mask:\d+|beginning of sentence|end of sentence"
)
_CAPITALS = (
    "INST|SYS|SYSTEM_PROMPT|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|AVAILABLE_TOOLS|CALL_ID|ARGS|IMG"
    "|IMG_BREAK|IMG_END|THINK|PREFIX|MIDDLE|SUFFIX|MODEL_SETTINGS|BOS|EOS|PAD|UNK|MASK|CLS|SEP|gMASK"
)
# <|im_start|>, <｜User｜>, [|user|], <|turn>; <s>, </s>, <start_of_turn>, <think>; [INST], <<SYS>>;
# ]~b] and [e~[ of MiniMax.
_TEMPLATE = re.compile(
    r"[<＜\[]/?[|｜][\w▁.:/@~-]{1,60}[|｜]?[>＞\]]|[<＜][\w▁.:/@~-]{1,60}[|｜][>＞]"
    rf"|[<＜]/?(?:{_WORDS})(?:=[^<>\n]{{0,60}})?[>＞]"
    rf"|\[/?(?:{_CAPITALS})\]|<</?SYS>>"
    r"|\]~!?b[\[\]]|\[e~\[",
    re.IGNORECASE,
)


def defused(text: str) -> str:
    """``text`` in which no chat template's control word is left; ``<|im_end|>`` is ``< |im_end| >``."""
    return _TEMPLATE.sub(_apart, text)


_FENCE_LINE = re.compile(
    rf"^[ \t]*(?:<<<[^\n<>]{{1,40}} [{_LETTERS}]{{{_TAG}}}\b[^\n]*(?:\n[{_LETTERS}]{{{_MARK}}}\|From: [^\n]*)?"
    rf"|end of [^\n<>]{{1,40}} [{_LETTERS}]{{{_TAG}}}>>>[ \t]*)(?:\n|\Z)",
    re.MULTILINE,
)
_MARKED = re.compile(rf"^[ \t>*-]*([{_LETTERS}]{{{_MARK}}})[|+]", re.MULTILINE)
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*\|[-:| \t]*$", re.MULTILINE)


def unfenced(text: str) -> str:
    """A model's answer without the fences and marks that weak models copy into it with the words.

    Marks are known by their shape: one pair of letters before ``|`` or ``+`` at the beginning of lines. Where
    lines begin with several such pairs, or the text has a table, it is the text's own.
    """
    bare = _FENCE_LINE.sub("", text)
    marks = set(_MARKED.findall(bare))
    if len(marks) != 1 or _TABLE_RULE.search(bare):
        return bare
    (mark,) = marks
    bare = re.sub(rf"(?m)^([ \t>*-]*){mark}[|+]", r"\1", bare)
    return re.sub(rf"(?<=\s){mark}[|+](?=\S)", "", bare)  # of lines that the model has joined


def _apart(found: re.Match[str]) -> str:
    return f"{found[0][0]} {found[0][1:-1]} {found[0][-1]}"


class Fence:
    """Fences the passages of one prompt, or of one run's tools, all with the same word."""

    def __init__(self) -> None:
        self._tag = _new_tag()

    def passage(self, passage: Passage, reference: str = "") -> str:
        """One passage by its number, its file's name as data too.

        Args:
            passage: what the model is to read.
            reference: a few words of ours for the fence's first line, such as the document's id.
        """
        where = one_line(passage.document.title or passage.document.source, _NAME)
        page = f", page {passage.page}" if passage.page else ""
        return self.data(f"passage {passage.number}", passage.text, f"{where}{page}", reference)

    def data(self, what: str, text: str, name: str = "", reference: str = "") -> str:
        """A text that others wrote, between lines that say ``what`` it is.

        Args:
            what: words of ours, e.g. ``passage 3`` or ``result``.
            text: theirs.
            name: where it comes from; theirs too, so it stands inside.
            reference: more words of ours for the first line.
        """
        body = [defused(f"From: {one_line(name, _NAME + 20)}")] if name else []
        body += defused(inert(text)).strip("\n").split("\n")
        tag = self._tag
        while any(tag in line for line in body):
            tag = _new_tag()
        head = " ".join(filter(None, [what, tag, reference]))
        lines = "\n".join(marked for line in body for marked in _marked(line, tag[:_MARK]))
        return f"<<<{head}\n{lines}\nend of {what} {tag}>>>"


def _new_tag() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_TAG))


def _marked(line: str, mark: str) -> Iterator[str]:
    """A line in pieces that begin with the mark; pieces after the first say that it goes on."""
    sign = _BEGINS
    while True:
        at = len(line) if len(line) <= _LINE else _break(line)
        yield f"{mark}{sign}{line[:at]}".rstrip()
        line, sign = line[at:].lstrip(), _GOES_ON
        if not line:
            return


def _break(line: str) -> int:
    """Where a long line is broken: at the last white space, else in the word."""
    at = line.rfind(" ", 1, _LINE)
    return at if at > _LINE // 2 else _LINE
