"""What cells found against what is known to be right: a system per cell, a row per question, a ranking for TREC.

A cell whose hits have windows is judged twice: by what was matched, and as ``… shown``, by the windows that a reader
gets. A question without results has its row, and scores 0. Knows nothing of how hits were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpus.records import Span
from eval.causes.diagnosis import pieces
from eval.gold.records import GoldSet, Topic
from eval.grid.compute import Computed
from eval.grid.found import Passage
from eval.report import System
from eval.results.folder import Run
from eval.results.records import Found, Row
from eval.scoring.measures import Rows, measure, per_query
from eval.scoring.ranking import ranked_items
from eval.spans import COVERED, covered

__all__ = ["Judged", "judge"]

SHOWN = " shown"
TEXT_CHARACTERS = 160  # of a text that stand in a row; of passages, only where gold was lost


@dataclass(frozen=True, slots=True)
class Judged:
    """One system, with its rows and its ranking."""

    system: System
    rows: tuple[Row, ...]
    run: Run


def judge(
    computed: Computed, gold: GoldSet, topics: Sequence[Topic], metrics: Sequence[str], kept: int
) -> Iterator[Judged]:
    """Judge one cell, as matched and, where that differs, as shown.

    Args:
        metrics: names of measures.
        kept: first passages of every question that stand in its row.
    """
    hits = [p for answer in computed.searched.answers.values() for p in answer.passages]
    views = {computed.cell.name: _matched}
    if any(p.shown != p.span for p in hits):
        views[computed.cell.name + SHOWN] = _shown
    for name, where in views.items():
        yield _View(name, where, computed, gold, topics).judged(metrics, kept)


def _matched(passage: Passage) -> Span:
    return passage.span


def _shown(passage: Passage) -> Span:
    return passage.shown


@dataclass(frozen=True)
class _View:
    """A cell whose passages stand ``where`` that says."""

    name: str
    where: Callable[[Passage], Span]
    computed: Computed
    gold: GoldSet
    topics: Sequence[Topic]
    kinds: dict[str, list[str]] = field(default_factory=dict)

    def judged(self, metrics: Sequence[str], kept: int) -> Judged:
        run = {topic.id: ranked_items(topic, self._hits(topic)) for topic in self.topics}
        values = self._values(metrics, run)
        rows = tuple(self._row(topic, values, kept) for topic in self.topics)
        return Judged(self._system(values, rows), rows, run)

    def _hits(self, topic: Topic) -> list[tuple[str, Span, float]]:
        found = self.computed.searched.answers[topic.id].passages
        return [(p.document, self.where(p), p.score) for p in found]

    def _values(self, metrics: Sequence[str], run: Run) -> Rows:
        qrels = {topic.id: topic.qrels() for topic in self.topics}
        ranking = {query: [item for item, _ in found] for query, found in run.items()}
        return per_query([measure(name) for name in metrics], qrels, ranking)

    def _system(self, values: Rows, rows: Sequence[Row]) -> System:
        kinds: dict[str, list[str]] = {}
        for row in rows:
            if row.kind:
                kinds.setdefault(row.kind, []).append(row.query)
        stages = Counter(row.stage.value for row in rows if row.stage is not None)
        return System(
            self.name,
            values,
            [row.latency_ms for row in rows if row.latency_ms is not None],
            kinds if len(kinds) > 1 else {},
            facts=self.computed.index.figures,
            parts=self._parts(),
            losses=stages,
            missed=sum(row.missed for row in rows),
        )

    def _parts(self) -> Mapping[str, str | int]:
        return {**self.computed.cell.parts, "encoder": self.computed.fingerprint.model}

    def _row(self, topic: Topic, values: Rows, kept: int) -> Row:
        answer, losses = self.computed.searched.answers[topic.id], self.computed.losses[topic.id]
        wanted = len(pieces(topic)) + len(topic.lost)
        first = enumerate(answer.passages[:kept], start=1)
        found = (self._found(rank, p, topic, with_text=bool(losses)) for rank, p in first)
        return Row(
            system=self.name,
            query=topic.id,
            text=topic.text,
            kind=topic.kind,
            metrics={name: of[topic.id] for name, of in values.items() if topic.id in of},
            latency_ms=answer.latency_ms,
            missed=len(losses) >= wanted,
            losses=losses,
            found=tuple(found),
            gold=tuple(self._gold(topic)),
            answer=topic.answer,
        )

    def _found(self, rank: int, passage: Passage, topic: Topic, with_text: bool) -> Found:
        span, document = self.where(passage), passage.document
        end = min(span.end, span.start + TEXT_CHARACTERS) if with_text else span.start
        return Found(
            rank,
            document,
            span.start,
            span.end,
            passage.score,
            passage.dense_rank,
            passage.lexical_rank,
            _holds_gold(topic, document, span),
            self.gold.documents[document].text[span.start : end],
        )

    def _gold(self, topic: Topic) -> Iterator[Mapping[str, Any]]:
        for document, span in topic.gold:
            text = self.gold.documents[document].text[span.start : span.end]
            where = {"document": document, "start": span.start, "end": span.end}
            yield {**where, "text": text[:TEXT_CHARACTERS]}
        for entry in topic.lost:
            yield {"document": entry.document, "text": entry.quote[:TEXT_CHARACTERS]}
        if not topic.gold and not topic.lost:
            for document, grade in topic.grades.items():
                if grade > 0:
                    yield {"document": document, "grade": grade}


def _holds_gold(topic: Topic, document: str, span: Span) -> bool:
    if topic.gold or topic.lost:
        return any(name == document and covered(s, [span]) >= COVERED for name, s in topic.gold)
    return topic.grades.get(document, 0) > 0
