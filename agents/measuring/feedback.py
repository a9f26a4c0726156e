"""Verdicts of people on answers, and the questions with gold that can be made of them.

A verdict says that an answer was right or wrong, where it should have come from, or that the documents
do not say. ``feedback_questions`` makes a question set of one person's verdicts:

- an answer that was right: its citations are the gold, its text is the reference answer;
- a refusal that was right, or an answer where the documents do not say: a question without gold;
- a corrected source: that is the gold.

Every other verdict is left out, and counted with the reason. Quotes are kept with the verdict, so that gold
outlives its document's next version. Knows nothing of threads, HTTP or how a question set is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.acting.commands import is_command
from agents.answering.followup import leans
from corpus.errors import UserError
from corpus.questions import UNANSWERABLE, Gold, Question, QuestionSet
from corpus.records import Span, content_id

if TYPE_CHECKING:
    from agents.records.record_json import Json
    from corpus.catalog import Catalog
    from corpus.identity import Person

__all__ = [
    "FEEDBACK",
    "LONGEST_SOURCE",
    "MOST_SOURCES",
    "FeedbackQuestions",
    "feedback_questions",
    "right_sources",
]

FEEDBACK = "feedback"
"""The name of the question set, and the kind of its questions that have an answer."""
MOST_SOURCES = 20
LONGEST_SOURCE = 20_000  # characters

_NO_QUESTION = "its question is not known any more"
_COMMAND = "it is about a command, not about a question"
_LEANS = "its question makes sense only after the ones before it"
_NO_GOLD = "it says that the answer was wrong, but not what is right"
_UNCITED = "the answer was right, but cites nothing"
_ELSEWHERE = "its source is not among the documents"
_LATER = "there is a later verdict on the same question"


@dataclass(frozen=True, slots=True)
class FeedbackQuestions:
    """The question set, and how many verdicts were left out of it, by reason."""

    questions: QuestionSet
    left_out: Mapping[str, int]

    @property
    def answerable(self) -> int:
        """How many of the questions have gold."""
        return sum(question.answerable for question in self.questions.questions)


def right_sources(
    catalog: Catalog, given: Iterable[tuple[str, int, int]], person: Person
) -> list[Json]:
    """What is kept of the sources a person gives, as (document, start, end): those, and the text there.

    Raises:
        NotFound: there is no such document, or the person may not read it.
        UserError: a span is not inside its document's text, or too long.
    """
    return [_source(catalog, document, start, end, person) for document, start, end in given]


def _source(catalog: Catalog, document: str, start: int, end: int, person: Person) -> Json:
    text = catalog.text(document, person.reader)
    if not start < end <= len(text):
        raise UserError(
            f"{start}-{end} is no stretch of the text of document {document!r}, which has"
            f" {len(text)} characters; give a start before its end, both inside the text"
        )
    if end - start > LONGEST_SOURCE:
        raise UserError(
            f"{start}-{end} is longer than {LONGEST_SOURCE} characters; give the sentences that matter"
        )
    source = catalog.document(document, person.reader).source
    place = {"document": document, "source": source, "start": start, "end": end}
    return {**place, "quote": text[start:end]}


def feedback_questions(
    verdicts: Sequence[Mapping[str, Any]], sources: Iterable[str] | None = None
) -> FeedbackQuestions:
    """The question set made of one person's verdicts.

    Args:
        verdicts: as ``Chats.feedback`` gives them, the latest first; the latest on a question counts.
        sources: the sources of the documents that gold may be in; ``None``: any.
    """
    known = None if sources is None else frozenset(sources)
    left_out, seen, questions = Counter[str](), set[str](), list[Question]()
    for verdict in verdicts:
        text = " ".join((verdict["question"] or "").split())
        key = text.casefold()
        made = _LATER if key in seen else _question(text, key, verdict, known)
        if isinstance(made, Question):
            questions.append(made)
        else:
            left_out[made] += 1
        if key:
            seen.add(key)
    questions.reverse()
    return FeedbackQuestions(
        QuestionSet(FEEDBACK, tuple(questions)), dict(sorted(left_out.items()))
    )


def _question(
    text: str, key: str, verdict: Mapping[str, Any], known: frozenset[str] | None
) -> Question | str:
    """The question of a verdict, or why there is none."""
    if not text:
        return _NO_QUESTION
    if is_command(text):
        return _COMMAND
    if verdict["position"] > 1 and leans(text):
        return _LEANS
    gold = _gold(verdict)
    if isinstance(gold, str):
        return gold
    if known is not None and not all(entry["source"] in known for entry in gold):
        return _ELSEWHERE
    right = verdict["rating"] > 0 and bool(gold)
    return Question(
        content_id(FEEDBACK, key),
        text,
        FEEDBACK if gold else UNANSWERABLE,
        verdict["answer"] if right and not verdict["sources"] else "",
        tuple(dict.fromkeys(map(_as_gold, gold))),
    )


def _gold(verdict: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | str:
    """Where the answer stands (nowhere: the documents do not say), or why that is not known."""
    if verdict["sources"]:
        return list(verdict["sources"])
    if verdict["unanswerable"]:
        return []
    if verdict["rating"] < 0:
        return _NO_GOLD
    if verdict["abstained"]:
        return []
    return list(verdict["citations"]) or _UNCITED


def _as_gold(entry: Mapping[str, Any]) -> Gold:
    return Gold(entry["source"], entry["quote"], Span(entry["start"], entry["end"]))
