"""Asks a benchmark home its questions, half of them after a calibration on the other half.

The halves are those of ``eval/articles.py``; questions of a file are dealt out by a hash of their id.
A calibration goes the way a person's does: measured by the answerer, stored with the collection.
Knows nothing of the measures (``eval/answers.py``).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.answering.calibration import calibrate
from corpus.calibrations import set_calibration
from corpus.errors import ModelError, UserError
from corpus.questions import QuestionSet
from eval.answer_rows import renamed
from eval.answers import Measured, Why, evaluate_answers
from eval.articles import ArticleSet, half_of
from eval.causes.answered import HomeAnswers, answer_losses
from eval.gold.records import Topic
from eval.judge import MEASURES as JUDGED
from eval.judge import Judge, Judged, facts, is_judged, judge
from eval.spans import Placed, by_path, place

if TYPE_CHECKING:
    from eval.bench import Bench
    from ingest.report import Progress

__all__ = ["Choice", "Halves", "ask", "judge_of", "judged", "on_articles", "on_questions", "save"]

HALVES = ("fit", "test", "both")
COLLECTION = "default"  # of everything in a benchmark home


@dataclass(frozen=True, slots=True)
class Halves:
    """Questions with their gold, by the half they belong to.

    ``names`` are documents as people know them, by their source, where that is something else.
    """

    name: str
    fit: Sequence[Placed]
    test: Sequence[Placed]
    context: dict[str, Any] = dataclasses.field(default_factory=dict)
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)


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
    paths = by_path(bench.catalog.documents(), folder)
    names = {document.source: path for path, document in paths.items()}
    return Halves(asked.name, fit, test, names=names)


def ask(bench: Bench, halves: Halves, choice: Choice, tick: Callable[[], object]) -> Measured:
    """Calibrate, if that is chosen, measure the answers, and tell what lost the gold of each.

    Raises:
        UserError: the half for fitting has too few questions of a kind.
    """
    context = {**bench.context, **halves.context, "half": choice.half}
    set_calibration(bench.catalog.database, COLLECTION, None)
    if choice.target is not None:
        context["calibration"] = _calibrated(bench, halves.fit, choice.target, tick)
    answerer, placed = bench.answerer, choice.of(halves)
    sources = {document.id: document.source for document in bench.catalog.documents()}
    sources |= {name: source for source, name in halves.names.items()}
    found = evaluate_answers(
        halves.name, placed, answerer, bench.catalog, tick, _why(bench), sources
    )
    report = dataclasses.replace(found.report, context={**context, **found.report.context})
    rows = tuple(renamed(row, halves.names) for row in found.rows)
    topics = tuple(_renamed(topic, halves.names) for topic in found.topics)
    return dataclasses.replace(found, report=report, rows=rows, topics=topics)


def _renamed(topic: Topic, names: Mapping[str, str]) -> Topic:
    gold = tuple((names.get(document, document), span) for document, span in topic.gold)
    grades = {names.get(document, document): grade for document, grade in topic.grades.items()}
    return dataclasses.replace(topic, gold=gold, grades=grades)


def judged(
    measured: Measured, by: Judge, repeats: int, tick: Callable[[], object] = lambda: None
) -> Measured:
    """The same with the verdicts of a language model on what was answered; see ``eval/judge.py``."""
    faults: Counter[str] = Counter()
    found: dict[str, Judged] = {}

    def count(fault: ModelError) -> None:
        faults[type(fault).__name__] += 1

    for asked in measured.asked:
        question = asked.placed.question
        if is_judged(question, asked.answer):
            found[question.id] = judge(question, asked.answer, by, repeats, count)
        tick()
    values = {query: verdicts.values() for query, verdicts in found.items()}
    (system,) = measured.report.systems
    scores = {name: {q: v[name] for q, v in values.items() if name in v} for name in JUDGED}
    system = dataclasses.replace(
        system, rows=system.rows | scores, facts={**system.facts, **facts(found.values())}
    )
    about = {"model": by.model, "repeats": repeats, "missing": dict(sorted(faults.items()))}
    context = {**measured.report.context, "judge": about}
    report = dataclasses.replace(measured.report, systems=(system,), context=context)
    rows = tuple(
        dataclasses.replace(row, metrics={**row.metrics, **values.get(row.query, {})})
        for row in measured.rows
    )
    return dataclasses.replace(measured, report=report, rows=rows)


def judge_of(bench: Bench, url: str | None = None, model: str | None = None) -> Judge:
    """The language model that judges: the one that the settings name, but for what is given.

    Raises:
        ModelUnavailable: there is none; nothing was asked yet.
    """
    from agents.answering.engines import Parts, make_engine
    from agents.models.openai_engine import OpenAIEngine

    settings = bench.settings
    given = {name: value for name, value in (("url", url), ("model", model)) if value}
    llm = settings.llm.model_copy(update=given)
    engine = make_engine("openai", Parts(llm, settings.answer, bench.encoder, bench.catalog))
    assert isinstance(engine, OpenAIEngine)  # which is what is registered by that name
    engine.know_model()
    return engine


def save(measured: Measured, folder: Path) -> None:
    """Write a results folder: report, rows, judgements, and the page that shows them.

    Raises:
        UserError: the folder holds something else. DiskFull, OperatorError: it cannot be written.
    """
    from eval.results.folder import write_results
    from eval.results.html_report import render_html

    report = measured.report.to_json()
    qrels = {topic.id: topic.qrels() for topic in measured.topics}
    page = render_html(report, measured.rows)
    write_results(folder, report, measured.rows, qrels, {}, page)


def _why(bench: Bench) -> Why:
    settings = bench.settings
    look = HomeAnswers(bench.catalog, bench.searcher, settings.answer, settings.retrieval)
    return lambda topic, references, answer: answer_losses(topic, references, answer, look)


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
