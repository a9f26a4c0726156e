"""The rows of one system: every measure of every question, from the passages that were found.

Measures of judged items apply to every question; measures of text to those with gold spans, so other
questions have no value in them. Knows nothing of how passages were found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.gold.records import Place, Topic
from eval.scoring.measures import Measure, Rows, per_query
from eval.scoring.ranking import Retrieved, ranked_items
from eval.scoring.token_measures import Chunks, Count, text_measures

__all__ = ["Scores", "score"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Values by measure and question, and the rankings of items (with scores) they are made of."""

    rows: Rows
    run: Mapping[str, Sequence[tuple[str, float]]]


def score(
    measures: Sequence[Measure],
    topics: Sequence[Topic],
    found: Mapping[str, Sequence[Retrieved]],
    chunks: Chunks | None = None,
    count: Count | None = None,
    once: bool = False,
) -> Scores:
    """Measure what a search found.

    Args:
        topics: questions with gold; every one gets a row, also without results.
        found: for each question its passages, best first.
        chunks, count, once: as ``eval.scoring.token_measures.text_measures`` takes them.

    Raises:
        ValueError: a measure needs what was not given.
    """
    run = {topic.id: ranked_items(topic, found.get(topic.id, ())) for topic in topics}
    ranking = {query: [name for name, _ in items] for query, items in run.items()}
    qrels = {topic.id: topic.qrels() for topic in topics}
    of_items = per_query([m for m in measures if not m.of_text], qrels, ranking)
    of_text = [measure for measure in measures if measure.of_text]
    rows: Rows = {measure.name: of_items.get(measure.name, {}) for measure in measures}
    for topic in topics:
        if of_text and (topic.gold or topic.lost):
            places: list[Place] = [(name, span) for name, span, _ in found.get(topic.id, ())]
            values = text_measures(of_text, topic, places, chunks, count, once)
            for name, value in values.items():
                rows[name][topic.id] = value
    return Scores({name: values for name, values in rows.items() if values}, run)
