"""The tool that lists the documents in reach: names, kinds, pages and states, a piece at a time."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from agents.tools.tool import Arguments, Desk, Label, Tool
from corpus.errors import UserError
from corpus.records import Document, State

__all__ = ["LIST_DOCUMENTS", "ListArguments"]

_LISTED = 30
_NAME = 120  # characters
_KEYS = 12


class ListArguments(Arguments):
    """Which documents to list."""

    words: str = Field("", description="Words that the title, file name or metadata must hold.")
    state: str = Field("", description="Only in this state, e.g. indexed or corrupt.")
    skip: int = Field(0, ge=0, description="How many of them were listed before.")


def _list(arguments: ListArguments, desk: Desk) -> str:
    states = [state.value for state in State]
    if arguments.state and arguments.state not in states:
        raise UserError(f"there is no state {arguments.state!r}; there are {', '.join(states)}")
    words = arguments.words.casefold().split()
    fitting = [
        document
        for document in desk.library.documents(desk.collection)
        if (not arguments.state or document.state == arguments.state)
        and all(word in _searched(document) for word in words)
    ]
    if not fitting:
        return "There is no such document in reach."
    listed = fitting[arguments.skip : arguments.skip + _LISTED]
    counts = Counter(document.state.value for document in fitting)
    by_state = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    head = f"{len(fitting)} documents ({by_state}):"
    rest = len(fitting) - arguments.skip - len(listed)
    more = f"\n({rest} more; list on with skip={arguments.skip + len(listed)}.)" if rest > 0 else ""
    return f"{head}\n{desk.quoted('documents', chr(10).join(map(_line, listed)))}{more}"


def _searched(document: Document) -> str:
    metadata = (f"{key} {value}" for key, value in document.metadata.items())
    return " ".join((document.title, document.source, document.media_type, *metadata)).casefold()


def _line(document: Document) -> str:
    parts = [document.id, _short(document.file_name)]
    if document.title and document.title != document.file_name:
        parts.append(_short(document.title))
    if document.pages:
        parts.append(f"{document.pages} page{'s' * (document.pages > 1)}")
    parts += [document.media_type, document.collection]
    if not document.state.searchable:
        parts.append(f"{document.state.value}: {_short(document.reason)}")
    if document.metadata:
        parts.append("metadata: " + _short(", ".join(list(document.metadata)[:_KEYS])))
    return " | ".join(parts)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _NAME else line[: _NAME - 1] + "…"


LIST_DOCUMENTS = Tool(
    name="list_documents",
    description="List the person's documents: id, file, title, pages, kind, collection, state.",
    schema=ListArguments,
    run=_list,
    labels=frozenset({Label.READS_PRIVATE, Label.READS_UNTRUSTED}),
)
