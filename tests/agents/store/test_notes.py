"""Notes belong to a person and are found by their title."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.store.memory import Chats
from agents.store.notes import StoredNotes
from corpus.errors import Conflict, NotFound, UserError
from corpus.home import Home


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[StoredNotes]:
    store = Chats(Home(tmp_path))
    yield store.notes
    store.close()


def test_a_note_replaces_the_one_of_its_title(notes: StoredNotes) -> None:
    first = notes.write("ada", "Plan", "One.", "t1")
    second = notes.write("ada", " Plan ", "Two.", "t2")
    assert (second.id, second.text, second.source) == (first.id, "Two.", "t2")
    assert notes.notes("ada") == [second] == [notes.read("ada", "Plan")]


def test_notes_are_nobody_elses(notes: StoredNotes) -> None:
    hers = notes.write("ada", "Plan", "Hers.", "t")
    his = notes.write("bob", "Plan", "His.", "t")
    assert his.id != hers.id
    assert notes.read("ada", "Plan").text == "Hers."
    for id in (hers.id, "nix"):
        for call in (
            lambda id=id: notes.edit("bob", id, "Plan", "x"),
            lambda id=id: notes.edit("bob", id, "Other", "x"),
            lambda id=id: notes.delete("bob", id),
            lambda id=id: notes.note("bob", id),
        ):
            with pytest.raises(NotFound, match=f"there is no note '{id}'"):
                call()


def test_a_repeated_call_does_not_undo_what_came_after_it(notes: StoredNotes) -> None:
    made = notes.write("ada", "Plan", "One.", "t", key="k")
    notes.edit("ada", made.id, None, "Two.")
    assert notes.write("ada", "Plan", "One.", "t", key="k").text == "Two."
    notes.delete("ada", made.id)
    notes.write("ada", "Plan", "One.", "t", key="k")
    assert notes.notes("ada") == []


def test_a_note_can_be_renamed_but_not_onto_another(notes: StoredNotes) -> None:
    plan, list_ = notes.write("ada", "Plan", "p", "t"), notes.write("ada", "List", "l", "t")
    assert notes.edit("ada", plan.id, "Old plan", None).title == "Old plan"
    with pytest.raises(Conflict, match="'List'"):
        notes.edit("ada", plan.id, "List", None)
    assert notes.note("ada", list_.id) == list_


def test_empty_and_missing_notes_are_refused(notes: StoredNotes) -> None:
    for title, text in (("", "x"), ("x", " "), ("x" * 201, "x")):
        with pytest.raises(UserError):
            notes.write("ada", title, text, "t")
    with pytest.raises(NotFound, match="'Nix'"):
        notes.read("ada", "Nix")


def test_a_deleted_note_is_not_in_the_file_any_more(notes: StoredNotes, tmp_path: Path) -> None:
    made = notes.write("ada", "Plan", "quartz-" * 5_000, "t")
    notes.delete("ada", made.id)
    files = sorted(tmp_path.glob("chats.sqlite*"))
    assert b"quartz-" not in b"".join(path.read_bytes() for path in files)
