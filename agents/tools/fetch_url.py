"""The tool that reads a page of the web, where the owner of the machine has allowed it."""

from __future__ import annotations

from pydantic import Field

from agents.tools.tool import Arguments, Desk, Label, Tool
from agents.tools.web import Web

__all__ = ["FetchArguments", "make_fetch_tool"]


class FetchArguments(Arguments):
    """Which page."""

    url: str = Field(
        description="Its address, with http:// or https://.", min_length=1, max_length=2000
    )


def make_fetch_tool(web: Web, characters: int) -> Tool:
    """The tool.

    Args:
        web: reads the page.
        characters: of it that are shown.
    """

    def run(arguments: FetchArguments, desk: Desk) -> str:
        page = web.fetch(arguments.url)
        more = len(page.text) - characters
        rest = f"\n({more} more characters are not shown.)" if more > 0 else ""
        return desk.quoted("web page", f"{page.url}\n{page.text[:characters]}") + rest

    return Tool(
        name="fetch_url",
        description=(
            "Read a page of the web, on the hosts that are allowed. What the address says leaves"
            " this machine, so the person is asked to approve it first."
        ),
        schema=FetchArguments,
        run=run,
        labels=frozenset({Label.LEAVES_MACHINE, Label.READS_UNTRUSTED}),
    )
