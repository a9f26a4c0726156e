"""Tool calls that a model wrote into its text, because its server did not recognise them.

Hermes and Qwen write ``<tool_call>{"name": …, "arguments": {…}}</tool_call>``, Llama the bare JSON
object with ``parameters``, others put it into a code block. A call counts only if the tool exists;
anything else stays text. Knows nothing of LangChain or of any server.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

__all__ = ["Call", "TextCalls", "json_values"]

Call: TypeAlias = tuple[str, str]
"""The tool's name, and its arguments as JSON."""

_TAG, _END = "<tool_call>", "</tool_call>"
_THOUGHT = "</think>"
_MAY_BE_JSON = ("{", "[", "`")


def json_values(text: str) -> Iterator[Any]:
    """Every complete JSON object or array in ``text``, in order; what stands between is passed over."""
    decoder, at = json.JSONDecoder(), 0
    while (at := min((i for i in (text.find(c, at) for c in "{[") if i >= 0), default=-1)) >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
        except RecursionError:  # nested deeper than any call
            return
        except ValueError:
            at += 1
        else:
            yield value


class TextCalls:
    """Looks through streamed text for calls of the tools called ``names``."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._seen = ""  # text that went through
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown now: a possible call is held back until the end."""
        if not self._names:
            return piece
        text, self._held = self._held + piece, ""
        whole = self._seen + text
        begin = whole.rfind(_THOUGHT) + len(_THOUGHT) if _THOUGHT in whole else 0
        if whole[begin:].lstrip().startswith(_MAY_BE_JSON):
            cut = max(begin - len(self._seen), 0)
            self._seen += text[:cut]
            self._held = text[cut:]
            return text[:cut]
        shown, tag, rest = text.partition(_TAG)
        self._held = tag + rest or _beginning(text)
        shown = shown if tag else shown[: len(shown) - len(self._held)]
        self._seen += shown
        return shown

    def finish(self) -> tuple[str, list[Call]]:
        """At the end: text that was held back and is none, and the calls there are."""
        found = [_call(value) for value in _flat(json_values(self._held))]
        calls = [call for call in found if call is not None and call[0] in self._names]
        if calls and len(calls) == len(found):
            return "", calls
        return self._held, []


def _beginning(text: str) -> str:
    """A tail that may be the beginning of the tag."""
    sizes = range(min(len(_TAG) - 1, len(text)), 0, -1)
    return next((text[-size:] for size in sizes if _TAG.startswith(text[-size:])), "")


def _flat(values: Iterator[Any]) -> Iterator[Any]:
    for value in values:
        yield from value if isinstance(value, list) else (value,)


def _call(value: Any) -> Call | None:
    """The call that a JSON value describes, in the spellings that models use."""
    if not isinstance(value, dict):
        return None
    inner = value.get("function")
    value = inner if isinstance(inner, dict) else value
    name, arguments = value.get("name"), value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):  # JSON in JSON, as the OpenAI protocol has it
        return (name, arguments) if isinstance(name, str) else None
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return name, json.dumps(arguments)
