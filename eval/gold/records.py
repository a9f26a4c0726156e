"""A gold set: documents, and questions with what is known about their answers.

Gold is either spans of documents' canonical texts, which hold for every way of chunking, or grades of
whole documents. A question may have both; its spans are then what a search is measured by. A question
without any is one that the documents do not answer.

Knows nothing of files, indexes or measures; ``eval/gold/sources.py`` makes gold sets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.records import Parsed, Span

__all__ = ["GoldSet", "Lost", "Place", "Topic", "item"]

Place = tuple[str, Span]
"""The name of a document, and where in its canonical text."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A gold quote that cannot be found because it is not there: ``why`` says what is missing."""

    document: str
    quote: str
    why: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A question. ``gold`` and ``grades`` name documents as ``GoldSet.documents`` does.

    ``grades`` above 0 are relevant. ``lost`` are quotes that its file names and no document holds; they
    count as gold that was never found, and so does a relevant document that is not there
    (``GoldSet.unread``). ``answer`` is the reference answer, if there is one.
    """

    id: str
    text: str
    kind: str = ""
    answer: str = ""
    gold: tuple[Place, ...] = ()
    grades: Mapping[str, int] = field(default_factory=dict, hash=False)
    lost: tuple[Lost, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether the documents hold, or should hold, an answer."""
        return bool(self.gold or self.lost) or any(grade > 0 for grade in self.grades.values())

    def qrels(self) -> dict[str, int]:
        """Grade by judged item: every gold span, lost ones too, is an item of grade 1; else documents.

        Returns:
            grades by the names that ``item`` and ``eval/scoring/ranking.py`` give.
        """
        if self.gold or self.lost:
            spans = {item(document, span): 1 for document, span in self.gold}
            return spans | {f"lost-{number}": 1 for number in range(1, len(self.lost) + 1)}
        return dict(self.grades)


@dataclass(frozen=True, slots=True)
class GoldSet:
    """Documents by name, and questions about them.

    ``whole``: a document that fits the encoder's window is one chunk, under its title, as published
    figures of document collections have it; a longer one is cut. ``moved`` counts the quotes that
    stand elsewhere than their file says; ``unread`` are the documents that are graded as relevant and
    are not among ``documents``, each with the reason in words.
    """

    name: str
    documents: Mapping[str, Parsed]
    topics: tuple[Topic, ...]
    whole: bool = False
    moved: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def answerable(self) -> tuple[Topic, ...]:
        """The questions that retrieval is measured on."""
        return tuple(topic for topic in self.topics if topic.answerable)

    def digest(self) -> str:
        """SHA-256 of everything that a measurement depends on: texts, questions and gold."""
        found = hashlib.sha256()
        for part in self._parts():
            found.update(json.dumps(part, ensure_ascii=False, sort_keys=True).encode())
            found.update(b"\n")
        return found.hexdigest()

    def _parts(self) -> Iterator[Any]:
        yield [self.name, self.whole]
        for name, parsed in sorted(self.documents.items()):
            elements = [[e.kind, e.span.start, e.span.end, e.level] for e in parsed.elements]
            yield [name, parsed.title, parsed.media_type, parsed.text, elements]
        for topic in self.topics:
            gold = [[document, span.start, span.end] for document, span in topic.gold]
            lost = [[entry.document, entry.quote] for entry in topic.lost]
            about = [topic.id, topic.text, topic.kind, topic.answer]
            yield [*about, gold, lost, sorted(topic.grades.items())]


def item(document: str, span: Span) -> str:
    """The name of a stretch of a document."""
    return f"{document}:{span.start}-{span.end}"
