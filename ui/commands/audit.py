"""The command ``audit``: what the agent's tools did, who decided, and what was deleted."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Annotated

import typer

from ui.commands.console import show_json, show_table, write
from ui.commands.options import HomeOption, JsonOption, load_settings

__all__ = ["audit"]

_SHOWN = 120  # characters of the details


def audit(
    most: Annotated[int, typer.Option("--last", min=1, help="How many entries.")] = 50,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The audit log, the newest entry first."""
    from agents.store.memory import Chats
    from corpus.home import Home

    with closing(Chats(Home(load_settings(home).corpus.home))) as chats:
        entries = chats.audit.entries(most=most)
    if as_json:
        show_json({"entries": entries})
        return
    if not entries:
        write("Nothing has happened yet that is logged.")
        return
    rows = []
    for entry in entries:
        details = json.dumps(entry["details"], ensure_ascii=False)[:_SHOWN]
        rows.append([str(entry["n"]), entry["time"], entry["person"], entry["action"], details])
    show_table(("n", "time", "person", "action", "details"), rows)
