"""The tool that searches the documents."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from agents.tools.tool import Arguments, Desk, Label, Tool
from corpus.errors import NotFound
from corpus.records import Span

__all__ = ["SEARCH_CORPUS", "SearchArguments"]


class SearchArguments(Arguments):
    """What to search for, and where."""

    query: str = Field(description="What to look for: a question or keywords.", min_length=1)
    k: int = Field(5, ge=1, le=20, description="How many passages to return.")
    mode: Literal["hybrid", "dense", "lexical"] = Field(
        "hybrid", description="dense: by meaning; lexical: by words; hybrid: both."
    )
    documents: tuple[str, ...] = Field(
        (), max_length=20, description="Only in these: ids, file names or titles."
    )
    filters: dict[str, str] = Field(
        default_factory=dict,
        max_length=10,
        description="Metadata a document must have, e.g. {'author': 'Kim'}; a wrong key is"
        " answered with those that exist.",
    )
    first_page: int | None = Field(None, ge=1, description="Only from this page on.")
    last_page: int | None = Field(None, ge=1, description="Only up to this page.")
    collection: str | None = Field(None, description="Only in this collection.")

    @model_validator(mode="after")
    def _pages_in_order(self) -> SearchArguments:
        if self.first_page and self.last_page and self.first_page > self.last_page:
            raise ValueError("first_page comes after last_page")
        return self

    @property
    def pages(self) -> tuple[int, int] | None:
        """The first and the last page; ``None`` for all."""
        if self.first_page is None and self.last_page is None:
            return None
        return self.first_page or 1, self.last_page or 10**6


def _search(arguments: SearchArguments, desk: Desk) -> str:
    collection = _collection(arguments.collection, desk)
    named = [desk.find_document(name).id for name in arguments.documents]
    result = desk.finder.search(
        arguments.query,
        k=arguments.k,
        mode=arguments.mode,
        collection=collection,
        documents=named or None,
        filters=arguments.filters or None,
        pages=arguments.pages,
    )
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
        within = " with these limits; search without them" if _is_limited(arguments) else ""
        return f"Nothing was found for {arguments.query!r}{within}."
    return "\n\n".join(map(desk.fenced, passages))


def _collection(named: str | None, desk: Desk) -> str | None:
    """The desk's collection is a limit that no argument widens."""
    if named and desk.collection is not None and named != desk.collection:
        raise NotFound(
            f"there is no collection {named[:80]!r} in reach; leave it out to search {desk.collection!r}"
        )
    return named or desk.collection


def _is_limited(arguments: SearchArguments) -> bool:
    return bool(arguments.documents or arguments.filters or arguments.pages or arguments.collection)


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
