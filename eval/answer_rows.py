"""A question with what came back, as a topic and as a row of results. Knows nothing of measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.records.answers import Answer
from corpus.records import Passage
from eval.causes.diagnosis import pieces
from eval.gold.records import Topic
from eval.results.records import Found, Loss, Row
from eval.spans import COVERED, Placed, covered

__all__ = ["Asked", "renamed", "row_of", "topic_of"]

SHOWN = 300  # characters of a passage that a row keeps


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what came back."""

    placed: Placed
    answer: Answer
    latency_ms: float
    losses: tuple[Loss, ...] = ()


def topic_of(placed: Placed, sources: Mapping[str, str]) -> Topic:
    """The question as a topic, its documents named by their source.

    Args:
        sources: by the id of a document, and by the name that a question grades it by; what is not
            told keeps its name.
    """
    question = placed.question
    gold = tuple((sources.get(document, document), span) for document, span in placed.gold)
    grades = {sources.get(name, name): grade for name, grade in question.documents.items()}
    about = (question.id, question.text, question.kind, question.answer)
    return Topic(*about, gold, {} if question.gold else grades, placed.lost)


def row_of(engine: str, asked: Asked, topic: Topic, values: Mapping[str, float]) -> Row:
    """The row of a question; its passages are those that the engine was shown, or a refusal names."""
    answer = asked.answer
    passages = answer.shown or answer.nearest
    return Row(
        engine,
        topic.id,
        topic.text,
        topic.kind,
        values,
        round(asked.latency_ms, 3),
        len(asked.losses) >= len(pieces(topic)) + len(topic.lost) > 0,
        asked.losses,
        tuple(_found(passage, topic) for passage in passages),
        _gold_of(asked.placed, topic),
        answer.text,
    )


def _found(passage: Passage, topic: Topic) -> Found:
    document, span = passage.document.source, passage.span
    gold = any(d == document and covered(s, [span]) >= COVERED for d, s in topic.gold)
    text = passage.text if len(passage.text) <= SHOWN else f"{passage.text[: SHOWN - 1]}…"
    where = (passage.number, document, span.start, span.end, round(passage.score, 6))
    return Found(*where, gold=gold, text=text)


def _gold_of(placed: Placed, topic: Topic) -> tuple[Mapping[str, Any], ...]:
    """The gold as a row has it: what was found in the documents, what was not, graded documents."""
    lost = [(entry.document, entry.quote) for entry in placed.lost]
    quotes = [g.quote for g in placed.question.gold if (g.document, g.quote) not in lost]
    spans = zip(topic.gold, quotes, strict=False)
    relevant = {name: grade for name, grade in topic.grades.items() if grade > 0}
    return (
        *({"document": d, "start": s.start, "end": s.end, "text": text} for (d, s), text in spans),
        *({"document": document, "text": text} for document, text in lost),
        *({"document": document, "grade": grade} for document, grade in relevant.items()),
    )


def renamed(row: Row, names: Mapping[str, str]) -> Row:
    """The row with documents called as people know them, where ``names`` has them."""

    def name(document: str) -> str:
        return names.get(document, document)

    return replace(
        row,
        losses=tuple(replace(loss, document=name(loss.document)) for loss in row.losses),
        found=tuple(replace(found, document=name(found.document)) for found in row.found),
        gold=tuple({**gold, "document": name(gold["document"])} for gold in row.gold),
    )
