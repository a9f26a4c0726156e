"""What is suggested to be asked next comes from headings and titles, and is what the documents answer."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from agents.answering.suggestions import suggestions
from corpus.records import Document, Passage, Span, State
from tests.agents.payloads import PAYLOADS

ASKED = ("How long are backups kept?",)


def passage(
    document: str, *headings: str, title: str = "Backup policy", text: str = "Of backups."
) -> Passage:
    about = Document(
        id=document,
        source=f"/{document}.pdf",
        sha256="0",
        media_type="application/pdf",
        title=title,
        collection="c",
        pages=1,
        state=State.INDEXED,
    )
    return Passage(1, about, Span(0, len(text)), text, 1, headings, 1.0)


def suggested(
    *passages: Passage, but: Collection[str] = (), asked: Collection[str] = ASKED
) -> list[str]:
    ids = {p.document.id for p in passages}

    def answers(question: str) -> Collection[str]:
        return () if any(word in question for word in but) else ids

    return suggestions(passages, asked, answers)


def test_a_heading_becomes_a_question_about_its_document() -> None:
    assert suggested(passage("a", "Backups", "3.2 Off-site copies:")) == [
        "What does “Backup policy” say about “Off-site copies”?"
    ]
    assert suggested(passage("a", "Who restores the tapes at night?")) == [
        "Who restores the tapes at night?"
    ]
    assert suggested(passage("a", "Off-site copies", title="notes.txt")) == [
        "What do the documents say about “Off-site copies”?"
    ]


def test_there_are_at_most_three_and_two_of_one_document_each_once() -> None:
    of_one = [passage("a", f"Topic {name}") for name in ("one", "two", "three", "two")]
    others = [passage(name, f"Matter {name}") for name in ("bb", "cc", "dd")]
    found = suggested(*of_one, *others)
    assert [question.split("“")[2][:-2] for question in found] == [
        "Topic one",
        "Topic two",
        "Matter bb",
    ]


def test_what_the_documents_do_not_answer_is_not_suggested() -> None:
    found = suggested(passage("a", "Restoring"), passage("b", "Tapes"), but=["Restoring"])
    assert found == ["What does “Backup policy” say about “Tapes”?"]
    assert suggested(passage("a", "Restoring"), but=["Restoring"]) == []


def test_what_another_document_answers_is_not_suggested_of_this_one() -> None:
    assert suggestions([passage("a", "Restoring")], ASKED, lambda question: {"b"}) == []


@pytest.mark.parametrize(
    "heading",
    ["Introduction", "1. Overview", "7", "2026-02-16", "", "x" * 91, "date | kwh | watts", "Backups kept long",
     "And then?", "\u202e\u200b"],
)  # fmt: skip
def test_what_says_nothing_new_is_not_suggested(heading: str) -> None:
    assert suggested(passage("a", heading)) == []


def test_what_was_asked_before_is_not_suggested_again() -> None:
    first = suggested(passage("a", "Off-site copies"))
    assert suggested(passage("a", "Off-site copies"), asked=[*ASKED, *first]) == []


def test_passages_that_share_no_word_with_the_question_suggest_nothing() -> None:
    assert suggested(passage("a", "Soup", title="Canteen", text="Of lunch.")) == []
    assert suggestions([], ASKED, lambda question: {"a"}) == []


def test_the_other_sections_of_the_first_document_are_suggested_too() -> None:
    found = suggestions(
        [passage("a", "Restoring"), passage("b", "Tapes")],
        ASKED,
        lambda question: {"a", "b"},
        lambda document: [f"Section of {document}"],
    )
    assert [question.split("“")[2][:-2] for question in found] == [
        "Restoring",
        "Section of a",
        "Tapes",
    ]


def test_few_questions_are_looked_into_however_many_passages_there_are() -> None:
    looked: list[str] = []

    def none(question: str) -> Collection[str]:
        looked.append(question)
        return ()

    suggestions([passage(f"{n}", f"Topic number {n}x{n}yz") for n in range(50)], ASKED, none)
    assert len(looked) == 5


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_heading_is_quoted_on_one_line(payload: str) -> None:
    for question in suggested(passage("a", payload, title=payload)):
        assert "\n" not in question
        assert len(question) < 250
