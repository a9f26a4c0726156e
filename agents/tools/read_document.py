"""The tool that reads a document: one page, or a stretch of its text."""

from __future__ import annotations

from pydantic import Field, model_validator

from agents.tools.tool import Arguments, Desk, Label, Tool
from corpus.errors import NotFound, UserError
from corpus.records import Document, Page, Span

__all__ = ["READ_DOCUMENT", "ReadArguments"]

_CHARACTERS = 4_000


class ReadArguments(Arguments):
    """What to read."""

    document: str = Field(description="The document's id, file name or title.", min_length=1)
    page: int | None = Field(None, ge=1, description="Page to read, counted from 1.")
    start: int | None = Field(None, ge=0, description="Character to start at, instead of a page.")

    @model_validator(mode="after")
    def _one_place(self) -> ReadArguments:
        if self.page is not None and self.start is not None:
            raise ValueError("give a page or a start, not both")
        return self


def _read(arguments: ReadArguments, desk: Desk) -> str:
    document = desk.find_document(arguments.document)
    if not document.state.searchable:
        raise NotFound(f"{document.source!r} could not be read: {document.reason}")
    pages = desk.pages(document)
    length = len(desk.library.text(document.id))
    whole = Span(0, length)
    if arguments.page is not None:
        whole = _page(pages, arguments.page, document).span
    start = arguments.start if arguments.start is not None else whole.start
    if start >= whole.end:
        raise UserError(f"{document.source!r} has {length} characters; start before its end")
    span = Span(start, min(start + _CHARACTERS, whole.end))
    passage = desk.show(document, span, _page_at(pages, start))
    more = f"\n(It goes on; read on with start={span.end}.)" if span.end < length else ""
    return desk.fenced(passage) + more


def _page(pages: tuple[Page, ...], number: int, document: Document) -> Page:
    for page in pages:
        if page.number == number:
            return page
    has = f"{len(pages)} pages" if pages else "no pages; read it by start"
    raise NotFound(f"{document.source!r} has no page {number}: it has {has}")


def _page_at(pages: tuple[Page, ...], position: int) -> int | None:
    for page in pages:
        if page.span.start <= position < page.span.end:
            return page.number
    return None


READ_DOCUMENT = Tool(
    name="read_document",
    description=(
        "Read a document the search found: one page, or from a character on. Returns a numbered"
        " passage; cite it as [n]."
    ),
    schema=ReadArguments,
    run=_read,
    labels=frozenset({Label.READS_PRIVATE, Label.READS_UNTRUSTED}),
)
