"""Verdicts in the chat become questions with gold, and what cannot become one is counted."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from agents.measuring.feedback import LONGEST_SOURCE, feedback_questions
from agents.store.chat_tables import _MIGRATIONS
from agents.store.memory import Chats
from corpus.home import Home
from corpus.questions import UNANSWERABLE, Question
from corpus.records import Span
from tests.fakes import FakeLLMServer
from tests.service_bench import ServiceBench

SOURCE = "/papers/backups.md"
QUOTE = "They are kept for thirty days."
CITATION = {
    "n": 1, "document": "d1", "source": SOURCE, "page": None, "start": 43, "end": 73,
    "quote": QUOTE, "support": 0.9,
}  # fmt: skip


def verdict(question: str | None = "How long are backups kept?", **fields: Any) -> dict[str, Any]:
    return {
        "question": question, "answer": "Thirty days.", "rating": 1, "citations": [CITATION],
        "sources": [], "unanswerable": False, "abstained": False, "position": 1, **fields,
    }  # fmt: skip


def only(*verdicts: dict[str, Any]) -> Question:
    (question,) = feedback_questions(verdicts).questions.questions
    return question


def why_left_out(**fields: Any) -> str:
    made = feedback_questions([verdict(**fields)])
    assert not made.questions.questions
    ((reason, count),) = made.left_out.items()
    assert count == 1
    return reason


def test_a_right_answer_gives_its_citations_as_gold_and_its_text_as_reference() -> None:
    question = only(verdict())
    assert (question.text, question.answer) == ("How long are backups kept?", "Thirty days.")
    (gold,) = question.gold
    assert (gold.document, gold.quote, gold.span) == (SOURCE, QUOTE, Span(43, 73))


def test_a_corrected_source_is_the_gold_and_the_wrong_answer_no_reference() -> None:
    right = {"document": "d2", "source": "upload:b.pdf", "start": 0, "end": 4, "quote": "Noon"}
    question = only(verdict(rating=-1, sources=[right]))
    assert question.answer == ""
    assert [(g.document, g.quote) for g in question.gold] == [("upload:b.pdf", "Noon")]


@pytest.mark.parametrize(
    "fields", [{"rating": -1, "unanswerable": True}, {"abstained": True, "citations": []}]
)
def test_where_the_documents_do_not_say_there_is_no_gold(fields: dict[str, Any]) -> None:
    question = only(verdict(**fields))
    assert (question.kind, question.gold, question.answer) == (UNANSWERABLE, (), "")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rating": -1}, "not what is right"),
        ({"citations": []}, "cites nothing"),
        ({"question": None}, "not known any more"),
        ({"question": "/search backups"}, "about a command"),
        ({"question": "And on Fridays?", "position": 3}, "only after the ones before"),
    ],
)
def test_what_is_left_out_says_why(fields: dict[str, Any], reason: str) -> None:
    assert reason in why_left_out(**fields)


def test_of_two_verdicts_on_one_question_the_latest_wins() -> None:
    later = verdict("how long are  BACKUPS kept?", rating=-1, unanswerable=True)
    made = feedback_questions([later, verdict()])
    assert [q.kind for q in made.questions.questions] == [UNANSWERABLE]
    assert made.left_out == {"there is a later verdict on the same question": 1}


def test_gold_of_documents_that_are_not_there_is_left_out() -> None:
    made = feedback_questions([verdict()], ["/papers/other.md"])
    assert made.left_out == {"its source is not among the documents": 1}
    assert feedback_questions([verdict()], [SOURCE]).answerable == 1


def test_a_question_keeps_its_id_whatever_else_is_rated() -> None:
    first, second = feedback_questions([verdict(), verdict("Who cooks?")]).questions.questions
    assert second.id == only(verdict()).id
    assert first.id != second.id


# Over the service


@pytest.fixture
def rated(bench: ServiceBench, llm: FakeLLMServer) -> tuple[ServiceBench, str]:
    llm.say("Thirty days [1].")
    _, message = bench.answer()
    return bench, str(message["id"])


def rate(bench: ServiceBench, message: str, status: int = 201, **fields: Any) -> Any:
    return bench.post("/v1/feedback", {"message": message, "rating": -1, **fields}, status)


def a_document(bench: ServiceBench) -> str:
    documents = bench.get("/v1/documents", params={"collection": "work"})["documents"]
    return str(next(d["id"] for d in documents if d["source"].endswith("lunch.txt")))


def test_a_verdict_comes_back_with_its_message(rated: tuple[ServiceBench, str]) -> None:
    bench, message = rated
    document = a_document(bench)
    rate(bench, message, comment="no", sources=[{"document": document, "start": 4, "end": 11}])
    (thread,) = bench.get("/v1/threads")["threads"]
    kept = bench.get(f"/v1/threads/{thread['id']}")["messages"]
    assert kept[0]["feedback"] is None
    (source,) = kept[1]["feedback"].pop("sources")
    assert kept[1]["feedback"] == {"rating": -1, "comment": "no", "unanswerable": False}
    assert (source["quote"], source["start"], source["end"]) == ("canteen", 4, 11)
    (made,) = feedback_questions(bench.app.chats.feedback()).questions.questions
    assert made.gold[0].quote == "canteen"
    assert made.gold[0].document.endswith("work/lunch.txt")


@pytest.mark.parametrize(
    ("start", "end"), [(5, 5), (9, 3), (0, 10**6), (10**6, 10**6 + 1), (0, LONGEST_SOURCE + 1)]
)
def test_a_span_outside_its_text_is_refused(
    rated: tuple[ServiceBench, str], start: int, end: int
) -> None:
    bench, message = rated
    sources = [{"document": a_document(bench), "start": start, "end": end}]
    refused = rate(bench, message, 400, sources=sources)
    assert "stretch of the text" in refused["error"]["message"]
    assert bench.app.chats.feedback() == []


def test_unknown_documents_and_contradictions_are_refused(
    rated: tuple[ServiceBench, str],
) -> None:
    bench, message = rated
    rate(bench, message, 404, sources=[{"document": "nix", "start": 0, "end": 1}])
    sources = [{"document": a_document(bench), "start": 0, "end": 1}]
    rate(bench, message, 400, sources=sources, unanswerable=True)
    assert bench.app.chats.feedback() == []


def test_chats_of_the_second_version_keep_their_verdicts(tmp_path: Path) -> None:
    home = Home(tmp_path)
    db = sqlite3.connect(home.chats)
    for script in _MIGRATIONS[:2]:
        db.executescript(script)
    db.executescript(
        """PRAGMA user_version = 2;
        INSERT INTO threads (id, title, created, updated) VALUES ('t', 'T', '1', '1');
        INSERT INTO messages (id, thread, position, role, content, created)
            VALUES ('m', 't', 1, 'assistant', 'Noon.', '1');
        INSERT INTO feedback VALUES ('m', 1, 'good', '1');"""
    )
    db.close()
    chats = Chats(home)
    (kept,) = chats.feedback()
    assert (kept["rating"], kept["comment"], kept["sources"]) == (1, "good", [])
    assert kept["unanswerable"] is False
    chats.close()
