"""Text from others does nothing where it is shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.text.inert import InertStream, inert, inert_values, one_line


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]8;;http://evil.test\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;aGk=\x07text", "text"),
        ("\x1b]never ends", "never ends"),
        ("\x1b\x1b[2Jx", "x"),
        ("\x9b31mred", "31mred"),
        ("two\x93quoted\x94 \x98here", "twoquoted here"),
        ("bell\x07 back\x08", "bell back"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("naïve café 東京 Ελλάδα 🙂 ½ €", "naïve café 東京 Ελλάδα 🙂 ½ €"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_only_what_cannot_be_seen_goes(text: str, left: str) -> None:
    assert inert(text) == left


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_control_character_is_left_and_once_is_enough(text: str) -> None:
    once = inert(text)
    assert {c for c in once if unicodedata.category(c) in ("Cc", "Cs")} <= {"\n", "\t"}
    assert inert(once) == once


def test_one_line_is_one_line_and_short() -> None:
    assert one_line("a\nb\u2028 c\x1b[1m", 80) == "a b c"
    assert one_line("word " * 40, 20) == "word word word word…"


ACTING = st.sampled_from(
    [
        "\x1b",
        "[",
        "]",
        "31m",
        "8;;x",
        "\x07",
        "\\",
        "\r",
        "\n",
        "a",
        "\u200c",
        "\u06cc",
        "\u202e",
        "\ud800",
        "é",
    ]
)


@given(st.lists(st.lists(ACTING, max_size=6).map("".join), max_size=8))
def test_a_text_in_pieces_is_cleaned_like_the_whole_of_it(pieces: list[str]) -> None:
    stream = InertStream()
    given_out = "".join(map(stream.feed, pieces)) + stream.rest()
    assert given_out == inert("".join(pieces))


def test_ordinary_text_is_not_held_back() -> None:
    stream = InertStream()
    assert [stream.feed(piece) for piece in ("One ", "two\n", "می", "\u200cخ")] == [
        *("One ", "two\n", "می"),
        "\u200cخ",
    ]


def test_values_are_cleaned_wherever_a_text_stands_in_them() -> None:
    said = {"a\u202e": ["x\x1b[2J", {"b": "\ud800"}], "n": 3, "none": None}
    assert inert_values(said) == {"a": ["x", {"b": "\ufffd"}], "n": 3, "none": None}
