"""Tools do the same for the agent and for a person with a slash command."""

from __future__ import annotations

import pytest

from agents.acting.commands import is_command, run_command
from agents.records.answers import Answer
from agents.records.steps import Answered, Retrieved, Step, ToolCall, ToolResult
from agents.tools import TOOLS, Desk, Label
from corpus.errors import NotFound, UserError
from corpus.records import Document, State
from tests.agents.shelf import Shelf

SEARCH, READ = TOOLS["search_corpus"], TOOLS["read_document"]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def desk(shelf: Shelf) -> Desk:
    return Desk(shelf, shelf)


def command(desk: Desk, text: str) -> tuple[list[Step], Answer]:
    steps = list(run_command(text, desk))
    last = steps[-1]
    assert isinstance(last, Answered)
    return steps, last.answer


def test_every_passage_is_the_stored_text_at_its_span(desk: Desk, shelf: Shelf) -> None:
    SEARCH({"query": "backups canteen vault"}, desk)
    assert len({p.document.id for p in desk.passages}) == 3
    for passage in desk.passages:
        stored = shelf.text(passage.document.id)
        assert stored[passage.span.start : passage.span.end] == passage.text


def test_a_passage_found_twice_keeps_its_number(desk: Desk) -> None:
    first = SEARCH({"query": "soup"}, desk)
    second = SEARCH({"query": "soup fridays"}, desk)
    assert len(desk.passages) == 1
    assert first == second


def test_finding_nothing_says_so(desk: Desk) -> None:
    assert "Nothing was found" in SEARCH({"query": "quasar"}, desk)


@pytest.mark.parametrize("name", ["backups.pdf", "BACKUPS", "/papers/backups.pdf"])
def test_a_document_is_found_by_any_of_its_names(desk: Desk, name: str) -> None:
    assert "Backups run every night" in READ({"document": name}, desk)


def test_the_ending_of_a_file_name_may_be_left_out(desk: Desk, shelf: Shelf) -> None:
    shelf._put("/papers/plan-b.md", "Another way", ("Walk home.\n",), "work")
    assert "Walk home" in READ({"document": "Plan-B"}, desk)


def test_an_uploaded_document_is_found_like_one_of_a_folder(desk: Desk, shelf: Shelf) -> None:
    shelf._put("upload:plan-c.md", "Another way", ("Swim home.\n",), "work")
    for name in ("plan-c.md", "plan-c", "upload:plan-c.md"):
        assert "Swim home" in READ({"document": name}, desk)


def test_a_name_that_fits_several_documents_lists_their_ids(desk: Desk, shelf: Shelf) -> None:
    other = shelf._put("/old/backups.pdf", "Old", ("Tapes.",), "work")
    with pytest.raises(NotFound, match=other.id):
        READ({"document": "backups.pdf"}, desk)
    assert "Tapes." in READ({"document": other.id}, desk)


def test_one_page_is_read_alone(desk: Desk) -> None:
    text = READ({"document": "backups.pdf", "page": 2}, desk)
    assert "forty minutes" in text
    assert "every night" not in text
    assert "|From: Backups, page 2\n" in text


def test_a_page_that_is_not_there_is_named_with_how_many_there_are(desk: Desk) -> None:
    with pytest.raises(NotFound, match=r"no page 9: it has 2 pages"):
        READ({"document": "backups.pdf", "page": 9}, desk)
    with pytest.raises(NotFound, match="no pages; read it by start"):
        READ({"document": "lunch.md", "page": 1}, desk)


def test_a_long_document_is_read_piece_by_piece_to_its_end(desk: Desk, shelf: Shelf) -> None:
    long = shelf._put("/papers/long.txt", "Long", ("word " * 3000,), "work")
    start = 0
    for _ in range(10):
        text = READ({"document": long.id, "start": start}, desk)
        if "read on with start=" not in text:
            break
        start = int(text.rsplit("start=", 1)[1].rstrip(".)"))
    assert "".join(p.text for p in desk.passages) == shelf.text(long.id)
    with pytest.raises(UserError, match="has 15000 characters"):
        READ({"document": long.id, "start": 15_000}, desk)


def test_an_unreadable_document_says_why(desk: Desk, shelf: Shelf) -> None:
    source, state, reason = "/papers/broken.pdf", State.CORRUPT, "its index is damaged"
    broken = Document("b" * 16, source, "", "", "", "work", 0, state, reason)
    shelf._documents.append(broken)
    with pytest.raises(NotFound, match="its index is damaged"):
        READ({"document": "broken.pdf"}, desk)


READS = frozenset({Label.READS_PRIVATE, Label.READS_UNTRUSTED})


