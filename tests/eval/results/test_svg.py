"""Scales put values where they belong, marks are round, and nothing from outside becomes markup."""

from __future__ import annotations

import pytest

from eval.results.svg import Frame, Scale, drawing, element, shortened, visible


def test_a_scale_is_linear_between_its_ends() -> None:
    scale = Scale(0, 10, 100, 200)
    assert [scale(value) for value in (0, 2.5, 10)] == [100, 125, 200]
    assert Scale(0, 1, 50, 10)(0.25) == 40  # upwards


def test_a_logarithmic_scale_gives_every_factor_the_same_way() -> None:
    scale = Scale(1, 100, 0, 100, log=True)
    assert [scale(value) for value in (1, 10, 100)] == pytest.approx([0, 50, 100])


@pytest.mark.parametrize("values", [[0.2, 0.9], [5.0], [0.0], [-3.0, -3.0], [1e-9, 2e-9]])
def test_a_scale_holds_its_values_with_room(values: list[float]) -> None:
    scale = Scale.around(values, 0, 100)
    assert all(0 < scale(value) < 100 for value in values)


@pytest.mark.parametrize(
    "ends", [(0, 1), (0.11, 0.23), (-0.4, 0.3), (880, 1930), (0, 7), (0, 1e-6)]
)
def test_marks_are_round_few_and_inside(ends: tuple[float, float]) -> None:
    ticks = Scale(*ends, 0, 1).ticks()
    assert 2 <= len(ticks) <= 6
    assert all(ends[0] - 1e-9 <= tick <= ends[1] + 1e-9 for tick in ticks)
    assert ticks == sorted(ticks)


def test_marks_of_a_wide_logarithmic_scale_are_powers() -> None:
    assert Scale(0.8, 1200, 0, 1, log=True).ticks() == pytest.approx([1, 10, 100, 1000])
    assert Scale(1.5, 30, 0, 1, log=True).ticks() == pytest.approx([2, 5, 10, 20])


def test_marks_of_a_narrow_logarithmic_scale_are_even() -> None:
    assert Scale(5, 14, 0, 1, log=True).ticks() == pytest.approx([6, 8, 10, 12, 14])


def test_what_is_not_an_element_is_escaped() -> None:
    inner = element("title", "<script>alert(1)</script> & co")
    assert str(element("text", inner, "a < b", class_="tick", x=1.0, aria_label='"><b>')) == (
        '<text class="tick" x="1" aria-label="&#34;&gt;&lt;b&gt;">'
        "<title>&lt;script&gt;alert(1)&lt;/script&gt; &amp; co</title>a &lt; b</text>"
    )


def test_characters_that_hide_or_turn_text_round_are_shown() -> None:
    assert visible("a\u202egnp.exe") == "a[U+202E]gnp.exe"
    assert visible("zero\u200bwidth \x00 \ufeff \ud83d") == (
        "zero[U+200B]width [U+0000] [U+FEFF] [U+D83D]"
    )
    assert visible("tag \U000e0041") == "tag [U+E0041]"


def test_scripts_keep_the_characters_they_need() -> None:
    for text in ("می\u200cخواهم", "क\u094d\u200dष", "👩\u200d🔬", "שלום", "line\nline\ttab"):
        assert visible(text) == text


def test_long_text_ends_in_an_ellipsis() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abc defg", 5) == "abc…"


def test_axes_name_their_marks_with_as_many_decimals_as_they_need() -> None:
    frame = Frame(Scale(0, 1000, 40, 400), Scale(0.1, 0.3, 200, 20), "size", "recall")
    text = "".join([*frame.across(), *frame.up()])
    for expected in (">200<", ">1,000<", ">0.10<", ">0.15<", ">size<", ">recall<"):
        assert expected in text


def test_marks_can_be_given() -> None:
    frame = Frame(Scale(100, 420, 40, 400), Scale(0, 1, 200, 20), x_ticks=[128.0, 400.0])
    text = "".join(frame.across())
    assert (text.count("<line"), ">128<" in text, ">400<" in text) == (2, True, True)


def test_a_drawing_says_in_words_what_is_on_it() -> None:
    text = str(drawing("mean of <two>", 100, [element("line", x1=0)]))
    assert text.startswith(
        '<svg viewBox="0 0 440 100" role="img" aria-label="mean of &lt;two&gt;">'
    )
