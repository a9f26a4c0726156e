"""Measures as values: a name, what it means, where it was defined, and a public library behind it.

Every figure is computed by ``ir_measures`` (MacAvaney, Macdonald & Ounis 2022, "Streamlining
Evaluation with ir-measures"), which runs TREC's own code; where that is not packaged, on Linux on
arm64, by the same formulas in ``eval.scoring.formulas``.

Three things the library leaves open are settled here. A judged query without results has its row and
scores 0. A run is a *ranking*, best first: ties in scores have been broken by the system that made
it, and are not broken again by sorting document ids. And ``k`` is what the name says, however short
the run: ``precision@10`` of three results divides by ten.

Measures of *text* are named here and computed in ``eval/scoring/token_measures.py``;
``eval/scoring/score.py`` gives the rows of both. Knows nothing of indexes.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpus.errors import UserError
from eval.scoring.formulas import FORMULAS

__all__ = [
    "FAMILIES",
    "MEASURES",
    "Measure",
    "Qrels",
    "Rows",
    "Run",
    "is_cost",
    "measure",
    "per_query",
]

Qrels = Mapping[str, Mapping[str, int]]
"""Grades by query and document; above 0 is relevant."""
Run = Mapping[str, Sequence[str]]
"""For each query its documents, best first, none twice."""
Rows = dict[str, dict[str, float]]
"""Values by measure name and query."""

_IR = "Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, ch. 8"


_TEXT = "Smith & Troynikov 2024, Evaluating Chunking Strategies for Retrieval, Chroma"
_HERE = "defined here (Alcove, 2026)"


@dataclass(frozen=True, slots=True)
class Family:
    """Measures that differ in ``k`` alone.

    ``library`` is the name in ``ir_measures``; "" for measures of text. ``at`` parts a name from its
    ``k``; "" where there is none. ``whole``: also without it. ``cost``: less is better, and values
    are counts, not shares.
    """

    library: str
    meaning: str
    citation: str
    whole: bool = False
    at: str = "@"
    cost: bool = False


FAMILIES: dict[str, Family] = {
    "nDCG": Family(
        "nDCG",
        "graded gain of {first}, discounted by log2 of the rank, over the best possible",
        "Järvelin & Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques",
    ),
    "MRR": Family(
        "RR",
        "one over the rank of the first relevant document among {first}, 0 if there is none",
        "Kantor & Voorhees 2000, The TREC-5 Confusion Track",
        whole=True,
    ),
    "MAP": Family(
        "AP",
        "mean precision at the ranks of the relevant documents, those not among {first} counting 0",
        "Buckley & Voorhees 2000, Evaluating evaluation measure stability",
        whole=True,
    ),
    "recall": Family("R", "share of the relevant documents that is among {first}", _IR),
    "precision": Family("P", "share of {first} that is relevant", _IR),
    "success": Family(
        "Success",
        "1 if any relevant document is among {first}, else 0",
        "Craswell & Hawking 2004, Overview of the TREC 2004 Web Track",
    ),
    "token recall": Family("", "share of the gold text that is in {first}", _TEXT),
    "token precision": Family("", "share of the text of {first} that is gold", _TEXT),
    "token IoU": Family("", "gold text in {first} over all text that is gold or in them", _TEXT),
    "precision omega": Family(
        "", "token precision if exactly the chunks that hold gold were found", _TEXT, True, ""
    ),
    "span recall": Family(
        "", "share of the gold spans of which one passage of {first} holds at least half", _HERE
    ),
    "recall in": Family(
        "",
        "share of the gold text in the best passages, whole and in order, of {k} characters at most",
        _HERE,
        at=" ",
    ),
    "context tokens": Family(
        "", "encoder tokens of the text of {first}, each stretch once", _HERE, cost=True
    ),
}
"""By what stands before ``k`` in a measure's name."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured: a family and its ``k``, how many results count (``None``: all)."""

    family: str
    k: int | None

    @property
    def name(self) -> str:
        """As people write it: ``nDCG@10``, ``MRR``, ``recall in 4000``."""
        return self.family + ("" if self.k is None else f"{FAMILIES[self.family].at}{self.k}")

    @property
    def expression(self) -> str:
        """Its name in ``ir_measures``.

        Raises:
            ValueError: it is a measure of text, which that library has not.
        """
        if self.of_text:
            raise ValueError(f"{self.name!r} is no measure of judged items")
        return FAMILIES[self.family].library + ("" if self.k is None else f"@{self.k}")

    @property
    def of_text(self) -> bool:
        """Whether it compares text with gold spans, rather than rankings with judged items."""
        return not FAMILIES[self.family].library

    @property
    def meaning(self) -> str:
        """What it says, in words."""
        first = "all results" if self.k is None else f"the first {self.k}"
        return FAMILIES[self.family].meaning.format(first=first, k=self.k)

    @property
    def citation(self) -> str:
        """Where it was defined."""
        return FAMILIES[self.family].citation


