"""What is not set up is no tool, and no name of ours can be taken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agents.acting.toolbox import Toolbox
from agents.outside_settings import McpSettings, ServerSettings, WebSettings
from agents.settings import Settings
from agents.tools import TOOLS, Label
from corpus.errors import UserError


def test_nothing_leaves_the_machine_unless_it_is_set_up() -> None:
    box = Toolbox(WebSettings(), McpSettings())
    assert set(box.tools()) == set(TOOLS)
    assert not any(Label.LEAVES_MACHINE in tool.labels for tool in box.tools().values())


def test_no_tool_runs_code_and_every_tool_says_what_it_touches() -> None:
    for tool in Toolbox(WebSettings(enabled=True), McpSettings()).tools().values():
        assert isinstance(tool.labels, frozenset)
        assert not {"exec", "eval", "run", "python", "shell", "code"} & set(tool.name.split("_"))
        assert tool.parameters["type"] == "object"


def test_the_web_is_a_tool_that_needs_approval_once_it_is_on() -> None:
    tool = Toolbox(WebSettings(enabled=True, allow=("a.example",)), McpSettings()).tools()[
        "fetch_url"
    ]
    assert tool.needs_approval


def test_a_server_that_cannot_be_started_leaves_the_other_tools() -> None:
    broken = McpSettings(servers={"x": ServerSettings(command=("/no/such/program",))})
    box = Toolbox(WebSettings(), broken)
    assert set(box.tools()) == set(TOOLS)
    box.close()


def test_servers_and_the_web_are_set_up_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "alcove.toml").write_text(
        "[web]\nenabled = true\nallow = ['docs.example']\n"
        f"[mcp.servers.files]\ncommand = ['{sys.executable}']\n"
        "[mcp.servers.files.labels]\nlook = ['reads private']\n"
        "[mcp.servers.files.pins]\nlook = 'abc'\n",
        encoding="utf-8",
    )
    settings = Settings.load(tmp_path, environment={})
    server = settings.mcp.servers["files"]
    assert settings.web.allow == ("docs.example",)
    assert server.labels_of("look") == {Label.READS_PRIVATE}
    assert Label.WRITES in server.labels_of("other")
    (tmp_path / "alcove.toml").write_text("[web]\nallowed = []\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"no setting 'web\.allowed'"):
        Settings.load(tmp_path, environment={})
