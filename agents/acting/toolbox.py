"""All tools of one service: those of ``agents.tools``, and the web and other servers' where they are set up.

Servers are started once, when the tools are first asked for, and ended with the service.
"""

from __future__ import annotations

import threading

from agents.outside.mcp_client import make_servers, server_tools
from agents.outside_settings import McpSettings, WebSettings
from agents.tools import TOOLS, Tool
from agents.tools.fetch_url import make_fetch_tool
from agents.tools.web import Web

__all__ = ["Toolbox"]


class Toolbox:
    """The tools by name.

    Args:
        web, mcp: what is set up; by default nothing is.
    """

    def __init__(self, web: WebSettings, mcp: McpSettings) -> None:
        self._web = web
        self._servers = make_servers(mcp, web)
        self._lock = threading.Lock()
        self._tools: dict[str, Tool] | None = None

    def tools(self) -> dict[str, Tool]:
        """Every tool there is. A name of ours is never taken by a server."""
        with self._lock:
            if self._tools is None:
                ours = dict(TOOLS)
                if self._web.enabled:
                    fetch = make_fetch_tool(Web(self._web), self._web.characters)
                    ours[fetch.name] = fetch
                self._tools = {**server_tools(self._servers), **ours}
            return self._tools

    def close(self) -> None:
        """End the servers that were started."""
        for server in self._servers:
            server.close()
