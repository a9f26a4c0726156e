"""What cells found against what is known to be right: a system per cell, a row per question, a ranking for TREC.

A cell whose hits have windows is judged twice: by what was matched, and as ``… shown``, by the windows that a reader
gets. A question without results has its row, and scores 0. Knows nothing of how hits were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.records import Span
from eval.causes.diagnosis import pieces
from eval.gold.records import GoldSet, Topic
from eval.grid.cache import key_of
from eval.grid.compute import Computed, Order
from eval.grid.found import Passage
from eval.grid.stamp import code_hash, versions
from eval.report import System
from eval.results.folder import Run
from eval.results.records import Found, Row
from eval.scoring.measures import Rows, measure
from eval.scoring.score import Scores, score
from eval.scoring.token_measures import Chunks
from eval.spans import COVERED, covered

__all__ = ["Judged", "judge"]

SHOWN = " shown"
CODE = (
    "eval/scoring",
    "eval/spans.py",
    "eval/gold/records.py",
    "eval/grid/tokens.py",
    "eval/grid/judging.py",
)
TEXT_CHARACTERS = 160  # of a text that stand in a row; of passages, only where gold was lost


@dataclass(frozen=True, slots=True)
class Judged:
    """One system, with its rows and its ranking."""

    system: System
    rows: tuple[Row, ...]
    run: Run


def judge(
    computed: Computed, order: Order, metrics: Sequence[str], kept: int, seed: int
) -> Iterator[Judged]:
    """Judge one cell of an order, as matched and, where that differs, as shown.

    Args:
        metrics: names of measures.
        kept: first passages of every question that stand in its row.
        seed: of intervals.
    """
    yield _View(computed, order.gold, order.topics, seed).judged(metrics, kept)
    if any(answer.has_windows for answer in computed.searched.answers.values()):
        yield _View(computed, order.gold, order.topics, seed, shown=True).judged(metrics, kept)


@dataclass(frozen=True)
class _View:
    """A cell, by what was matched, or by what is ``shown``: then text that passages share counts once."""

    computed: Computed
    gold: GoldSet
    topics: Sequence[Topic]
    seed: int
    shown: bool = False

    @property
    def name(self) -> str:
        return self.computed.cell.name + SHOWN * self.shown

    def judged(self, metrics: Sequence[str], kept: int) -> Judged:
        """Every measure of every question."""
        scores = self._scores(metrics)
        rows = tuple(self._row(topic, scores.rows, kept) for topic in self.topics)
        return Judged(self._system(scores.rows, rows), rows, scores.run)

    def _scores(self, metrics: Sequence[str]) -> Scores:
        """From the cache, if these hits were judged so before by the same code."""
        found, code = self.computed, code_hash(*CODE)
        key = key_of(found.key, list(metrics), self.shown, code, versions())
        kept = found.cache.get("scores", key)
        if kept is None:
            made = self._judged_anew(metrics)
            kept = {"rows": made.rows, "run": dict(made.run)}
            found.cache.put("scores", key, kept)
        return Scores(kept["rows"], kept["run"])

    def _judged_anew(self, metrics: Sequence[str]) -> Scores:
        answers = self.computed.searched.answers
        found = {
            topic.id: [(p.document, self._at(p), p.score) for p in answers[topic.id].passages]
            for topic in self.topics
        }
        measures = [measure(name) for name in metrics]
        chunks, count = Chunks(self.computed.index.chunks), self.computed.count
        return score(measures, self.topics, found, chunks, count, once=self.shown)

    def _at(self, passage: Passage) -> Span:
        return passage.shown if self.shown else passage.span

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
            kinds,
            facts=self.computed.index.figures,
            parts=self._parts(),
            losses=stages,
            missed=sum(row.missed for row in rows),
            seed=self.seed,
        )

    def _parts(self) -> Mapping[str, str | int]:
        return {**self.computed.cell.parts, "encoder": self.computed.fingerprint.model}

    def _row(self, topic: Topic, values: Rows, kept: int) -> Row:
        answer, losses = self.computed.searched.answers[topic.id], self.computed.losses[topic.id]
        wanted = len(pieces(topic)) + len(topic.lost)
        first = enumerate(answer.first(kept), start=1)
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
        )

    def _found(self, rank: int, passage: Passage, topic: Topic, with_text: bool) -> Found:
        span, document = self._at(passage), passage.document
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
