"""How a document's pages were read, in bars and in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.api.wire import PageJson
from ui.words.shelf_words import (
    MOST_BARS,
    end_of,
    minutes,
    ranges,
    states_named,
    states_words,
    strip_of,
)


def page(number: int, origin: str = "text", characters: int = 900) -> PageJson:
    return {"number": number, "origin": origin, "characters": characters}


def test_of_a_long_path_the_end_is_shown() -> None:
    assert end_of("/srv/documents/operations/incidents/disk-full.txt") == (
        "…/operations/incidents/disk-full.txt"
    )
    assert end_of("reports/q1.pdf") == "reports/q1.pdf"


def test_pages_are_told_by_where_their_text_came_from() -> None:
    pages = [page(1), page(2, "ocr", 300), page(3, "ocr", 450), page(4, "text", 0)]
    strip = strip_of(pages)
    assert (
        strip.words == "1 page from the text layer; 2 pages by OCR (2–3); 1 page without text (4)"
    )
    assert [bar.origin for bar in strip.bars] == ["text", "ocr", "ocr", "none"]
    assert [bar.height for bar in strip.bars] == [1.0, 0.333, 0.5, 0.0]


@given(st.integers(1, 3_000))
def test_no_page_is_left_out_and_there_are_never_too_many_bars(count: int) -> None:
    strip = strip_of([page(n) for n in range(1, count + 1)])
    assert len(strip.bars) <= MOST_BARS
    assert strip.bars[-1].words.split(":")[0].endswith(str(count))


def test_of_pages_in_one_bar_the_worst_is_shown() -> None:
    pages = [page(n, characters=0 if n == 7 else 10) for n in range(1, 1_001)]
    assert strip_of(pages).bars[0].origin == "none"


def test_a_document_without_pages_has_no_bars() -> None:
    assert strip_of([]).bars == ()


@pytest.mark.parametrize(
    ("numbers", "said"), [([1], "1"), ([1, 2, 3, 7], "1–3, 7"), (list(range(1, 60, 2)), None)]
)
def test_numbers_are_said_as_runs(numbers: list[int], said: str | None) -> None:
    assert ranges(numbers) == said if said else ranges(numbers).endswith(", …")


def test_states_of_one_name_are_counted_together() -> None:
    assert states_words({"indexed": 2, "unchanged": 1, "encrypted": 1}) == {"Ready": 3, "Locked": 1}
    assert states_named("Ready") == ["indexed", "unchanged"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "less than a minute"), (62, "about a minute"), (600, "about 10 minutes")],
)
def test_time_that_is_left_is_said_roughly(seconds: float, said: str) -> None:
    assert minutes(seconds) == said
