"""Answers on a question set: refused when they should be, cited truly, and right.

Measures, each per question with a mean, n and interval (``eval/report.py``):

- ``refused unanswerable``: of the questions the documents do not answer, the share refused.
- ``refused answerable``: of those they do answer, the share refused all the same (lower is better).
- ``citations valid``: of an answer's citations, the share whose quote is the stored text at their
  span. Anything below 1 is a bug.
- ``dangling``: of the answers given, the share with a ``[n]`` that no citation goes with. Anything
  above 0 is a bug.
- ``cited``: of the answers given, the share with a citation at all.
- ``holds answer``: of all answerable questions with a reference answer or gold spans, refused or not,
  the share whose answer holds the reference word for word (after SQuAD's normalisation) or, since a
  person's reference is often in words of their own, whose citations hold at least half of a gold
  span; of every one, if the question's kind is ``multi``.
- ``citation precision``: of the citations of an answer to an answerable question, the share that
  shares characters with a gold span; ``citation recall``: of its gold spans, the share of which a
  citation holds at least half.
- ``cites gold``: of the answers given to answerable questions, the share with a citation that
  shares characters with a gold span.
- ``exact match``, ``token F1``: of all answerable questions with a reference answer, refused or not
  (a refusal scores 0), how the answer's words agree with the nearest reference.
- ``token recall``: of the answers given to them, the share of a reference's words that the answer holds.

Words are compared as ``eval/reference.py`` says. Measures against gold spans are of the questions that
have some; questions whose gold is whole documents have the others.

The system's facts have ``AUROC``: how well the score that decides on refusing tells the two kinds of
question apart (0.5: not at all), whatever the threshold.

Every question has a row besides, with its answer; one whose answer does not hold what it should has
the stages that lost its gold, if somebody looks (``eval/causes/answered.py``). Knows nothing of how
answers are made. Run it with ``alcove eval answers``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from agents.answering.calibration import auroc
from agents.records.answers import Answer
from corpus.errors import NotFound
from corpus.records import Citation
from eval.answer_rows import Asked, row_of, topic_of
from eval.gold.records import Topic
from eval.reference import citation_numbers, exact_match, says, token_f1, token_recall
from eval.report import Report, System
from eval.results.records import Loss, Row
from eval.scoring.measures import Rows
from eval.spans import Placed, Texts, is_covered

__all__ = ["Answers", "Measured", "Why", "evaluate_answers", "resolves"]

MEASURES = (
    "refused unanswerable",
    "refused answerable",
    "citations valid",
    "dangling",
    "cited",
    "holds answer",
    "citation precision",
    "citation recall",
    "cites gold",
    "exact match",
    "token F1",
    "token recall",
)
PRIMARY = "holds answer"

Why = Callable[[Topic, Sequence[str], Answer], Sequence[Loss]]
"""Tells what an answer lost of a topic's gold, which it is given with its reference answers."""


class Answers(Protocol):
    """Whatever answers questions; ``agents.answering.answer.Answerer`` is one."""

    def answer(self, question: str) -> Answer:
        """One finished answer."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark of answers found; ``rows`` and ``topics`` are in the order of the questions."""

    report: Report
    rows: tuple[Row, ...]
    topics: tuple[Topic, ...]
    asked: tuple[Asked, ...]


def evaluate_answers(
    name: str,
    questions: Sequence[Placed],
    answers: Answers,
    texts: Texts,
    tick: Callable[[], object] = lambda: None,
    why: Why | None = None,
    sources: Mapping[str, str] | None = None,
) -> Measured:
    """Ask every question and measure what comes back.

    Args:
        name: of the question set.
        questions: with their gold looked up in ``texts``.
        tick: called after each answer, for a progress bar.
        why: asked of every question whose answer does not hold what it should (``holds answer``), or
            of which only whole documents are known; ``None``: no losses are told.
        sources: of documents, as for ``topic_of``: what topics and rows call them.

    Raises:
        AlcoveError: whatever answering raises; a benchmark with holes is none.
    """
    topics = tuple(topic_of(placed, sources or {}) for placed in questions)
    asked: list[Asked] = []
    values: list[dict[str, float]] = []
    for placed, topic in zip(questions, topics, strict=True):
        begun = perf_counter()
        answer = answers.answer(placed.question.text)
        took = 1000 * (perf_counter() - begun)
        values.append(_values(placed, answer, texts))
        failed = placed.question.answerable and not values[-1].get(PRIMARY)
        losses = why(topic, placed.question.references, answer) if why and failed else ()
        asked.append(Asked(placed, answer, took, tuple(losses)))
        tick()
    engine = " + ".join(dict.fromkeys(f"{a.answer.engine} {a.answer.model}".strip() for a in asked))
    made = zip(asked, topics, values, strict=True)
    rows = tuple(row_of(engine, entry, topic, found) for entry, topic, found in made)
    system = _system(engine, asked, values, rows if why else None)
    context = {"engine": engine, **_context(questions)}
    metric = PRIMARY if system.rows[PRIMARY] else "refused answerable"
    report = Report(name, (system,), context=context, metric=metric)
    return Measured(report, rows, topics, tuple(asked))


