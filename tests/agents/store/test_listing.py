"""Threads are listed pinned first, searched by all words in any case, and given page by page."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from agents.store.memory import Chats
from agents.store.outcome import Outcome
from agents.store.search_words import snippet, words_of
from corpus.errors import NotFound, UserError
from corpus.home import Home


def talk(chats: Chats, title: str, *turns: tuple[str, str], owner: str = "") -> str:
    thread = str(chats.create_thread(title, owner)["id"])
    for question, answer in turns:
        ids = chats.log.begin(thread, question, "answer", None)
        chats.log.finish(ids["run"], "done", [], Outcome(answer))
    return thread


def titles(chats: Chats, query: str = "", owner: str = "") -> list[str]:
    return [thread["title"] for thread in chats.threads(owner, query)["threads"]]


def test_pinned_threads_come_first_and_then_the_last_used(chats: Chats) -> None:
    first, _, third = (talk(chats, name) for name in ("first", "second", "third"))
    assert titles(chats) == ["third", "second", "first"]
    assert chats.change_thread(first, pinned=True)["pinned"] is True
    assert titles(chats) == ["first", "third", "second"]
    assert chats.thread(first)["pinned"] is True
    chats.change_thread(third, pinned=True, title="Third")
    assert titles(chats) == ["Third", "first", "second"]
    chats.change_thread(first, pinned=False)
    assert titles(chats) == ["Third", "second", "first"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("thirty", ["Backups"]),
        ("THIRTY Nights", ["Backups"]),
        ("thirty soup", []),
        ("canteen backup", ["Lunch"]),
        ("canteen thirty", []),
        ("backups", ["Lunch", "Backups"]),  # the title of one, a message of the other
        ("BACKUPS canteen", ["Lunch"]),  # the words may be in different messages
        ("canteen lunch", ["Lunch"]),  # in the title and in a message
        ("ight", ["Backups"]),
        ("straße", ["Straßen"]),
        ("STRASSE", ["Straßen"]),
        ("東京", ["Straßen"]),
        ("thirty-days", ["Backups"]),
        ("???", []),
        ("  ", ["Straßen", "Lunch", "Backups"]),
        ("%", []),
        ("' OR 1=1 --", []),
    ],
)
def test_a_search_finds_all_words_in_any_case_in_titles_and_messages(
    chats: Chats, query: str, found: list[str]
) -> None:
    talk(chats, "Backups", ("How long?", "Thirty days."), ("When?", "At night, all nights."))
    talk(chats, "Lunch", ("When does the canteen open?", "At noon."), ("Has it backups?", "No."))
    talk(chats, "Straßen", ("Wo?", "An der Hauptstraße in 東京都."))
    talk(chats, "Backups of somebody else", ("Thirty?", "Thirty."), owner="ada")
    assert titles(chats, query) == found


def test_a_renamed_thread_is_found_by_its_new_title_only(chats: Chats) -> None:
    thread = talk(chats, "Old name")
    chats.change_thread(thread, title="New name")
    assert (titles(chats, "old"), titles(chats, "new")) == ([], ["New name"])


def test_a_question_is_found_before_it_is_answered(chats: Chats) -> None:
    chats.log.begin(talk(chats, "t"), "Where is the quokka?", "answer", None)
    assert titles(chats, "quokka") == ["t"]


def test_the_snippet_shows_the_words_where_they_are(chats: Chats) -> None:
    long = "Nothing of note. " * 40
    talk(chats, "t", ("A", f"{long}The **quokka** sleeps\nby day. {long}"), ("B", "Its name?"))
    (found,) = chats.threads(query="QUOKKA day")["threads"]
    assert "The **quokka** sleeps by day." in found["snippet"]
    assert found["snippet"].startswith("…")
    assert found["snippet"].endswith("…")
    assert len(found["snippet"]) <= 162
    assert chats.threads()["threads"][0]["snippet"] == ""
    assert chats.threads(query="t")["threads"] != []


def test_a_snippet_is_on_one_line_and_inert() -> None:
    assert snippet(["a\u202eb\x1b[31m\nthe word\n\n"], ["word"]) == "ab the word"
    assert snippet(["nothing"], ["word"]) == ""
    assert snippet(["one of them", "both: one two"], ["one", "two"]) == "both: one two"
    assert snippet(["Die STRASSE"], words_of("straße")) == "Die STRASSE"


def test_pages_join_up_whatever_their_length(chats: Chats) -> None:
    threads = [talk(chats, f"n{n}") for n in range(11)]
    for thread in threads[2:5]:
        chats.change_thread(thread, pinned=True)
    whole = chats.threads()
    assert (whole["total"], whole["next"]) == (11, None)
    for limit in (1, 3, 10, 11, 12):
        after, seen = None, []
        while True:
            page = chats.threads(limit=limit, after=after)
            assert page["total"] == 11
            seen += page["threads"]
            after = page["next"]
            if after is None:
                break
            assert len(page["threads"]) == limit
        assert seen == whole["threads"]


def test_a_page_goes_on_where_the_last_one_ended_whatever_happened_since(chats: Chats) -> None:
    threads = [talk(chats, f"n{n}") for n in range(6)]
    page = chats.threads(limit=3)
    assert [t["title"] for t in page["threads"]] == ["n5", "n4", "n3"]
    chats.deleting.erase(threads[3])  # the last of the page
    talk(chats, "new")
    rest = chats.threads(limit=10, after=page["next"])
    assert [t["title"] for t in rest["threads"]] == ["n2", "n1", "n0"]


@pytest.mark.parametrize("token", ["", "x", "ä", "W10", "WzEsMl0", "bnVsbA", "WzFlOTk5LCJhIiwxXQ"])
def test_what_is_no_end_of_a_page_is_refused_in_a_sentence(chats: Chats, token: str) -> None:
    talk(chats, "t")
    with pytest.raises(UserError, match="leave it out"):
        chats.threads(after=token)


def test_what_an_older_alcove_wrote_is_found_after_the_upgrade(home: Home) -> None:
    chats = Chats(home)
    thread = talk(chats, "t", ("Where is the quokka?", "Asleep."))
    chats.close()
    with closing(sqlite3.connect(home.chats)) as db, db:
        db.execute("DELETE FROM thread_words")
    chats = Chats(home)
    assert [t["id"] for t in chats.threads(query="quokka asleep")["threads"]] == [thread]
    chats.close()


def test_changing_what_is_not_there_says_so(chats: Chats) -> None:
    thread = talk(chats, "t", owner="ada")
    for owner in ("", "bob"):
        with pytest.raises(NotFound, match="there is no thread"):
            chats.change_thread(thread, owner, pinned=True)
    assert chats.threads("ada")["threads"][0]["pinned"] is False
