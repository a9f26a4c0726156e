"""How well a search finds what is judged relevant: dense, lexical and hybrid, side by side.

Two kinds of gold:

- ``evaluate_dataset``: judged documents of a test collection. A document counts at the rank of its
  best chunk (MaxP, Dai & Callan 2019, "Deeper Text Understanding for IR with Contextual Neural
  Language Modeling"). ``depth`` says how many chunks are asked for, so that enough documents come.
- ``evaluate_questions``: gold spans of a question set. ``success@5`` is 1 when at least one of the
  question's gold spans is found, ``span recall@5`` the share of them found; a span is found when one
  of the first five passages holds at least half of it. ``nDCG@10`` ranks documents as above.
  Questions that cannot be answered have no gold, hence no row.

Knows a search as a Protocol; nothing of encoders and indexes. Run it with ``alcove eval retrieval``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from corpus.datasets import Dataset, Query
from corpus.records import Hit, SearchResult
from eval.report import System
from eval.scoring.measures import MEASURES, Rows, measure, per_query
from eval.spans import Placed, is_covered

__all__ = ["MODES", "Search", "depth", "evaluate_dataset", "evaluate_questions"]

MODES = ("dense", "lexical", "hybrid")
RANKED_DOCUMENTS = 100  # what recall@100 needs
MOST_CHUNKS = 1000  # that one search may return
PASSAGES = 5

Tick = Callable[[], object]


class Search(Protocol):
    """Finds chunks; ``retrieval.search.Searcher`` is one."""

    def search(self, query: str, k: int = 10, mode: str = "hybrid") -> SearchResult:
        """The best ``k`` chunks for ``query``."""
        ...


def evaluate_dataset(
    dataset: Dataset,
    search: Search,
    modes: Sequence[str] = MODES,
    depth: int = RANKED_DOCUMENTS,
    limit: int | None = None,
    tick: Tick = lambda: None,
) -> list[System]:
    """Measure every mode on the judged queries.

    Args:
        search: over exactly the documents of the set, whose ``source`` is their id there.
        depth: chunks asked for per query.
        limit: only the first so many judged queries of the file.
        tick: called after each search, for a progress bar.
    """
    queries = dataset.judged()[:limit]
    graded = dataset.qrels()
    qrels = {query.id: graded[query.id] for query in queries}
    systems = []
    for mode in modes:
        found = _search_all(queries, search, mode, depth, tick)
        run = {
            query: _ranking(hit.document.source for hit in result.hits)
            for query, result in found.items()
        }
        rows = per_query(tuple(MEASURES.values()), qrels, run)
        systems.append(System(mode, rows, _latencies(found.values())))
    return systems


def evaluate_questions(
    questions: Sequence[Placed],
    search: Search,
    modes: Sequence[str] = MODES,
    depth: int = RANKED_DOCUMENTS,
    tick: Tick = lambda: None,
) -> list[System]:
    """Measure every mode on the answerable questions, whose gold was looked up before."""
    asked = [placed for placed in questions if placed.question.answerable]
    queries = [Query(placed.question.id, placed.question.text) for placed in asked]
    systems = []
    for mode in modes:
        found = _search_all(queries, search, mode, depth, tick)
        rows = _span_rows(asked, {query: result.hits for query, result in found.items()})
        systems.append(System(mode, rows, _latencies(found.values()), _kinds(asked)))
    return systems


def depth(chunks: int, documents: int) -> int:
    """How many chunks to ask for so that about a hundred documents come.

    A hundred where every document is one chunk, and as many times more as there are chunks to a
    document.
    """
    wanted = -(-RANKED_DOCUMENTS * chunks // max(documents, 1))  # rounded up
    return min(MOST_CHUNKS, max(1, wanted))


def _ranking(documents: Iterable[str]) -> list[str]:
    """The first hundred documents, each at the place of its best chunk."""
    return list(dict.fromkeys(documents))[:RANKED_DOCUMENTS]


def _search_all(
    queries: Sequence[Query], search: Search, mode: str, depth: int, tick: Tick
) -> dict[str, SearchResult]:
    if queries:
        search.search(queries[0].text, depth, mode)  # opens the index; not timed
    found = {}
    for query in queries:
        found[query.id] = search.search(query.text, depth, mode)
        tick()
    return found


def _latencies(results: Iterable[SearchResult]) -> list[float]:
    return [result.timings_ms["total"] for result in results]


def _span_rows(questions: Sequence[Placed], hits: Mapping[str, Sequence[Hit]]) -> Rows:
    shares = {p.question.id: _found_share(p, hits[p.question.id][:PASSAGES]) for p in questions}
    run = {
        query: _ranking(hit.document.id for hit in hits_of_query)
        for query, hits_of_query in hits.items()
    }
    qrels = {placed.question.id: _gold_documents(placed) for placed in questions}
    return {
        f"success@{PASSAGES}": {query: float(share > 0) for query, share in shares.items()},
        f"span recall@{PASSAGES}": shares,
        **per_query([measure("nDCG@10")], qrels, run),
    }


def _gold_documents(placed: Placed) -> dict[str, int]:
    """The documents with gold; gold that stands in no document counts as one never found."""
    found = {document: 1 for document, _ in placed.gold}
    return found | {f"missing {number}": 1 for number in range(placed.missing)}


def _found_share(placed: Placed, passages: Sequence[Hit]) -> float:
    """Share of the question's gold spans that one of the passages holds; lost gold is not found."""
    found = sum(
        is_covered(span, [hit.chunk.spans for hit in passages if hit.document.id == document])
        for document, span in placed.gold
    )
    return found / len(placed.question.gold)


def _kinds(questions: Sequence[Placed]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for placed in questions:
        kinds.setdefault(placed.question.kind, []).append(placed.question.id)
    return kinds
