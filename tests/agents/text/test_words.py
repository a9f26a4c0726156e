"""Words as they are compared."""

from __future__ import annotations

import pytest

from agents.text.words import content_words


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ("The power failed on 2026-06-03.", "3 June"),
        ("2026-06-11-power-cut-scan", "11 June"),
        ("Requests in 2026-12", "December"),
    ],
)
def test_a_date_in_figures_holds_the_words_it_is_asked_for_with(figures: str, said: str) -> None:
    assert set(content_words(said)) <= set(content_words(figures))


@pytest.mark.parametrize("text", ["part 2026-13", "12026-06-03", "version 1.2026"])
def test_what_is_no_date_holds_no_month(text: str) -> None:
    months = "January February March April May June July August September October November December"
    assert not set(content_words(months)) & set(content_words(text))
