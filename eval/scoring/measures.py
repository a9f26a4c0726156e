"""Measures as values: a name, what it means, where it was defined, and a public library behind it.

Every figure is computed by ``ir_measures`` (MacAvaney, Macdonald & Ounis 2022, "Streamlining
Evaluation with ir-measures"), which runs TREC's own code; where that is not packaged, on Linux on
arm64, by the same formulas in ``eval.scoring.formulas``.

Two things the library leaves open are settled here. A judged query without results has its row
and scores 0. And a run is a *ranking*, best first: ties in scores have been broken by the system
that made it, and are not broken again by sorting document ids.

Knows nothing of indexes. ``eval/scoring/stats.py`` makes means and intervals of the rows.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.errors import UserError
from eval.scoring.formulas import FORMULAS

__all__ = ["MEASURES", "Measure", "Qrels", "Rows", "Run", "measure", "per_query"]

Qrels = Mapping[str, Mapping[str, int]]
"""Grades by query and document; above 0 is relevant."""
Run = Mapping[str, Sequence[str]]
"""For each query its documents, best first, none twice."""
Rows = dict[str, dict[str, float]]
"""Values by measure name and query."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured. ``expression`` is its name in ``ir_measures``; values lie in 0..1."""

    name: str
    expression: str
    meaning: str
    citation: str


MEASURES: dict[str, Measure] = {
    entry.name: entry
    for entry in (
        Measure(
            "nDCG@10",
            "nDCG@10",
            "graded gain of the first ten, discounted by log2 of the rank, over the best possible",
            "Järvelin & Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques",
        ),
        Measure(
            "recall@100",
            "R@100",
            "share of the relevant documents among the first hundred",
            "Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, ch. 8",
        ),
        Measure(
            "MRR@10",
            "RR@10",
            "one over the rank of the first relevant document, 0 below rank ten",
            "Kantor & Voorhees 2000, The TREC-5 Confusion Track",
        ),
    )
}


def measure(name: str) -> Measure:
    """The measure of that name; an unknown one raises a ``UserError`` that lists the names."""
    if name not in MEASURES:
        raise UserError(f"There is no measure {name!r}; choose one of {sorted(MEASURES)}.")
    return MEASURES[name]


def per_query(measures: Sequence[Measure], qrels: Qrels, run: Run) -> Rows:
    """The value of every measure for every query of ``qrels``.

    Args:
        qrels: the judgements. Every query of it gets a row.
        run: the rankings. Queries that are not judged are left out.

    Raises:
        ValueError: a ranking names a document twice, which no measure is defined for.
    """
    scored = _scored({query: ranking for query, ranking in run.items() if query in qrels})
    rows: Rows = {entry.name: dict.fromkeys(qrels, 0.0) for entry in measures}
    if not scored:
        return rows
    if importlib.util.find_spec("pytrec_eval") is None:
        for entry in measures:
            formula = FORMULAS[entry.name]
            rows[entry.name] |= {query: formula(qrels[query], run[query]) for query in scored}
        return rows
    import ir_measures

    expressions = {ir_measures.parse_measure(entry.expression): entry.name for entry in measures}
    for value in ir_measures.iter_calc(list(expressions), _plain(qrels), scored):
        rows[expressions[value.measure]][value.query_id] = float(value.value)
    return rows


def _plain(qrels: Qrels) -> dict[str, dict[str, int]]:
    return {query: dict(grades) for query, grades in qrels.items()}


def _scored(run: Run) -> dict[str, dict[str, float]]:
    """Rankings as distinct falling scores, the form the library takes them in."""
    scored: dict[str, dict[str, float]] = {}
    for query, ranking in run.items():
        scores: dict[str, Any] = {
            document: float(-rank) for rank, document in enumerate(ranking, start=1)
        }
        if len(scores) != len(ranking):
            raise ValueError(f"the ranking of query {query!r} names a document twice")
        if scores:
            scored[query] = scores
    return scored
