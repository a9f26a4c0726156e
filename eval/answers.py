"""Answers on a question set: refused when they should be, cited truly, and right.

Measures, each per question with a mean, n and interval (``eval/report.py``):

- ``refused unanswerable``: of the questions the documents do not answer, the share refused.
- ``refused answerable``: of those they do answer, the share refused all the same (lower is better).
- ``citations valid``: of an answer's citations, the share whose quote is the stored text at their
  span. Anything below 1 is a bug.
- ``dangling``: of the answers given, the share with a ``[n]`` that no citation goes with. Anything
  above 0 is a bug.
- ``cited``: of the answers given, the share with a citation at all.
- ``holds answer``: of all answerable questions, refused or not, the share whose answer holds the
  reference answer word for word (after SQuAD's normalisation) or, since a person's reference is often
  in words of their own, whose citations hold at least half of a gold span; of every one, if the
  question's kind is ``multi``.
- ``citation precision``: of the citations of an answer to an answerable question, the share that
  shares characters with a gold span; ``citation recall``: of its gold spans, the share of which a
  citation holds at least half.
- ``cites gold``: of the answers given to answerable questions, the share with a citation that
  shares characters with a gold span.
- ``token recall``: of those, the share of the reference answer's words that the answer holds, after
  SQuAD's normalisation (Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine
  Comprehension of Text").

The system's facts have ``AUROC``: how well the score that decides on refusing tells the two kinds of
question apart (0.5: not at all), whatever the threshold.

Knows nothing of how answers are made. Run it with ``alcove eval answers``.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, Protocol

from agents.answers import Answer
from agents.calibration import auroc
from corpus.errors import NotFound
from corpus.records import Citation
from eval.report import Report, System
from eval.scoring.measures import Rows
from eval.spans import Placed, Texts, is_covered

__all__ = ["Answers", "evaluate_answers", "resolves", "token_recall"]

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
    "token recall",
)


class Answers(Protocol):
    """Whatever answers questions; ``agents.answer.Answerer`` is one."""

    def answer(self, question: str) -> Answer:
        """One finished answer."""
        ...


def evaluate_answers(
    name: str,
    questions: Sequence[Placed],
    answers: Answers,
    texts: Texts,
    tick: Callable[[], object] = lambda: None,
) -> Report:
    """Ask every question and measure what comes back.

    Args:
        name: of the question set.
        questions: with their gold looked up in ``texts``.
        tick: called after each answer, for a progress bar.

    Raises:
        AlcoveError: whatever answering raises; a benchmark with holes is none.
    """
    rows: Rows = {measure: {} for measure in MEASURES}
    latencies: list[float] = []
    engines: Counter[str] = Counter()
    scores: dict[bool, list[float]] = {True: [], False: []}
    for placed in questions:
        begun = perf_counter()
        answer = answers.answer(placed.question.text)
        latencies.append(1000 * (perf_counter() - begun))
        engines[f"{answer.engine} {answer.model}".strip()] += 1
        if answer.score is not None:
            scores[placed.question.answerable].append(answer.score)
        for measure, value in _values(placed, answer, texts).items():
            rows[measure][placed.question.id] = value
        tick()
    engine = " + ".join(engines)
    facts = {"AUROC": auroc(scores[True], scores[False])} if all(scores.values()) else {}
    system = System(engine, rows, latencies, _kinds(questions), facts)
    return Report(name, (system,), context={"engine": engine, **_context(questions)})


def resolves(citation: Citation, texts: Texts) -> bool:
    """Whether the quote is exactly the stored text at the citation's span."""
    try:
        text = texts.text(citation.document)
    except NotFound:
        return False
    return bool(citation.quote) and text[citation.span.start : citation.span.end] == citation.quote


def token_recall(reference: str, answer: str) -> float:
    """Share (0..1) of the words of ``reference`` that ``answer`` holds, each as often as it does.

    A reference without words is held by every answer.
    """
    wanted, found = Counter(_words(reference)), Counter(_words(answer))
    return (wanted & found).total() / wanted.total() if wanted else 1.0


def _values(placed: Placed, answer: Answer, texts: Texts) -> dict[str, float]:
    """The measures that apply to this question and this answer."""
    answerable = placed.question.answerable
    refused = "refused answerable" if answerable else "refused unanswerable"
    values = {refused: float(answer.abstained)}
    if answer.citations:
        values["citations valid"] = _mean(resolves(cited, texts) for cited in answer.citations)
    if answerable:
        values["holds answer"] = float(not answer.abstained and _holds(placed, answer))
    if answer.abstained:
        return values
    values["dangling"] = float(bool(_numbers(answer.text) - {c.n for c in answer.citations}))
    values["cited"] = float(bool(answer.citations))
    if answerable:
        hits = [_is_gold(citation, placed) for citation in answer.citations]
        values["cites gold"] = float(any(hits))
        values["citation precision"] = _mean(hits) if hits else 0.0
        values["citation recall"] = _cited(placed, answer) / len(placed.question.gold)
        values["token recall"] = token_recall(placed.question.answer, answer.text)
    return values


def _holds(placed: Placed, answer: Answer) -> bool:
    wanted, said = _words(placed.question.answer), _words(answer.text)
    size = len(wanted)
    if size and any(said[i : i + size] == wanted for i in range(len(said) - size + 1)):
        return True
    least = len(placed.question.gold) if placed.question.kind == "multi" else 1
    return _cited(placed, answer) >= least


def _cited(placed: Placed, answer: Answer) -> int:
    """Of how many gold spans one document's citations hold at least half."""
    return sum(
        is_covered(span, [[c.span for c in answer.citations if c.document == document]])
        for document, span in placed.gold
    )


def _numbers(text: str) -> set[int]:
    """The numbers of the marks ``[n]`` in an answer, those in code left out."""
    bare = re.sub(r"`[^`]*`", "", text)
    return {
        int(number)
        for mark in re.findall(r"\[(\d+(?:, ?\d+)*)\]", bare)
        for number in mark.split(",")
    }


def _is_gold(citation: Citation, placed: Placed) -> bool:
    return any(
        citation.document == document and citation.span.overlaps(span)
        for document, span in placed.gold
    )


def _mean(values: Iterable[float]) -> float:
    listed = [float(value) for value in values]
    return sum(listed) / len(listed)


def _words(text: str) -> list[str]:
    """Lower case, without punctuation and articles."""
    bare = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


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
