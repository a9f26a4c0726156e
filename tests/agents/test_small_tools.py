"""The tools that read around, list, know the date, and keep notes and memories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.acting.commands import COMMANDS, run_command
from agents.records.answers import Answer
from agents.records.steps import Answered
from agents.tools import TOOLS, Desk, Tool
from agents.tools.dates import make_date_tool
from corpus.errors import Conflict, NotFound, UserError
from corpus.identity import Person
from corpus.records import Element, ElementKind, Parsed, Span, State
from tests.agents.notebook import Notebook
from tests.agents.shelf import Shelf

SEARCH, READ, LIST = (TOOLS[name] for name in ("search_corpus", "read_document", "list_documents"))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def desk(shelf: Shelf) -> Desk:
    notebook = Notebook()
    return Desk(shelf, shelf, memories=notebook, notes=notebook, source="thread-1")


def answer(desk: Desk, text: str) -> Answer:
    last = list(run_command(text, desk))[-1]
    assert isinstance(last, Answered)
    return last.answer


def test_a_search_can_be_limited_to_documents_by_name(desk: Desk) -> None:
    SEARCH({"query": "the", "documents": ["lunch.md"]}, desk)
    assert {p.document.title for p in desk.passages} == {"Lunch"}


def test_no_argument_widens_the_collection_of_the_desk(shelf: Shelf) -> None:
    narrow = Desk(shelf, shelf, "work")
    with pytest.raises(NotFound, match="no collection 'vault' in reach"):
        SEARCH({"query": "vault", "collection": "vault"}, narrow)
    assert "4711" in SEARCH({"query": "vault", "collection": "vault"}, Desk(shelf, shelf))
    with pytest.raises(NotFound, match=r"no document 'secret\.txt' in reach"):
        SEARCH({"query": "vault", "documents": ["secret.txt"]}, narrow)


@pytest.mark.parametrize(
    "arguments",
    [
        {"query": "x", "mode": "magic"},
        {"query": "x", "first_page": 4, "last_page": 2},
        {"query": "x", "k": 1000},
        {"query": "x", "surprise": 1},
        {"query": ""},
    ],
)
def test_wrong_arguments_are_named(desk: Desk, arguments: Mapping[str, Any]) -> None:
    with pytest.raises(UserError, match="'search_corpus' was called wrongly"):
        SEARCH(arguments, desk)


def test_what_stands_around_a_passage_is_read_by_its_number(desk: Desk) -> None:
    SEARCH({"query": "forty minutes"}, desk)
    number = next(p.number for p in desk.passages if "forty" in p.text)
    READ({"around": number}, desk)
    assert "every night" in desk.passages[-1].text
    assert "operator on duty" in desk.passages[-1].text
    with pytest.raises(NotFound, match="no passage 99"):
        READ({"around": 99}, desk)


def test_an_outline_gives_headings_with_where_they_start(desk: Desk, shelf: Shelf) -> None:
    text = "Plan\n\nwords\n\nCosts\n\nmore words\n"
    titles = (
        Element(ElementKind.TITLE, "Plan", Span(0, 4), page=1, level=1),
        Element(ElementKind.TITLE, "Costs", Span(13, 18), page=2, level=2),
    )
    shelf.put_parsed("/papers/plan.txt", Parsed(text, titles))
    said = READ({"document": "plan.txt", "outline": True}, desk)
    assert "Plan (start 0, page 1)" in said
    assert "  Costs (start 13, page 2)" in said
    assert READ({"document": "plan.txt", "start": 13}, desk).count("Costs") == 1
    assert "has no headings" in READ({"document": "lunch.md", "outline": True}, desk)


def test_documents_are_listed_with_counts_and_found_by_words(desk: Desk, shelf: Shelf) -> None:
    shelf.put_parsed(
        "/papers/broken.pdf", Parsed("", ()), state=State.CORRUPT, reason="its index is damaged"
    )
    shelf.put_parsed("/papers/x.md", Parsed("", ()), metadata={"author": "Kim"}, title="Extra")
    said = LIST({}, desk)
    assert "5 documents (1 corrupt, 4 indexed)" in said
    assert "broken.pdf" in said
    assert "corrupt: its index is damaged" in said
    assert "1 documents" in LIST({"words": "kim author"}, desk)
    assert "metadata: author" in LIST({"words": "extra"}, desk)
    assert "broken.pdf" in LIST({"state": "corrupt"}, desk)
    assert "no such document" in LIST({"words": "zebra"}, desk)
    with pytest.raises(UserError, match="there are indexed,"):
        LIST({"state": "lost"}, desk)


def test_a_long_list_comes_in_pieces_of_bounded_size(desk: Desk, shelf: Shelf) -> None:
    for n in range(100):
        shelf.put_parsed(f"/many/{n:03}{'x' * 300}.txt", Parsed("", ()), title="t" * 5000)
    said = LIST({"words": "many"}, desk)
    assert len(said) < 15_000
    assert "(70 more; list on with skip=30.)" in said
    assert "/many" not in said
    assert " 099x" in LIST({"words": "many", "skip": 90}, desk)


def test_a_list_holds_only_what_is_in_reach(shelf: Shelf) -> None:
    assert "secret" not in LIST({}, Desk(shelf, shelf, "work"))


@pytest.fixture
def dates() -> Tool:
    return make_date_tool(lambda: datetime(2026, 6, 30, 14, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "Today is Tuesday, 2026-06-30; it is 14:05 (UTC)."),
        ({"date": "1 January 2027"}, "Friday, 2027-01-01."),
        ({"date": "2026-06-01", "until": "today"}, "it is 29 days (4 weeks and 1 days)"),
        ({"date": "tomorrow", "until": "yesterday"}, "it is -2 days."),
        ({"add_days": 45}, "45 days on it is Friday, 2026-08-14."),
        ({"date": "2024-03-01", "add_days": -1}, "-1 days on it is Thursday, 2024-02-29."),
    ],
)
def test_dates_are_counted(dates: Tool, desk: Desk, arguments: Any, said: str) -> None:
    assert said in dates(arguments, desk)


@pytest.mark.parametrize(
    "arguments",
    [{"date": "3/4/2026"}, {"date": "2026-02-30"}, {"date": "9999-12-31", "add_days": 1}],
)
def test_what_is_no_date_is_said(dates: Tool, desk: Desk, arguments: Any) -> None:
    with pytest.raises(UserError, match=r"not plainly a date|beyond the calendar"):
        dates(arguments, desk)


def test_notes_are_written_once_for_a_key_and_read_by_title(desk: Desk) -> None:
    desk.key = "call-1"
    for _ in range(2):
        TOOLS["write_note"]({"title": "Plan", "text": "Begin on Monday."}, desk)
    assert isinstance(desk.notes, Notebook)
    assert len(desk.notes.written) == 1
    assert desk.notes.read("", "Plan").source == "thread-1"
    assert "Begin on Monday." in TOOLS["read_notes"]({"title": "Plan"}, desk)
    assert "Plan" in TOOLS["read_notes"]({}, desk)


def test_memories_belong_to_the_person_at_the_desk(shelf: Shelf) -> None:
    notebook = Notebook()
    ann, ben = (Desk(shelf, shelf, memories=notebook, person=Person(n)) for n in ("ann", "ben"))
    TOOLS["remember"]({"text": "Prefers short answers."}, ann)
    assert "short answers" in TOOLS["recall"]({"query": "answers"}, ann)
    assert "Nothing is remembered" in TOOLS["recall"]({"query": "answers"}, ben)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("write_note", {"title": "a", "text": "b"}),
        ("read_notes", {}),
        ("remember", {"text": "a"}),
        ("recall", {"query": "a"}),
    ],
)
def test_where_nothing_is_kept_that_is_said(shelf: Shelf, tool: str, arguments: Any) -> None:
    with pytest.raises(Conflict, match="no place for"):
        TOOLS[tool](arguments, Desk(shelf, shelf))


def test_a_person_uses_every_tool_by_command(desk: Desk) -> None:
    for typed, said in (
        ("/calc 15% of 80", "= 12 (exact)"),
        ("/date 2026-01-01 to 2026-02-01", "it is 31 days"),
        ("/date 2026-01-01 +31", "Sunday, 2026-02-01"),
        ("/date", "Today is "),
        ("/note Plan: begin on Monday", "'Plan' was written"),
        ("/notes", "Plan"),
        ("/notes Plan", "begin on Monday"),
        ("/remember I like soup", "I like soup"),
        ("/recall soup", "I like soup"),
        ("/list lunch", "lunch.md"),
    ):
        found = answer(desk, typed)
        assert said in found.text, typed
        assert not found.abstained
        assert "<data" not in found.text
    assert {command.tool for command in COMMANDS.values()} == set(TOOLS)


def test_help_names_every_command(desk: Desk) -> None:
    text = answer(desk, "/help").text
    assert all(command.usage in text for command in COMMANDS.values())


@pytest.mark.parametrize("typed", ["/note no colon", "/calc", "/remember", "/recall", "/note : x"])
def test_a_command_without_what_it_needs_says_so(desk: Desk, typed: str) -> None:
    with pytest.raises(UserError, match=r"needs more words|a title and a text"):
        list(run_command(typed, desk))
