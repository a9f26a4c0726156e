"""Citations and passages as plain JSON values, in the one shape of command line, API and store.

Knows nothing of steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from corpus.records import Citation, Document, Passage, Span, State

__all__ = ["Json", "citation_from_json", "citation_json", "passage_from_json", "passage_json"]

Json: TypeAlias = dict[str, Any]


def citation_json(citation: Citation) -> Json:
    """A citation in the one shape used by the command line, the API and the store."""
    return {
        "n": citation.n,
        "document": citation.document,
        "source": citation.source,
        "page": citation.page,
        "start": citation.span.start,
        "end": citation.span.end,
        "quote": citation.quote,
        "support": citation.support,
    }


def citation_from_json(data: Mapping[str, Any]) -> Citation:
    """The citation that ``citation_json`` described."""
    return Citation(
        n=data["n"],
        document=data["document"],
        source=data["source"],
        page=data["page"],
        span=Span(data["start"], data["end"]),
        quote=data["quote"],
        support=data["support"],
    )


def passage_json(passage: Passage) -> Json:
    """A passage with the id, source and title of its document, the rest of it in ``record``."""
    document = passage.document
    return {
        "number": passage.number,
        "document": document.id,
        "source": document.source,
        "title": document.title,
        "page": passage.page,
        "start": passage.span.start,
        "end": passage.span.end,
        "text": passage.text,
        "headings": list(passage.headings),
        "score": passage.score,
        "record": {
            "sha256": document.sha256,
            "media_type": document.media_type,
            "collection": document.collection,
            "pages": document.pages,
            "state": str(document.state),
            "reason": document.reason,
            "size": document.size,
            "metadata": dict(document.metadata),
        },
    }


def passage_from_json(data: Mapping[str, Any]) -> Passage:
    """The passage that ``passage_json`` described."""
    record = {**data["record"], "state": State(data["record"]["state"])}
    document = Document(id=data["document"], source=data["source"], title=data["title"], **record)
    return Passage(
        number=data["number"],
        document=document,
        span=Span(data["start"], data["end"]),
        text=data["text"],
        page=data["page"],
        headings=tuple(data["headings"]),
        score=data["score"],
    )
