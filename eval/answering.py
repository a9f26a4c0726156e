"""Asks a benchmark home its questions, half of them after a calibration on the other half.

The halves are those of ``eval/articles.py``; questions of a file are dealt out by a hash of their id.
A calibration goes the way a person's does: measured by the answerer, stored with the collection.
Knows nothing of the measures (``eval/answers.py``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.calibration import calibrate
from corpus.calibrations import set_calibration
from corpus.errors import UserError
from corpus.questions import QuestionSet
from eval.answers import evaluate_answers
from eval.articles import ArticleSet, half_of
from eval.report import Report
from eval.spans import Placed, place

if TYPE_CHECKING:
    from eval.bench import Bench
    from ingest.report import Progress

__all__ = ["Choice", "Halves", "ask", "on_articles", "on_questions"]

HALVES = ("fit", "test", "both")
COLLECTION = "default"  # of everything in a benchmark home


@dataclass(frozen=True, slots=True)
class Halves:
    """Questions with their gold, by the half they belong to."""

    name: str
    fit: Sequence[Placed]
    test: Sequence[Placed]
    context: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which half is asked (``fit``, ``test``, ``both``), how many of it, and whether calibrated before.

    ``target`` is the share of the answerable questions of the half ``fit`` to be answered; ``None``:
    the settings' threshold decides.

    Raises:
        UserError: there is no such half.
    """

    half: str = "both"
    target: float | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.half not in HALVES:
            raise UserError(f"There is no half {self.half!r}; choose from {', '.join(HALVES)}.")

    def of(self, halves: Halves) -> list[Placed]:
        """The questions to ask."""
        both = {"fit": halves.fit, "test": halves.test, "both": (*halves.fit, *halves.test)}
        return list(both[self.half])[: self.limit]

    def count(self, halves: Halves) -> int:
        """How many questions that is, those that are only measured for a calibration among them."""
        return len(self.of(halves)) + (len(halves.fit) if self.target else 0)


def on_articles(bench: Bench, chosen: ArticleSet, show: Callable[[int, int], object]) -> Halves:
    """Make the index hold the articles of ``chosen``, and look its gold up there."""
    bench.index_documents(chosen.documents, bench.chunker(), show)
    documents = {document.source: document for document in bench.catalog.documents()}
    fit, test = (
        place(questions, documents, bench.catalog) for questions in (chosen.fit, chosen.test)
    )
    paragraphs = sum(len(parsed.elements) - 1 for parsed in chosen.documents.values())
    return Halves(chosen.name, fit, test, {"paragraphs": paragraphs})


def on_questions(
    bench: Bench, asked: QuestionSet, folder: Path, show: Callable[[int, int], object]
) -> Halves:
    """Make the index hold the files of ``folder``, and look the questions' gold up there."""

    def listen(progress: Progress) -> None:
        show(progress.done, progress.total)

    bench.ingest(folder, listen)
    placed = bench.place(asked, folder)
    fit = [p for p in placed if half_of(p.question.id) == "fit"]
    test = [p for p in placed if half_of(p.question.id) == "test"]
    return Halves(asked.name, fit, test)


def ask(bench: Bench, halves: Halves, choice: Choice, tick: Callable[[], object]) -> Report:
    """Calibrate, if that is chosen, and measure the answers.

    Raises:
        UserError: the half for fitting has too few questions of a kind.
    """
    context = {**bench.context, **halves.context, "half": choice.half}
    set_calibration(bench.catalog.database, COLLECTION, None)
    if choice.target is not None:
        context["calibration"] = _calibrated(bench, halves.fit, choice.target, tick)
    answerer, placed = bench.answerer, choice.of(halves)
    report = evaluate_answers(halves.name, placed, answerer, bench.catalog, tick)
    return dataclasses.replace(report, context={**context, **report.context})


def _calibrated(
    bench: Bench, fit: Sequence[Placed], target: float, tick: Callable[[], object]
) -> dict[str, Any]:
    """Store a calibration with the collection; returns what figures depend on."""
    measured = []
    for placed in fit:
        measures = bench.answerer.measure(placed.question.text)
        measured.append((measures, placed.question.answerable))
        tick()
    found = calibrate(measured, bench.encoder.fingerprint.key, target)
    set_calibration(bench.catalog.database, COLLECTION, found.to_json())
    shown = ("threshold", "target", "answerable", "unanswerable", "figures", "held_out")
    whole = found.to_json()
    return {name: whole[name] for name in shown}
