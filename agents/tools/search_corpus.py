"""The tool that searches the documents."""

from __future__ import annotations

from pydantic import Field

from agents.tools.tool import Arguments, Desk, Label, Tool
from corpus.records import Span

__all__ = ["SEARCH_CORPUS", "SearchArguments"]


class SearchArguments(Arguments):
    """What to search for."""

    query: str = Field(description="What to look for: a question or keywords.", min_length=1)
    k: int = Field(5, ge=1, le=20, description="How many passages to return.")


def _search(arguments: SearchArguments, desk: Desk) -> str:
    result = desk.finder.search(arguments.query, k=arguments.k, collection=desk.collection)
    desk.snapshot = result.snapshot
    passages = [
        desk.show(
            hit.document,
            hit.chunk.window or Span(hit.chunk.start, hit.chunk.end),
            hit.chunk.page,
            hit.chunk.headings,
            hit.score,
        )
        for hit in result.hits
    ]
    if not passages:
        return f"Nothing was found for {arguments.query!r}."
    return "\n\n".join(desk.fenced(passage) for passage in passages)


SEARCH_CORPUS = Tool(
    name="search_corpus",
    description=(
        "Search the person's documents. Returns numbered passages; cite them as [n]."
        " Search again with other words when the passages do not answer."
    ),
    schema=SearchArguments,
    run=_search,
    labels=frozenset({Label.READS_PRIVATE, Label.READS_UNTRUSTED}),
)
