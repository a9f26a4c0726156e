"""The tool that reads a document: a page, a stretch of its text, what stands around a passage, its headings."""

from __future__ import annotations

from pydantic import Field, model_validator

from agents.tools.tool import Arguments, Desk, Label, Tool
from corpus.errors import NotFound, UserError
from corpus.records import Document, ElementKind, Page, Span

__all__ = ["READ_DOCUMENT", "ReadArguments"]

_CHARACTERS = 4_000
_HEADINGS = 100
_HEADING = 120  # characters


class ReadArguments(Arguments):
    """What to read."""

    document: str = Field("", description="The document's id, file name or title.")
    page: int | None = Field(None, ge=1, description="Page to read, counted from 1.")
    start: int | None = Field(None, ge=0, description="Character to start at, instead of a page.")
    around: int | None = Field(
        None, ge=1, description="Instead of a document: number of a passage, to read around it."
    )
    outline: bool = Field(False, description="Only its headings, each with where it starts.")

    @model_validator(mode="after")
    def _one_place(self) -> ReadArguments:
        if sum((self.page is not None, self.start is not None, self.around is not None)) > 1:
            raise ValueError("give a page, a start or a passage to read around, not several")
        if not self.document and self.around is None:
            raise ValueError("give a document, or the number of a passage to read around")
        return self


def _read(arguments: ReadArguments, desk: Desk) -> str:
    start = arguments.start
    if arguments.around is not None:
        document, start = _around(arguments.around, desk)
    else:
        document = desk.find_document(arguments.document)
    if not document.state.searchable:
        raise NotFound(f"{document.source!r} could not be read: {document.reason}")
    if arguments.outline:
        return _outline(document, desk)
    return _stretch(document, desk, arguments.page, start)


def _around(number: int, desk: Desk) -> tuple[Document, int]:
    for passage in desk.passages:
        if passage.number == number:
            spare = max(0, _CHARACTERS - len(passage.span))
            return passage.document, max(0, passage.span.start - spare // 2)
    shown = f"there are 1 to {len(desk.passages)}" if desk.passages else "none was shown yet"
    raise NotFound(f"there is no passage {number}: {shown}")


def _stretch(document: Document, desk: Desk, page: int | None, start: int | None) -> str:
    pages = desk.pages(document)
    length = len(desk.library.text(document.id))
    whole = Span(0, length) if page is None else _page(pages, page, document).span
    start = whole.start if start is None else start
    if start >= whole.end:
        raise UserError(f"{document.source!r} has {length} characters; start before its end")
    span = Span(start, min(start + _CHARACTERS, whole.end))
    passage = desk.show(document, span, _page_at(pages, start))
    more = f"\n(It goes on; read on with start={span.end}.)" if span.end < length else ""
    return desk.fenced(passage) + more


def _outline(document: Document, desk: Desk) -> str:
    titles = [
        element
        for element in desk.library.parsed(document.id).elements
        if element.kind is ElementKind.TITLE
    ]
    if not titles:
        return f"{document.source!r} has no headings; read it from start=0 on."
    lines = []
    for title in titles[:_HEADINGS]:
        page = f", page {title.page}" if title.page else ""
        text = " ".join(title.text.split())[:_HEADING]
        lines.append(f"{'  ' * max(0, title.level - 1)}{text} (start {title.span.start}{page})")
    more = len(titles) - _HEADINGS
    rest = f"\n({more} more headings follow.)" if more > 0 else ""
    return desk.quoted(f"headings of {document.id}", "\n".join(lines)) + rest


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
        "Read a document: one page, from a character on, around a passage that was shown, or its"
        " outline. Returns a numbered passage; cite it as [n]."
    ),
    schema=ReadArguments,
    run=_read,
    labels=frozenset({Label.READS_PRIVATE, Label.READS_UNTRUSTED}),
)
