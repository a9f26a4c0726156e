"""Questions whose gold is character spans of documents, so that it holds for every chunking.

One JSON object per line: ``{"id", "question", "kind", "answer", "gold": [{"document", "quote",
"start", "end"}]}``. ``document`` is a POSIX path relative to the folder of the documents;
``start`` and ``end`` index into the document's canonical text, and ``quote`` is the text there.
A question of kind ``unanswerable`` has no gold, every other kind has some. A broken line raises a
``UserError`` that names file and line. Whether the quotes stand in the documents is not known
here; that is checked where the documents are (``eval/spans.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from corpus.lines import Place, name_of, read_records, text_of
from corpus.records import Span

__all__ = ["UNANSWERABLE", "Gold", "Question", "QuestionSet", "load_questions"]

UNANSWERABLE = "unanswerable"


@dataclass(frozen=True, slots=True)
class Gold:
    """Where an answer stands: ``quote`` is the canonical text of ``document`` at ``span``.

    ``document`` is a POSIX path relative to the folder of the documents.
    """

    document: str
    quote: str
    span: Span


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its reference answer; ``gold`` is empty when the documents do not say."""

    id: str
    text: str
    kind: str
    answer: str
    gold: tuple[Gold, ...]

    @property
    def answerable(self) -> bool:
        """Whether the documents hold the answer."""
        return bool(self.gold)


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


def _question(record: dict[str, Any], place: Place) -> Question:
    listed = record.get("gold")
    if not isinstance(listed, list):
        raise place.error(f"'gold' must be a list, not {listed!r}")
    kind = name_of(record, "kind", place)
    if bool(listed) == (kind == UNANSWERABLE):
        raise place.error(f"kind {kind!r} does not go with {len(listed)} gold spans")
    return Question(
        name_of(record, "id", place),
        name_of(record, "question", place),
        kind,
        text_of(record, "answer", place, default=""),
        tuple(_gold(entry, place) for entry in listed),
    )


def _gold(entry: object, place: Place) -> Gold:
    if not isinstance(entry, dict):
        raise place.error(f"a gold span must be an object, not {entry!r}")
    document = name_of(entry, "document", place)
    if PurePosixPath(document).is_absolute() or ".." in PurePosixPath(document).parts:
        raise place.error(f"document {document!r} must be a path below the documents' folder")
    quote, start, end = name_of(entry, "quote", place), entry.get("start"), entry.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise place.error(f"'start' and 'end' must be offsets, not {start!r} and {end!r}")
    if end - start != len(quote):
        raise place.error(f"span {start}-{end} is not as long as its quote ({len(quote)})")
    return Gold(document, quote, Span(start, end))
