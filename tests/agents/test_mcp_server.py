"""Other agents search, read and ask through a running service, or through this process where none runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

from agents.build import build
from agents.mcp_server import at, make_server, over
from agents.service import create_app
from tests.service_bench import ServiceBench, bench, indexed_home, llm, plain_bench

__all__ = ["bench", "indexed_home", "llm", "plain_bench"]

ROOT = Path(__file__).resolve().parents[2]


def talk(server: Any, talking: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Client(server) as client:
            return await talking(client)

    return asyncio.run(run())


def program(*arguments: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "ui.cli", "mcp", *arguments],
        cwd=str(ROOT),
        env={"PYTHONPATH": str(ROOT)},
    )


def test_over_pipes_it_answers_with_citations_from_a_running_service(
    plain_bench: ServiceBench, tmp_path: Path
) -> None:
    async def talking(client: Client) -> tuple[Any, ...]:
        offered = (await client.list_tools()).tools
        found = await client.call_tool("search", {"query": "How long are backups kept?", "k": 2})
        asked = await client.call_tool("ask", {"question": "How long are backups kept?"})
        return offered, found.structured_content, asked.structured_content

    home = str(tmp_path / "nothing")
    offered, found, asked = talk(program("--url", plain_bench.url, "--home", home), talking)
    assert {tool.name for tool in offered} == {"search", "read", "ask"}
    assert all(tool.annotations.read_only_hint for tool in offered)
    best = found["passages"][0]
    assert "thirty days" in best["text"]
    assert "thirty days" in asked["answer"]
    stored = plain_bench.get(f"/v1/documents/{best['document']}/text")["text"]
    for citation in asked["citations"]:
        assert stored[citation["start"] : citation["end"]] == citation["quote"]
    assert asked["citations"]
    assert not Path(home).exists()


def test_a_document_is_read_in_pieces_and_mistakes_are_sentences(plain_bench: ServiceBench) -> None:
    async def talking(client: Client) -> tuple[Any, ...]:
        found = await client.call_tool("search", {"query": "canteen soup", "k": 1})
        document = found.structured_content["passages"][0]["document"]
        part = await client.call_tool("read", {"document": document, "start": 4, "characters": 7})
        wrong = [
            await client.call_tool("read", {"document": "0" * 16}),
            await client.call_tool("read", {"document": "../../status"}),
            await client.call_tool("search", {"query": ""}),
            await client.call_tool("search", {"query": "x", "collection": "nowhere"}),
        ]
        return part.structured_content, wrong

    part, wrong = talk(make_server(at(plain_bench.url)), talking)
    assert part["text"] == "canteen"
    assert all(result.is_error for result in wrong)
    assert "no document" in wrong[0].content[0].text


def test_where_no_service_runs_this_process_answers(plain_bench: ServiceBench) -> None:
    async def talking(client: Client) -> Any:
        return await client.call_tool("search", {"query": "soup", "k": 1})

    app = create_app(build(plain_bench.settings, plain_bench.load_encoder), start=False)
    found = talk(make_server(over(app)), talking)
    assert "soup" in found.structured_content["passages"][0]["text"]


def test_a_service_that_is_not_there_is_said() -> None:
    async def talking(client: Client) -> Any:
        return await client.call_tool("search", {"query": "x"})

    result = talk(make_server(at("http://127.0.0.1:9")), talking)
    assert result.is_error
    assert "alcove serve" in result.content[0].text
