"""Question sets: what is read, what is refused, and that what is written is read back as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import UserError
from corpus.questions import Gold, Question, QuestionSet, load_questions, write_questions
from corpus.records import Span

GOLD = {"document": "notes/rain.md", "quote": "It rains.", "start": 3, "end": 12}
QUESTION: dict[str, Any] = {
    "id": "1",
    "question": "Does it rain?",
    "kind": "lookup",
    "answer": "Yes",
    "gold": [GOLD],
}
GRADED = {key: value for key, value in QUESTION.items() if key != "gold"} | {
    "documents": {"rain.md": 2, "snow.md": 0}
}


def written(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def refusal(path: Path, *records: object) -> str:
    with pytest.raises(UserError) as caught:
        load_questions(written(path, *records))
    return str(caught.value)


def test_a_question_is_read_with_its_gold_span(tmp_path: Path) -> None:
    none = {"id": "2", "question": "Why?", "kind": "unanswerable", "answer": None, "gold": []}
    questions = load_questions(written(tmp_path / "questions.jsonl", QUESTION, none))
    first, second = questions.questions
    assert questions.name == "questions"
    assert questions.kinds == ("lookup", "unanswerable")
    assert first.gold[0].span == Span(3, 12)
    assert (first.answerable, second.answerable) == (True, False)
    assert second.answer == ""


def test_a_question_may_grade_documents_instead_of_naming_spans(tmp_path: Path) -> None:
    (question,) = load_questions(written(tmp_path / "q.jsonl", GRADED)).questions
    assert (question.gold, question.documents) == ((), {"rain.md": 2, "snow.md": 0})
    assert question.answerable


def test_a_question_may_have_several_reference_answers(tmp_path: Path) -> None:
    more = QUESTION | {"answers": ["It does", "Yes", ""]}
    (question,) = load_questions(written(tmp_path / "q.jsonl", more)).questions
    assert question.references == ("Yes", "It does")
    none = {"id": "2", "question": "Why?", "kind": "unanswerable", "gold": []}
    (question,) = load_questions(written(tmp_path / "q.jsonl", none)).questions
    assert question.references == ()


@pytest.mark.parametrize("answers", ["Yes", [7]])
def test_reference_answers_that_are_no_texts_are_refused(tmp_path: Path, answers: object) -> None:
    assert "line 1: 'answers' must be a" in refusal(
        tmp_path / "q.jsonl", QUESTION | {"answers": answers}
    )


def test_a_question_may_have_spans_and_graded_documents(tmp_path: Path) -> None:
    (question,) = load_questions(written(tmp_path / "q.jsonl", GRADED | QUESTION)).questions
    assert (len(question.gold), len(question.documents)) == (1, 2)


@pytest.mark.parametrize("source", ["/home/ann/notes/rain.md", "upload:rain.md"])
def test_a_document_may_be_named_by_its_source_in_a_collection(tmp_path: Path, source: str) -> None:
    record = QUESTION | {"gold": [GOLD | {"document": source}]}
    (question,) = load_questions(written(tmp_path / "q.jsonl", record)).questions
    assert question.gold[0].document == source


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"gold": None}, "'gold' must be a list"),
        ({"gold": []}, "kind 'lookup' does not go with 0 gold spans"),
        ({"kind": "unanswerable"}, "kind 'unanswerable' does not go with 1 gold spans"),
        ({"question": ""}, "'question' is empty"),
        ({"gold": ["x"]}, "a gold span must be an object"),
        ({"documents": ["rain.md"]}, "'documents' must be an object of grades"),
        ({"documents": None}, "'documents' must be an object of grades, not None"),
        ({"documents": {"rain.md": "high"}}, "the grade of document 'rain.md' must be a whole"),
        ({"documents": {"rain.md": True}}, "the grade of document 'rain.md' must be a whole"),
        ({"documents": {"rain.md": 1.5}}, "the grade of document 'rain.md' must be a whole"),
        ({"documents": {"rain.md": 10**9}}, "the grade of document 'rain.md' must lie between"),
        ({"documents": {" ": 1}}, "'document' is empty"),
        ({"documents": {"../rain.md": 1}}, "document '../rain.md' must be a path below"),
    ],
)
def test_a_question_that_is_none_is_refused(
    tmp_path: Path, change: Mapping[str, object], complaint: str
) -> None:
    told = refusal(tmp_path / "questions.jsonl", QUESTION | dict(change))
    assert f"questions.jsonl', line 1: {complaint}" in told


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"documents": {"rain.md": 0}}, "no document of 'documents' has a grade above 0"),
        ({"documents": {}}, "kind 'lookup' does not go with 0 gold spans"),
        (
            {"kind": "unanswerable"},
            "kind 'unanswerable' does not go with 0 gold spans and 2 graded documents",
        ),
    ],
)
def test_graded_documents_must_fit_the_kind(
    tmp_path: Path, change: Mapping[str, object], complaint: str
) -> None:
    assert complaint in refusal(tmp_path / "questions.jsonl", GRADED | dict(change))


def test_an_unanswerable_question_may_spell_out_that_it_has_neither(tmp_path: Path) -> None:
    record = QUESTION | {"kind": "unanswerable", "gold": [], "documents": {}}
    (question,) = load_questions(written(tmp_path / "q.jsonl", record)).questions
    assert not question.answerable


def test_a_document_graded_twice_is_refused(tmp_path: Path) -> None:
    line = json.dumps(GRADED).replace("snow.md", "rain.md")
    path = tmp_path / "questions.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(UserError, match=r"line 1: .*the key 'rain\.md' is there twice"):
        load_questions(path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"document": "../secret.md"}, "must be a path below the documents' folder"),
        ({"start": True}, "'start' and 'end' must be offsets"),
        ({"start": -1, "end": 8}, "'start' and 'end' must be offsets"),
        ({"end": 13}, "span 3-13 is not as long as its quote (9)"),
    ],
)
def test_a_gold_span_that_is_none_is_refused(
    tmp_path: Path, change: Mapping[str, object], complaint: str
) -> None:
    record = QUESTION | {"gold": [GOLD | dict(change)]}
    assert complaint in refusal(tmp_path / "questions.jsonl", record)


def test_two_questions_with_one_id_are_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path / "questions.jsonl", QUESTION, QUESTION)
    assert "line 2: id '1' stands already on line 1" in told


def some_questions(*more: Question) -> QuestionSet:
    gold = Gold("notes/rain.md", "Es regnet\n– wieder\u2028\x85", Span(3, 23))
    return QuestionSet(
        "weather",
        (
            Question("1", "Does it rain?", "lookup", "Ja, „oft“", (gold,), {"rain.md": 2}),
            Question("2", "Does it snow?", "lookup", "", (), {"upload:snow.md": 1, "ice.md": -1}),
            Question("3", "Why?", "unanswerable", "", ()),
            *more,
        ),
    )


def test_what_is_written_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "weather.jsonl"
    write_questions(path, some_questions())
    assert load_questions(path) == some_questions()


def test_writing_the_same_again_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "weather.jsonl"
    write_questions(path, some_questions())
    before = path.read_bytes()
    write_questions(path, load_questions(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("question", "complaint"),
    [
        (Question("1", "Again?", "unanswerable", "", ()), "line 4: id '1' stands already"),
        (Question("4", "Why?", "lookup", "", ()), "line 4: kind 'lookup' does not go"),
        (Question("4", "\ud83d", "unanswerable", "", ()), "line 4: 'question' holds half"),
    ],
)
def test_what_could_not_be_read_is_not_written(
    tmp_path: Path, question: Question, complaint: str
) -> None:
    path = tmp_path / "weather.jsonl"
    path.write_text("what was there")
    with pytest.raises(UserError, match=complaint):
        write_questions(path, some_questions(question))
    assert [entry.name for entry in tmp_path.iterdir()] == ["weather.jsonl"]
    assert path.read_text() == "what was there"


def test_a_set_without_a_question_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must hold at least one line"):
        write_questions(tmp_path / "none.jsonl", QuestionSet("none", ()))
    assert not list(tmp_path.iterdir())
