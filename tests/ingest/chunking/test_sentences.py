"""Where sentences end."""

from __future__ import annotations

import pytest

from ingest.chunking.sentences import sentence_spans


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It cost 3.5 EUR. Fine.", ["It cost 3.5 EUR.", "Fine."]),
        ("Dr. Smith met J. Doe. They spoke.", ["Dr. Smith met J. Doe.", "They spoke."]),
        ("See e.g. Fig. 2 of it. Yes.", ["See e.g. Fig. 2 of it.", "Yes."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("Take No. 5 of it.", ["Take No. 5 of it."]),
        ("1. Open it.\n2. Close it.", ["1. Open it.", "2. Close it."]),
        ("a line that\ngoes on. End", ["a line that\ngoes on.", "End"]),
        ("Date: 3 May\nPlace: Rome", ["Date: 3 May", "Place: Rome"]),
        ("One\n\nTwo", ["One", "Two"]),
        ("你好。再见！", ["你好。", "再见！"]),
        ("  ", []),
    ],
)
def test_text_is_cut_into_sentences(text: str, sentences: list[str]) -> None:
    assert [text[s.start : s.end] for s in sentence_spans(text)] == sentences


def test_a_long_text_takes_no_more_than_its_length() -> None:
    text = "A sentence of a few words, e.g. these. " * 20_000 + "Word\n" * 50_000 + "x" * 200_000
    assert len(sentence_spans(text)) > 60_000
