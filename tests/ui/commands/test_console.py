"""What reaches a terminal is text, whoever wrote it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.agents.payloads import PAYLOADS
from tests.command_line import Alcove
from tests.fakes import FakeLLMServer
from ui.commands.console import say, show_table, warn, write

ACTS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e0fff]"
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_acts_on_a_terminal(payload: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(payload)
    say(payload)
    warn(payload)
    show_table(["name"], [[payload]])
    printed = capsys.readouterr()
    assert not ACTS.search(printed.out + printed.err)


def test_what_can_be_seen_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    text = "[red]brackets[/red] stay, as do https://example.test and é 東京"
    write(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_an_answer_is_printed_without_what_acts_and_with_what_is_not_carried(
    alcove: Alcove, ingested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeLLMServer() as llm:
        monkeypatch.setenv("ALCOVE_LLM__URL", llm.url)
        monkeypatch.setenv("ALCOVE_LLM__MODEL", llm.model)
        monkeypatch.setenv("ALCOVE_ANSWER__THRESHOLD_MODEL", "0")
        llm.say("The red box weighs seven kilograms [1]. \x1b[2JIt is made of cheese. ")
        out = alcove("ask", "How many kilograms does the red box weigh?").out
    assert "The red box weighs seven kilograms [1]. " in out
    assert "It is made of cheese. (not found in the sources)" in out
    assert "kilograms [1]. (not" not in out
    assert not ACTS.search(out)
