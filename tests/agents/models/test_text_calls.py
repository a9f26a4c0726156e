"""Tool calls that a model wrote into its text are found, and nothing else is taken for one."""

import json

import pytest

from agents.models.text_calls import TextCalls, json_values

NAMES = {"search_corpus", "read_document"}
CALL = {"name": "search_corpus", "arguments": {"query": "backups"}}
FOUND = [("search_corpus", '{"query": "backups"}')]


def played(text: str, size: int = 3) -> tuple[str, list[tuple[str, str]]]:
    """What is shown, and the calls, of a text streamed in pieces."""
    calls = TextCalls(NAMES)
    shown = "".join(calls.feed(text[i : i + size]) for i in range(0, len(text), size))
    rest, found = calls.finish()
    return shown + rest, found


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>", ""),
        (f"I look.\n<tool_call>{json.dumps(CALL)}</tool_call>", "I look.\n"),
        (json.dumps(CALL), ""),
        (json.dumps([CALL]), ""),
        (json.dumps({"name": "search_corpus", "parameters": {"query": "backups"}}), ""),
        (json.dumps({"type": "function", "function": CALL}), ""),
        (f"```json\n{json.dumps(CALL)}\n```", ""),
        (f"<think>{{hm}}</think>{json.dumps(CALL)}", "<think>{hm}</think>"),
        (json.dumps({**CALL, "arguments": json.dumps(CALL["arguments"])}), ""),
    ],
)
def test_a_call_is_found_in_every_spelling_and_not_shown(text: str, shown: str, size: int) -> None:
    assert played(text, size) == (shown, FOUND)


def test_several_calls_are_all_found() -> None:
    other = {"name": "read_document", "arguments": {"document": "d"}}
    text = f"<tool_call>{json.dumps(CALL)}</tool_call>\n<tool_call>{json.dumps(other)}</tool_call>"
    assert [name for name, _ in played(text)[1]] == ["search_corpus", "read_document"]


@pytest.mark.parametrize(
    "text",
    [
        "Backups run at two [1].",
        '{"name": "delete_everything", "arguments": {}}',
        '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>',
        '<tool_call>{"name": "search_corpus", "argum',
        '{"name": "search_corpus"}',
        "a < b and <tool",
        "{not JSON",
        '{"answer": 1} {"name": "search_corpus", "arguments": {}}',
    ],
)
def test_anything_else_stays_text(text: str) -> None:
    assert played(text) == (text, [])


def test_text_is_shown_as_it_comes() -> None:
    calls = TextCalls(NAMES)
    assert calls.feed("Backups <") == "Backups "
    assert calls.feed("b> run") == "<b> run"


def test_without_tools_nothing_is_held_back() -> None:
    assert TextCalls(()).feed('{"a": 1}') == '{"a": 1}'


def test_every_complete_value_is_found_whatever_stands_between() -> None:
    text = 'Sure: {"a": {"b": [1]}} and [2, 3] {broken {"c": 4}'
    assert list(json_values(text)) == [{"a": {"b": [1]}}, [2, 3], {"c": 4}]
    assert list(json_values("no value")) == []
    assert list(json_values('{"a": 1}' + "[" * 20_000)) == [{"a": 1}]
