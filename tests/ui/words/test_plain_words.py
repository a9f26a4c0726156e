"""States, sizes and moments in plain words; labels without Markdown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from corpus.records import State
from ui.words.plain_words import (
    age,
    engine_note,
    label,
    name_of,
    pages_words,
    size,
    state_words,
    visible,
)


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_words_and_says_whether_it_can_be_searched(state: State) -> None:
    told = state_words(state)
    assert told.name
    assert told.advice
    assert told.searchable == state.searchable


def test_an_unknown_state_is_shown_as_it_is() -> None:
    assert state_words("some_day").name == "Some day"


@pytest.mark.parametrize(
    "mark", ["[a](b)", "**a**", ":red[a]", ":material/home:", "$a$", "`a`", "<b>"]
)
def test_markdown_in_a_label_is_escaped(mark: str) -> None:
    unescaped = "".join(label(mark).split("\\"))
    assert unescaped == mark
    assert label(mark).count("\\") >= 2


@pytest.mark.parametrize("address", ["https://example.org", "www.example.org", "a@example.org"])
def test_an_address_in_a_label_is_broken_unseen(address: str) -> None:
    assert "\u2060" in label(address)


def test_a_long_label_is_cut() -> None:
    assert label("word " * 40, 20) == "word word word word…"


def test_a_name_with_line_breaks_and_reordering_marks_stays_on_one_line() -> None:
    assert visible("a\nb\u202ecod.exe\u200f") == "a bcod.exe"


@pytest.mark.parametrize(
    ("source", "name"),
    [("upload:my notes.pdf", "my notes.pdf"), ("/srv/docs/a.md", "a.md"), ("upload:", "upload:")],
)
def test_a_source_is_named_by_its_file(source: str, name: str) -> None:
    assert name_of(source) == name


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (3 * 10**9, "3.0 GB")]
)
def test_sizes_are_said_in_their_unit(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("day", "part"), [(20, "Today"), (19, "Yesterday"), (14, "Last 7 days"), (1, "Earlier")]
)
def test_a_moment_belongs_to_a_part_of_the_list(day: int, part: str) -> None:
    now = datetime(2026, 5, 20, 9, tzinfo=UTC)
    assert age(datetime(2026, 5, day, 8, tzinfo=UTC).isoformat(), now) == part


def test_the_extractive_engine_is_called_what_it_is() -> None:
    assert engine_note("extractive", "") == "Quoted from the documents, no language model"


def test_a_model_is_named() -> None:
    assert engine_note("openai", "llama") == "Written by llama from the sources above"
    assert "no source" in engine_note("openai", "llama", cites=False)


def test_pages_are_counted_by_where_their_text_came_from() -> None:
    pages = [
        {"number": 1, "origin": "text", "characters": 900},
        {"number": 2, "origin": "text", "characters": 700},
        {"number": 3, "origin": "ocr", "characters": 80},
        {"number": 4, "origin": "text", "characters": 0},
    ]
    assert pages_words(pages) == "4 pages: 2 text layer, 1 OCR, 1 nothing"
    assert pages_words(pages[:1]) == "1 page: 1 text layer"
    assert pages_words([]) == ""
