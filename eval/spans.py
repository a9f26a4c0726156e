"""Gold spans against what was found: where a quote stands, and which passages cover it.

A stored span can be off by what a later version of a parser does to white space and tables.
``locate`` then finds the quote again in the canonical text, so that gold needs no remapping; a quote that is no
longer there at all is told apart (``None``) and scores 0.

Knows records and texts; nothing of indexes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from corpus.errors import UserError
from corpus.questions import Gold, Question
from corpus.records import Document, Span
from eval.gold.records import Lost

__all__ = ["COVERED", "Placed", "Texts", "by_path", "covered", "is_covered", "locate", "place"]

COVERED = 0.5  # share of a gold span that one passage must hold to count as having found it


class Texts(Protocol):
    """Whatever stores canonical texts; ``corpus.catalog.Catalog`` is one."""

    def text(self, document_id: str) -> str:
        """The canonical text of a document."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A question with its gold in the documents as they are stored now.

    ``gold`` pairs document ids with spans; ``missing`` counts the quotes that were not found, and
    ``moved`` those found elsewhere than their file says. ``lost`` says of each that is missing why.
    """

    question: Question
    gold: tuple[tuple[str, Span], ...]
    missing: int = 0
    moved: int = 0
    lost: tuple[Lost, ...] = ()


def by_path(documents: Iterable[Document], root: Path) -> dict[str, Document]:
    """The documents below the folder ``root`` by their POSIX path relative to it."""
    root = root.resolve()
    return {
        Path(document.source).relative_to(root).as_posix(): document
        for document in documents
        if Path(document.source).is_relative_to(root)
    }


def place(
    questions: Iterable[Question], documents: Mapping[str, Document], texts: Texts
) -> list[Placed]:
    """Look every gold quote up in the stored text of its document.

    Args:
        documents: by the path that the questions name them with.

    Raises:
        UserError: not one quote, and no graded document, was found, so these are questions about
            other documents.
    """
    placed = [_place(question, documents, texts) for question in questions]
    graded = {name for entry in placed for name in entry.question.documents}
    if not any(entry.gold for entry in placed) and not graded & documents.keys():
        raise UserError("No gold stands in the documents; name the folder that they are in.")
    return placed


def _place(question: Question, documents: Mapping[str, Document], texts: Texts) -> Placed:
    found: list[tuple[str, Span]] = []
    lost: list[Lost] = []
    moved = 0
    for gold in question.gold:
        document = documents.get(gold.document)
        span = locate(gold, texts.text(document.id)) if document else None
        if document and span:
            found.append((document.id, span))
            moved += span != gold.span
        else:
            lost.append(Lost(gold.document, gold.quote, _why_lost(document)))
    return Placed(question, tuple(found), len(lost), moved, tuple(lost))


def _why_lost(document: Document | None) -> str:
    if document is None:
        return "there is no such document"
    reason = f" ({document.reason})" if document.reason else ""
    if not document.state.searchable:
        return f"the document ended as {document.state.value}{reason}"
    return f"the text that was read does not hold it{reason}"


def locate(gold: Gold, text: str) -> Span | None:
    """The span of the quote in a document's canonical text.

    The stored place is taken if the quote stands there; else the nearest place where it stands,
    letter by letter or with other white space and other bars between a table's cells; else
    ``None``.
    """
    if text[gold.span.start : gold.span.end] == gold.quote:
        return gold.span
    words = [re.escape(word) for word in re.split(r"[\s|]+", gold.quote) if word]
    for pattern in (re.escape(gold.quote), r"[\s|]+".join(words)):
        found = [Span(*match.span()) for match in re.finditer(pattern, text) if match.group()]
        if found:
            return min(found, key=lambda span: abs(span.start - gold.span.start))
    return None


def covered(gold: Span, spans: Iterable[Span]) -> float:
    """Share (0..1) of the characters of ``gold`` that lie in ``spans``."""
    inside: set[int] = set()
    for span in spans:
        inside.update(range(max(gold.start, span.start), min(gold.end, span.end)))
    return len(inside) / len(gold)


def is_covered(gold: Span, passages: Iterable[Sequence[Span]]) -> bool:
    """Whether a single passage (its spans) holds at least half of ``gold``."""
    return any(covered(gold, spans) >= COVERED for spans in passages)
