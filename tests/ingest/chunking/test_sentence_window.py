"""Sentences that are matched, and the windows around them that are read."""

from __future__ import annotations

import pytest

from corpus.errors import UserError
from ingest.chunking.sentence_window import SentenceWindowChunker
from tests.ingest.chunking.documents import (
    TABLE,
    TEXT,
    TITLE,
    document,
    prose,
    shown,
    texts,
    words,
)

SIX = "One is red. Two is blue. Three is green. Four is grey. Five is pink. Six is black."


def chunker(sentences: int = 1, around: int = 1) -> SentenceWindowChunker:
    return SentenceWindowChunker(words, size=20, window=60, sentences=sentences, around=around)


def test_each_sentence_is_a_chunk_whose_window_holds_its_neighbours() -> None:
    parsed = document((TEXT, SIX))
    chunks = chunker().chunk("doc", parsed)
    assert [chunk.text for chunk in chunks][2:4] == ["Three is green.", "Four is grey."]
    assert shown(chunks[0], parsed) == "One is red. Two is blue."
    assert shown(chunks[2], parsed) == "Two is blue. Three is green. Four is grey."
    assert shown(chunks[5], parsed) == "Five is pink. Six is black."


def test_several_sentences_can_be_embedded_together() -> None:
    parsed = document((TEXT, SIX))
    first, second = chunker(sentences=3).chunk("doc", parsed)
    assert first.text == "One is red. Two is blue. Three is green."
    assert shown(second, parsed) == "Three is green. Four is grey. Five is pink. Six is black."


def test_paragraphs_of_one_section_share_windows() -> None:
    parsed = document((TEXT, "One is red."), (TEXT, "Two is blue."))
    assert shown(chunker().chunk("doc", parsed)[0], parsed) == "One is red.\n\nTwo is blue."


def test_a_window_ends_at_headings_and_tables() -> None:
    parsed = document(
        *((TITLE, "Fans", 1), (TEXT, "One is red. Two is blue."), (TABLE, "Fan | rpm\nleft | 900")),
        *((TEXT, "Loud."), (TITLE, "Disks", 1), (TEXT, "Four.")),
    )
    found = [(chunk.text, shown(chunk, parsed)) for chunk in chunker(around=3).chunk("doc", parsed)]
    whole = "Fans\n\nOne is red. Two is blue."
    assert found == [
        ("Fans\n\nOne is red.", whole),
        ("Two is blue.", whole),
        ("Fan | rpm\nleft | 900", "Fan | rpm\nleft | 900"),
        ("Loud.", "Loud."),
        ("Disks\n\nFour.", "Disks\n\nFour."),
    ]


def test_a_sentence_that_is_too_long_is_cut_and_each_piece_has_the_window() -> None:
    parsed = document((TEXT, f"Short. {prose('W', 50)}. Short again."))
    _, *pieces, _ = chunker().chunk("doc", parsed)
    assert len(pieces) > 1
    assert {shown(piece, parsed) for piece in pieces} == {parsed.text}


def test_a_lone_sentence_needs_no_window() -> None:
    (chunk,) = chunker().chunk("doc", document((TEXT, "One is red.")))
    assert chunk.window is None


def test_the_name_says_what_is_embedded_and_shown() -> None:
    assert chunker(sentences=2, around=3).name == "sentence_window-2-3-20"
    assert texts(chunker(), document()) == []


@pytest.mark.parametrize(("sentences", "around"), [(0, 3), (1, -1)])
def test_no_sentence_or_less_than_none_around_is_refused(sentences: int, around: int) -> None:
    with pytest.raises(UserError, match="embed at least one"):
        chunker(sentences, around)
