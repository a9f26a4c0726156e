"""A server of tools for other programs, over its standard streams, with one tool that "sends" mail into a file.

Run as ``python mail_server.py FILE``; each mail becomes a line of the file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mcp.server import MCPServer

server = MCPServer("mail")


@server.tool()
def send(to: str, text: str) -> str:
    """Send a mail."""
    with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
        file.write(f"{to}: {text}\n")
    return f"sent to {to}"


if __name__ == "__main__":
    server.run("stdio")