def resolves(citation: Citation, texts: Texts) -> bool:
    """Whether the quote is exactly the stored text at the citation's span."""
    try:
        text = texts.text(citation.document)
    except NotFound:
        return False
    return bool(citation.quote) and text[citation.span.start : citation.span.end] == citation.quote


def _system(
    engine: str,
    asked: Sequence[Asked],
    values: Sequence[Mapping[str, float]],
    explained: Sequence[Row] | None,
) -> System:
    rows: Rows = {measure: {} for measure in MEASURES}
    scores: dict[bool, list[float]] = {True: [], False: []}
    for entry, found in zip(asked, values, strict=True):
        for measure, value in found.items():
            rows[measure][entry.placed.question.id] = value
        if entry.answer.score is not None:
            scores[entry.placed.question.answerable].append(entry.answer.score)
    facts = {"AUROC": auroc(scores[True], scores[False])} if all(scores.values()) else {}
    return System(
        engine,
        rows,
        [entry.latency_ms for entry in asked],
        _kinds([entry.placed for entry in asked]),
        facts,
        losses=Counter(row.stage for row in explained or () if row.stage),
        missed=None if explained is None else sum(row.missed for row in explained),
    )


def _values(placed: Placed, answer: Answer, texts: Texts) -> dict[str, float]:
    """The measures that apply to this question and this answer."""
    question = placed.question
    refused = "refused answerable" if question.answerable else "refused unanswerable"
    values = {refused: float(answer.abstained)}
    if answer.citations:
        values["citations valid"] = _mean(resolves(cited, texts) for cited in answer.citations)
    if question.answerable:
        values |= _rightness(placed, answer)
    if answer.abstained:
        return values
    marks = citation_numbers(answer.text)
    values["dangling"] = float(bool(marks - {c.n for c in answer.citations}))
    values["cited"] = float(bool(answer.citations))
    if question.gold:
        hits = [_is_gold(citation, placed) for citation in answer.citations]
        values["cites gold"] = float(any(hits))
        values["citation precision"] = _mean(hits) if hits else 0.0
        values["citation recall"] = _cited(placed, answer) / len(question.gold)
    if question.references:
        values["token recall"] = token_recall(question.references, answer.text)
    return values


def _rightness(placed: Placed, answer: Answer) -> dict[str, float]:
    """What is measured of every answerable question, refused or not."""
    references = placed.question.references
    values: dict[str, float] = {}
    if references or placed.question.gold:
        values["holds answer"] = float(not answer.abstained and _holds(placed, answer))
    for measure, score in (("exact match", exact_match), ("token F1", token_f1)):
        if references:
            values[measure] = 0.0 if answer.abstained else score(references, answer.text)
    return values


def _holds(placed: Placed, answer: Answer) -> bool:
    if says(placed.question.references, answer.text):
        return True
    least = len(placed.question.gold) if placed.question.kind == "multi" else 1
    return bool(placed.question.gold) and _cited(placed, answer) >= least


def _cited(placed: Placed, answer: Answer) -> int:
    """Of how many gold spans one document's citations hold at least half."""
    return sum(
        is_covered(span, [[c.span for c in answer.citations if c.document == document]])
        for document, span in placed.gold
    )


def _is_gold(citation: Citation, placed: Placed) -> bool:
    return any(
        citation.document == document and citation.span.overlaps(span)
        for document, span in placed.gold
    )


def _mean(values: Iterable[float]) -> float:
    listed = [float(value) for value in values]
    return sum(listed) / len(listed)


def _kinds(questions: Sequence[Placed]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for placed in questions:
        kinds.setdefault(placed.question.kind, []).append(placed.question.id)
    return kinds


def _context(questions: Sequence[Placed]) -> dict[str, Any]:
    return {
        "questions": len(questions),
        "answerable": sum(placed.question.answerable for placed in questions),
        "gold_missing": sum(placed.missing for placed in questions),
        "gold_moved": sum(placed.moved for placed in questions),
    }
