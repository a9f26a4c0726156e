"""The measures written out, for machines that TREC's own code is not packaged for (Linux on arm64).

Where it is, ``eval.scoring.measures`` uses that code, and the tests hold these formulas equal to it.
Grades at or below 0 count as not relevant. Rankings are best first, without repetition. ``k`` is how
many of them count, ``None`` for all; with fewer than ``k`` results the missing ones count as not
relevant. Where nothing is relevant, every measure is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log2

__all__ = ["FORMULAS"]

Formula = Callable[[Mapping[str, int], Sequence[str], int | None], float]


def _ndcg(grades: Mapping[str, int], ranking: Sequence[str], k: int | None) -> float:
    """Järvelin & Kekäläinen 2002, with log2 discount and the grade as gain."""
    ideal = _dcg(sorted((g for g in grades.values() if g > 0), reverse=True)[:k])
    found = _dcg([max(grades.get(document, 0), 0) for document in ranking[:k]])
    return found / ideal if ideal else 0.0


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _reciprocal_rank(grades: Mapping[str, int], ranking: Sequence[str], k: int | None) -> float:
    return 1 / next(iter(_relevant_ranks(grades, ranking, k)), float("inf"))


def _average_precision(grades: Mapping[str, int], ranking: Sequence[str], k: int | None) -> float:
    """Precision at the rank of each relevant document, over all that are relevant, found or not."""
    ranks = _relevant_ranks(grades, ranking, k)
    return _share(sum(n / rank for n, rank in enumerate(ranks, start=1)), _relevant(grades))


def _recall(grades: Mapping[str, int], ranking: Sequence[str], k: int | None) -> float:
    return _share(len(_relevant_ranks(grades, ranking, k)), _relevant(grades))


def _precision(grades: Mapping[str, int], ranking: Sequence[str], k: int | None) -> float:
    return _share(len(_relevant_ranks(grades, ranking, k)), len(ranking) if k is None else k)


def _success(grades: Mapping[str, int], ranking: Sequence[str], k: int | None) -> float:
    return float(bool(_relevant_ranks(grades, ranking, k)))


def _relevant_ranks(
    grades: Mapping[str, int], ranking: Sequence[str], k: int | None
) -> Sequence[int]:
    """The ranks, from 1, of the relevant documents among the first ``k``."""
    return [r for r, document in enumerate(ranking[:k], start=1) if grades.get(document, 0) > 0]


def _relevant(grades: Mapping[str, int]) -> int:
    return sum(grade > 0 for grade in grades.values())


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0


FORMULAS: dict[str, Formula] = {
    "nDCG": _ndcg,
    "MRR": _reciprocal_rank,
    "MAP": _average_precision,
    "recall": _recall,
    "precision": _precision,
    "success": _success,
}
"""By the names of the families of ``eval.scoring.measures``."""
