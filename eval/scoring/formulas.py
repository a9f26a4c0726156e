"""The measures written out, for machines that TREC's own code is not packaged for (Linux on arm64).

Where it is, ``eval.scoring.measures`` uses that code, and the tests hold these formulas equal to it.
Grades at or below 0 count as not relevant. Rankings are best first, without repetition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log2

__all__ = ["FORMULAS"]

Formula = Callable[[Mapping[str, int], Sequence[str]], float]


def _ndcg(grades: Mapping[str, int], ranking: Sequence[str], k: int = 10) -> float:
    """Järvelin & Kekäläinen 2002, with log2 discount and the grade as gain."""
    ideal = _dcg(sorted((g for g in grades.values() if g > 0), reverse=True)[:k])
    found = _dcg([max(grades.get(document, 0), 0) for document in ranking[:k]])
    return found / ideal if ideal else 0.0


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _recall(grades: Mapping[str, int], ranking: Sequence[str], k: int = 100) -> float:
    relevant = {document for document, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def _reciprocal_rank(grades: Mapping[str, int], ranking: Sequence[str], k: int = 10) -> float:
    ranks = (r for r, document in enumerate(ranking[:k], start=1) if grades.get(document, 0) > 0)
    return 1 / next(ranks, float("inf"))


FORMULAS: dict[str, Formula] = {
    "nDCG@10": _ndcg,
    "recall@100": _recall,
    "MRR@10": _reciprocal_rank,
}
"""By the names of ``eval.scoring.measures.MEASURES``."""
