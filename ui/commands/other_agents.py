"""The command ``mcp``: Alcove as a server of tools for other agents, and the servers whose tools it may use."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from corpus.errors import AlcoveError
from ui.commands.console import write
from ui.commands.options import HomeOption, load_settings

__all__ = ["mcp"]


def mcp(
    url: Annotated[
        str, typer.Option(help="Address of a running service; without it, this home's documents.")
    ] = "",
    servers: Annotated[
        bool,
        typer.Option("--servers", help="Show the tools of the servers in the settings, and pins."),
    ] = False,
    home: HomeOption = None,
) -> None:
    """Offer search, read and ask to other agents (MCP, over standard input and output)."""
    settings = load_settings(home)
    if servers:
        from agents.outside.mcp_client import make_servers

        if not settings.mcp.servers:
            write("No server is set up; name one under [mcp.servers.NAME] in alcove.toml.")
        for server in make_servers(settings.mcp, settings.web):
            try:
                for tool in server.offered().values():
                    about = server.problem_of(tool) or f"{server.name}__{tool.name} may be used"
                    write(f"{about}\n  {' '.join((tool.description or '').split())[:300]}")
            except AlcoveError as exc:
                write(str(exc))
            finally:
                server.close()
        return
    from agents.mcp_server import at, inside, make_server

    key = os.environ.get("ALCOVE_API_KEY", "")
    make_server(at(url, key) if url else inside(settings)).run()
