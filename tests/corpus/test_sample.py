"""The bundled knowledge base: what it holds, and that its questions point where they say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import FileProblem
from corpus.records import State
from corpus.sample.build.__main__ import DOCUMENTS, build_documents
from corpus.sample.build.spans import Squeezed, find_span
from ingest.parsing import parse_file

SAMPLE = Path(__file__).resolve().parents[2] / "corpus" / "sample"
ROOT = SAMPLE / "documents"
ENCRYPTED = "finance/support-contract-confidential.pdf"

Question = dict[str, Any]


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    lines = (SAMPLE / "questions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def texts(names: list[str]) -> dict[str, str]:
    """Canonical text of every readable document, each parsed once: the scans take seconds."""
    return {name: parse_file(ROOT / name).text for name in names if name != ENCRYPTED}


@pytest.fixture(scope="module")
def names() -> list[str]:
    found = [path for path in ROOT.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def test_the_sample_holds_every_promised_format(names: list[str]) -> None:
    count = Counter(Path(name).suffix for name in names)
    least = {".pdf": 8, ".docx": 4, ".pptx": 2, ".xlsx": 3, ".csv": 2, ".html": 3, ".md": 6}
    least |= {".eml": 3, ".txt": 2, ".py": 1, ".sh": 1, ".toml": 1, ".png": 2}
    assert set(count) == set(least)
    assert not {suffix: count[suffix] for suffix, n in least.items() if count[suffix] < n}


def test_the_sample_stays_small(names: list[str]) -> None:
    assert sum((ROOT / name).stat().st_size for name in names) < 6_000_000


def test_every_kind_of_question_is_there_often_enough(questions: list[Question]) -> None:
    count = Counter(question["kind"] for question in questions)
    assert set(count) == {"single", "multi", "table", "unanswerable"}
    assert sum(count.values()) - count["unanswerable"] >= 120
    assert count["unanswerable"] >= 40
    assert count["multi"] >= 20
    assert count["table"] >= 15


def test_ids_and_wordings_are_unique(questions: list[Question]) -> None:
    assert len({question["id"] for question in questions}) == len(questions)
    assert len({question["question"].casefold() for question in questions}) == len(questions)


def test_a_question_has_an_answer_and_gold_or_neither(questions: list[Question]) -> None:
    for question in questions:
        silent = question["kind"] == "unanswerable"
        assert (question["answer"] is None) == silent, question["id"]
        assert (question["gold"] == []) == silent, question["id"]


def test_a_question_over_two_documents_has_gold_in_exactly_two(questions: list[Question]) -> None:
    for question in questions:
        if question["kind"] == "multi":
            assert len({entry["document"] for entry in question["gold"]}) == 2, question["id"]


def test_every_gold_span_is_the_quote_in_the_parsed_text(
    questions: list[Question], texts: dict[str, str]
) -> None:
    wrong = [
        (question["id"], entry["quote"])
        for question in questions
        for entry in question["gold"]
        if not entry["quote"]
        or texts[entry["document"]][entry["start"] : entry["end"]] != entry["quote"]
    ]
    assert not wrong, "run `python -m corpus.sample.build questions`"


def test_every_readable_document_is_asked_about(
    questions: list[Question], texts: dict[str, str]
) -> None:
    asked = {entry["document"] for question in questions for entry in question["gold"]}
    assert asked == set(texts)


def test_the_encrypted_document_is_refused_as_encrypted() -> None:
    with pytest.raises(FileProblem) as caught:
        parse_file(ROOT / ENCRYPTED)
    assert caught.value.state is State.ENCRYPTED


def test_the_authored_questions_are_the_published_ones(questions: list[Question]) -> None:
    lines = (SAMPLE / "build" / "questions.jsonl").read_text("utf-8").splitlines()

    def outline(question: Question) -> tuple[Any, ...]:
        documents = [entry["document"] for entry in question["gold"]]
        return tuple(question[key] for key in ("id", "question", "kind", "answer")), documents

    assert [outline(json.loads(line)) for line in lines] == [outline(one) for one in questions]


def test_building_again_gives_the_same_bytes(tmp_path: Path) -> None:
    build_documents(tmp_path)
    built = {name: (tmp_path / name).read_bytes() for name in DOCUMENTS}
    assert not [name for name in DOCUMENTS if built[name] != (ROOT / name).read_bytes()]


def test_every_binary_document_comes_from_the_build(names: list[str]) -> None:
    binary = {".pdf", ".docx", ".pptx", ".xlsx", ".png"}
    assert {name for name in names if Path(name).suffix in binary} == set(DOCUMENTS)


def test_a_quote_is_found_across_line_ends_and_table_marks() -> None:
    text = "Item | Price\nrack\nshelf | 64.00\n"
    start, end = find_span("rack shelf 64.00", Squeezed(text))
    assert text[start:end] == "rack\nshelf | 64.00"


def test_a_quote_that_stands_twice_needs_its_occurrence() -> None:
    document = Squeezed("one two one")
    with pytest.raises(ValueError, match="2 times"):
        find_span("one", document)
    assert find_span("one", document, occurrence=2) == (8, 11)


def test_a_scan_may_differ_in_a_letter_but_not_in_everything() -> None:
    text = "It says: Fuse 1O A, shelf B1."
    start, end = find_span("Fuse 10 A, shelf B1", Squeezed(text), roughly=True)
    assert text[start:end] == "Fuse 1O A, shelf B1"
    with pytest.raises(ValueError, match="not even roughly"):
        find_span("Hardware tokens, drawer", Squeezed(text), roughly=True)