MEASURES: dict[str, Measure] = {
    entry.name: entry for entry in (Measure("nDCG", 10), Measure("recall", 100), Measure("MRR", 10))
}
"""What judged documents are measured by unless something else is asked for."""


def measure(name: str) -> Measure:
    """The measure of that name, with any ``k`` from 1 up.

    Raises:
        UserError: there is none of that name; lists the families.
    """
    for family, entry in FAMILIES.items():
        if entry.whole and name == family:
            return Measure(family, None)
        number = name.removeprefix(family + entry.at)
        if entry.at and number != name and re.fullmatch("[1-9][0-9]{0,8}", number):
            return Measure(family, int(number))
    cut = [f"{family}{entry.at}k" for family, entry in FAMILIES.items() if entry.at]
    whole = [family for family, entry in FAMILIES.items() if entry.whole]
    raise UserError(
        f"There is no measure {name!r}; choose from {', '.join(cut + whole)}, with a number for k."
    )


def is_cost(name: str) -> bool:
    """Whether less is better. False for names that are no measure of this module, too."""
    return any(entry.cost and name.startswith(family) for family, entry in FAMILIES.items())


def per_query(measures: Sequence[Measure], qrels: Qrels, run: Run) -> Rows:
    """The value of every measure for every query of ``qrels``.

    Args:
        qrels: the judgements. Every query of it gets a row.
        run: the rankings. Queries that are not judged are left out.

    Raises:
        ValueError: a ranking names a document twice, which no measure is defined for; or a measure
            is one of text.
    """
    expressions = {entry.expression: entry for entry in measures}
    relevant = _relevant(qrels)
    scored = _scored({query: ranking for query, ranking in run.items() if query in relevant})
    rows: Rows = {entry.name: dict.fromkeys(qrels, 0.0) for entry in measures}
    if not scored or not measures:
        return rows
    if importlib.util.find_spec("pytrec_eval") is None:
        for entry in measures:
            formula = FORMULAS[entry.family]
            found = {query: formula(qrels[query], run[query], entry.k) for query in scored}
            rows[entry.name] |= found
        return rows
    import ir_measures

    names = {ir_measures.parse_measure(text): entry.name for text, entry in expressions.items()}
    for value in ir_measures.iter_calc(
        list(names), {query: relevant[query] for query in scored}, scored
    ):
        rows[names[value.measure]][value.query_id] = float(value.value)
    return rows


def _relevant(qrels: Qrels) -> dict[str, dict[str, int]]:
    """The grades above 0, of queries that have any; all others score 0.

    TREC's code in the library ends the process at a query whose grades are all below 0, and gives
    wrong figures for those after one without any grade.
    """
    found = {query: {d: g for d, g in grades.items() if g > 0} for query, grades in qrels.items()}
    return {query: grades for query, grades in found.items() if grades}


def _scored(run: Run) -> dict[str, dict[str, float]]:
    """Rankings as distinct falling scores, the form the library takes them in."""
    scored: dict[str, dict[str, float]] = {}
    for query, ranking in run.items():
        scores = {document: float(-rank) for rank, document in enumerate(ranking, start=1)}
        if len(scores) != len(ranking):
            raise ValueError(f"the ranking of query {query!r} names a document twice")
        if scores:
            scored[query] = scores
    return scored