def test_these_are_the_tools_and_what_they_touch() -> None:
    assert {name: tool.labels for name, tool in TOOLS.items()} == {
        "search_corpus": READS,
        "read_document": READS,
        "list_documents": READS,
        "query_table": READS,
        "calculator": frozenset(),
        "date": frozenset(),
        "read_notes": READS,
        "write_note": {Label.WRITES},
        "recall": READS,
        "remember": {Label.WRITES},
    }


def test_what_writes_or_leaves_needs_approval_and_nothing_else_does() -> None:
    for tool in TOOLS.values():
        touches = bool(tool.labels & {Label.WRITES, Label.LEAVES_MACHINE})
        assert tool.needs_approval is touches, tool.name


def test_what_writes_may_be_repeated_with_its_key() -> None:
    assert all(tool.repeatable for tool in TOOLS.values() if Label.WRITES in tool.labels)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/search words", True),
        ("/help", True),
        ("  /READ x ", True),
        ("/nosuch thing", True),
        ("/etc/hosts is what?", False),
        ("what is /search?", False),
        ("/ 5 of them", False),
    ],
)
def test_a_command_begins_with_a_slash_and_a_word(text: str, expected: bool) -> None:
    assert is_command(text) is expected


def test_search_quotes_and_cites_every_passage(desk: Desk, shelf: Shelf) -> None:
    steps, answer = command(desk, "/search backups kept")
    assert [s.kind for s in steps] == ["tool_call", "retrieved", "tool_result", "answered"]
    call, shown, result = steps[:3]
    assert isinstance(call, ToolCall)
    assert isinstance(shown, Retrieved)
    assert isinstance(result, ToolResult)
    assert (call.name, call.arguments["query"], result.ok) == (
        "search_corpus",
        "backups kept",
        True,
    )
    assert (answer.engine, answer.abstained) == ("command", False)
    assert [c.n for c in answer.citations] == [p.number for p in shown.passages]
    for citation in answer.citations:
        span = citation.span
        assert shelf.text(citation.document)[span.start : span.end] == citation.quote
        assert f"[{citation.n}]" in answer.text


def test_read_takes_a_name_with_spaces_and_a_page(desk: Desk, shelf: Shelf) -> None:
    shelf._put("/papers/my notes.txt", "Notes", ("One.\n", "Two.\n"), "work")
    assert "Two." in command(desk, "/read my notes.txt 2")[1].text
    assert "One.\nTwo." in command(desk, "/read my notes.txt")[1].text


def test_a_search_without_hits_is_no_answer(desk: Desk) -> None:
    _, answer = command(desk, "/search quasar")
    assert (answer.abstained, answer.citations) == (True, ())


def test_an_unknown_command_lists_the_known_ones(desk: Desk) -> None:
    with pytest.raises(
        UserError, match=r"'/fly'.*/search words \[key=value …\], /read document \[page\], .*/help"
    ):
        list(run_command("/fly home", desk))


def test_a_command_without_its_words_shows_how_it_is_used(desk: Desk) -> None:
    with pytest.raises(UserError, match=r"/read document \[page\]"):
        list(run_command("/read", desk))


def test_help_names_every_command(desk: Desk) -> None:
    _, answer = command(desk, "/help")
    for usage in ("/search words", "/read document [page]", "/help"):
        assert usage in answer.text


def test_commands_stay_in_their_collection(shelf: Shelf) -> None:
    desk = Desk(shelf, shelf, "work")
    assert command(desk, "/search vault code")[1].abstained
    with pytest.raises(NotFound):
        list(run_command("/read secret.txt", desk))


@pytest.mark.parametrize(
    ("typed", "query", "filters"),
    [
        ("soup author=Kim", "soup", {"author": "Kim"}),
        ('project="Blue Sky" soup on  fridays', "soup on fridays", {"project": "Blue Sky"}),
        ("soup author=Kim year=2026", "soup", {"author": "Kim", "year": "2026"}),
        ("KEEP_DAYS=30", "KEEP_DAYS=30", {}),
        ("why is a == b and x=", "why is a == b and x=", {}),
    ],
)
def test_a_search_takes_what_documents_must_have(
    desk: Desk, typed: str, query: str, filters: dict[str, str]
) -> None:
    (call, *_), _ = command(desk, f"/search {typed}")
    assert isinstance(call, ToolCall)
    assert call.arguments["query"] == query
    assert call.arguments.get("filters", {}) == filters


def test_help_says_how_a_search_is_limited(desk: Desk) -> None:
    assert "author=Kim" in command(desk, "/help")[1].text
