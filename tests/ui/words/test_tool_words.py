"""Every tool has a name in plain words on the page."""

from __future__ import annotations

import pytest

from agents.acting.planning import PLAN
from agents.acting.toolbox import Toolbox
from agents.outside_settings import McpSettings, WebSettings
from agents.tools import TOOLS
from ui.words.tool_words import TOOL_WORDS, tool_words


def test_every_tool_has_plain_words_and_no_others_have() -> None:
    tools = Toolbox(WebSettings(enabled=True, allow=("example.org",)), McpSettings()).tools()
    assert {*TOOLS, *tools, PLAN.name} == set(TOOL_WORDS)
    for words in TOOL_WORDS.values():
        assert words.done[0].isupper()
        assert words.doing[0].isupper()
        assert words.may[0].islower()


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("wiki__search", "Used wiki: search"),
        ("wiki__get__page", "Used wiki: get\\_\\_page"),
        ("__odd", "Used \\_\\_odd"),
        ("**bold**", "Used \\*\\*bold\\*\\*"),
    ],
)
def test_a_tool_of_another_server_is_called_by_both_names(name: str, done: str) -> None:
    assert tool_words(name).done == done
    assert tool_words(name).may == done.replace("Used", "use")
