"""Questions of a file become topics: their gold is looked up in the documents as they are parsed now.

Gold that cannot be placed is ``Lost``, with the reason in words, and counts as never found; a set of
which nothing at all is found is about other documents, and refused.
"""

from __future__ import annotations

from corpus.errors import UserError
from corpus.questions import Gold, Question, QuestionSet
from eval.gold.records import GoldSet, Lost, Place, Topic
from eval.gold.shelf import Shelf
from eval.spans import locate

__all__ = ["place_questions"]


def place_questions(asked: QuestionSet, shelf: Shelf) -> GoldSet:
    """The questions with their gold in the documents of ``shelf``.

    Raises:
        UserError: not one quote, and no relevant document, was found; or a document that gold names
            could be any of several.
    """
    placed = [_topic(question, shelf) for question in asked.questions]
    topics = tuple(topic for topic, _ in placed)
    relevant = {name for topic in topics for name, grade in topic.grades.items() if grade > 0}
    unread = {name: _why(name, shelf) for name in sorted(relevant - shelf.documents.keys())}
    if not any(topic.gold for topic in topics) and not relevant - unread.keys():
        reasons = [lost.why for topic in topics for lost in topic.lost] + list(unread.values())
        first = f" (the first that is missing: {reasons[0]})" if reasons else ""
        raise UserError(
            f"No gold of {asked.name!r} stands in the documents of {shelf.place}; name those that "
            f"the questions are about{first}."
        )
    moved = sum(count for _, count in placed)
    return GoldSet(asked.name, shelf.documents, topics, moved=moved, unread=unread)


def _topic(question: Question, shelf: Shelf) -> tuple[Topic, int]:
    """The question as a topic, and how many of its quotes stand elsewhere than it says."""
    gold: list[Place] = []
    lost: list[Lost] = []
    moved = 0
    for entry in question.gold:
        found = _place(entry, shelf)
        if isinstance(found, Lost):
            lost.append(found)
        else:
            gold.append(found)
            moved += found[1] != entry.span
    grades: dict[str, int] = {}
    for wanted, grade in question.documents.items():
        name = shelf.name_of(wanted) or wanted
        if name in grades:
            raise UserError(f"Question {question.id!r} grades document {name!r} under two names.")
        grades[name] = grade
    about = (question.id, question.text, question.kind, question.answer)
    return Topic(*about, tuple(gold), grades, tuple(lost)), moved


def _place(gold: Gold, shelf: Shelf) -> Place | Lost:
    name = shelf.name_of(gold.document) or gold.document
    if name not in shelf.documents:
        return Lost(name, gold.quote, _why(name, shelf))
    parsed = shelf.documents[name]
    span = locate(gold, parsed.text)
    if span is not None:
        return name, span
    unread = f", of which was not read: {'; '.join(parsed.missing)}" if parsed.missing else ""
    return Lost(name, gold.quote, f"the quote is not in the text of {name!r}{unread}")


def _why(name: str, shelf: Shelf) -> str:
    if name in shelf.unread:
        return f"{name!r} has no text: {shelf.unread[name]}"
    return f"there is no document {name!r} in {shelf.place}"
