"""Questions whose gold is character spans of documents, so that it holds for every chunking.

One JSON object per line: ``{"id", "question", "kind", "answer", "gold": [{"document", "quote",
"start", "end"}], "documents": {"name": grade}, "answers": [...]}``. A document is named by its POSIX path relative to
the folder of the documents, or by its source in a collection (an absolute path, or ``upload:NAME``).
``start`` and ``end`` index into the document's canonical text, and ``quote`` is the text there.
``documents`` grades whole documents, above 0 being relevant; of ``gold`` and ``documents`` one may
be left out. ``answers`` are reference answers as right as ``answer``, and may be left out too. A
question of kind ``unanswerable`` has neither gold nor documents, every other kind has a gold span or
a relevant document. A broken line raises a ``UserError`` that names file and line. Whether the quotes
stand in the documents is not known here; that is checked where the documents are (``eval/spans.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from corpus.home import write_durably
from corpus.lines import Place, grade_in, name_of, read_records, records_in, text_of
from corpus.records import Span

__all__ = ["UNANSWERABLE", "Gold", "Question", "QuestionSet", "load_questions", "write_questions"]

UNANSWERABLE = "unanswerable"


@dataclass(frozen=True, slots=True)
class Gold:
    """Where an answer stands: ``quote`` is the canonical text of ``document`` at ``span``.

    ``document`` is named as the module says.
    """

    document: str
    quote: str
    span: Span


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its reference answer; without gold and relevant documents, nothing answers it.

    ``documents`` are grades by the name of the document; ``answers`` are further reference answers.
    """

    id: str
    text: str
    kind: str
    answer: str
    gold: tuple[Gold, ...]
    documents: Mapping[str, int] = field(default_factory=dict, hash=False)
    answers: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """Every reference answer; none where there is none."""
        return tuple(dict.fromkeys(text for text in (self.answer, *self.answers) if text))

    @property
    def answerable(self) -> bool:
        """Whether the documents hold the answer."""
        return bool(self.gold) or any(grade > 0 for grade in self.documents.values())


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The questions of one file."""

    name: str
    questions: tuple[Question, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of question there are, in order of first appearance."""
        return tuple(dict.fromkeys(question.kind for question in self.questions))


def load_questions(path: Path) -> QuestionSet:
    """Read a ``questions.jsonl``.

    Raises:
        NotFound: there is no such file.
        UserError: a line is not a question as the module says; names file and line.
    """
    return QuestionSet(path.stem, tuple(read_records(path, _question).values()))


def write_questions(path: Path, questions: QuestionSet) -> None:
    """Write a ``questions.jsonl`` that ``load_questions`` reads back as it was; its name is the file's.

    Raises:
        UserError: a question is none, or there is none at all; names the line that it would have
            been on. What was there before still is.
        DiskFull, OperatorError: the file cannot be written.
    """
    lines = [json.dumps(_record(question), ensure_ascii=False) for question in questions.questions]
    placed = ((Place(path, number), line) for number, line in enumerate(lines, start=1))
    records_in(placed, _question, path)
    write_durably(path, "".join(f"{line}\n" for line in lines).encode())


def _record(question: Question) -> dict[str, Any]:
    gold = [
        {"document": g.document, "quote": g.quote, "start": g.span.start, "end": g.span.end}
        for g in question.gold
    ]
    record: dict[str, Any] = {
        "id": question.id,
        "question": question.text,
        "kind": question.kind,
        "answer": question.answer,
        "gold": gold,
    }
    if question.documents:
        record["documents"] = dict(question.documents)
    return record | ({"answers": list(question.answers)} if question.answers else {})


def _question(record: dict[str, Any], place: Place) -> Question:
    listed = record.get("gold", [] if "documents" in record else None)
    if not isinstance(listed, list):
        raise place.error(f"'gold' must be a list, not {listed!r}")
    question = Question(
        name_of(record, "id", place),
        name_of(record, "question", place),
        name_of(record, "kind", place),
        text_of(record, "answer", place, default=""),
        tuple(_gold(entry, place) for entry in listed),
        _documents(record.get("documents", {}), place),
        _answers(record.get("answers", []), place),
    )
    counted = f"{len(question.gold)} gold spans"
    if question.documents:
        counted += f" and {len(question.documents)} graded documents"
    if (question.kind == UNANSWERABLE) == bool(question.gold or question.documents):
        raise place.error(f"kind {question.kind!r} does not go with {counted}")
    if question.documents and not question.answerable:
        raise place.error("no document of 'documents' has a grade above 0")
    return question


def _gold(entry: object, place: Place) -> Gold:
    if not isinstance(entry, dict):
        raise place.error(f"a gold span must be an object, not {entry!r}")
    document = _document(name_of(entry, "document", place), place)
    quote, start, end = name_of(entry, "quote", place), entry.get("start"), entry.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise place.error(f"'start' and 'end' must be offsets, not {start!r} and {end!r}")
    if end - start != len(quote):
        raise place.error(f"span {start}-{end} is not as long as its quote ({len(quote)})")
    return Gold(document, quote, Span(start, end))


def _documents(grades: object, place: Place) -> dict[str, int]:
    if not isinstance(grades, dict):
        raise place.error(f"'documents' must be an object of grades, not {grades!r}")
    for name, grade in grades.items():
        _document(name_of({"document": name}, "document", place), place)
        grade_in(grade, place, f"the grade of document {name!r}")
    return grades


def _answers(listed: object, place: Place) -> tuple[str, ...]:
    if not isinstance(listed, list):
        raise place.error(f"'answers' must be a list of texts, not {listed!r}")
    return tuple(text_of({"answers": text}, "answers", place) for text in listed)


def _document(name: str, place: Place) -> str:
    if ".." in PurePosixPath(name).parts:
        raise place.error(
            f"document {name!r} must be a path below the documents' folder, or a source"
        )
    return name
