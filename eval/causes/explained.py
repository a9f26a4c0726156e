"""Searches for questions and explains each: its first hits, and the stage that lost what they do not hold.

Knows gold sets and a search; nothing of where they come from. Run it with ``alcove eval why``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from corpus.catalog import Catalog
from corpus.records import Hit
from eval.causes.diagnosis import Piece, diagnose, holds, pieces, shown
from eval.causes.home import HomeLook, Terms
from eval.gold.records import Topic
from eval.results.records import Found, Row
from retrieval.settings import RetrievalSettings

if TYPE_CHECKING:
    from retrieval.search import Searcher

__all__ = ["explain"]

KEPT = 300  # characters of a hit that a row keeps


def explain(
    topics: Iterable[Topic],
    catalog: Catalog,
    searcher: Searcher,
    settings: RetrievalSettings,
    terms: Terms,
    k: int,
    tick: Callable[[], object] = lambda: None,
) -> tuple[Row, ...]:
    """Search for every answerable question as ``terms`` say, and tell what its first ``k`` hits lost.

    Args:
        topics: their documents named by their ``source``.
        settings: those that the searcher has.
        tick: called after each question, for a progress bar.

    Returns:
        a row per answerable question; its ``metrics`` have the share of its gold that was found.

    Raises:
        UserError, NotFound: as ``Searcher.search``, for terms that cannot be.
    """
    look = HomeLook(catalog, searcher, settings, terms)
    rows = []
    for topic in topics:
        if topic.answerable:
            hits = searcher.search(topic.text, terms.k, terms.mode, **terms.scope).hits
            rows.append(_row(topic, hits, k, look, terms))
        tick()
    return tuple(rows)


def _row(topic: Topic, hits: tuple[Hit, ...], k: int, look: HomeLook, terms: Terms) -> Row:
    wanted = pieces(topic)
    losses = diagnose(topic, hits, k, look)
    count = len(wanted) + len(topic.lost)
    return Row(
        terms.mode,
        topic.id,
        topic.text,
        topic.kind,
        {f"recall@{k}": 1 - len(losses) / count},
        missed=len(losses) == count,
        losses=losses,
        found=tuple(_found(hit, wanted) for hit in hits[:k]),
        gold=_gold(topic),
    )


def _found(hit: Hit, wanted: Iterable[Piece]) -> Found:
    text, source, spans = hit.chunk.text, hit.document.source, shown(hit.chunk)
    return Found(
        hit.rank,
        source,
        spans[0].start,
        spans[-1].end,
        round(hit.score, 6),
        hit.dense_rank,
        hit.lexical_rank,
        any(holds(piece, source, spans) for piece in wanted),
        text if len(text) <= KEPT else f"{text[: KEPT - 1]}…",
    )


def _gold(topic: Topic) -> tuple[Mapping[str, Any], ...]:
    relevant = {name: grade for name, grade in topic.grades.items() if grade > 0}
    spans = bool(topic.gold or topic.lost)
    return (
        *({"document": name, "start": span.start, "end": span.end} for name, span in topic.gold),
        *({"document": lost.document, "text": lost.quote} for lost in topic.lost),
        *({"document": d, "grade": g} for d, g in relevant.items() if not spans),
    )
