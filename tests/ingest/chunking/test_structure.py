"""How a document's own structure becomes chunks."""

from __future__ import annotations

from ingest.chunking.structure import StructureChunker
from tests.ingest.chunking.documents import LIST, TABLE, TEXT, TITLE, document, prose, texts, words

CHUNKER = StructureChunker(words, size=20, window=60)


def test_no_chunk_reaches_across_a_heading() -> None:
    parsed = document((TITLE, "Fans", 1), (TEXT, "Two."), (TITLE, "Disks", 1), (TEXT, "Four."))
    assert texts(CHUNKER, parsed) == ["Fans\n\nTwo.", "Disks\n\nFour."]


def test_elements_that_fit_together_are_one_chunk_and_none_is_cut_to_fill_it() -> None:
    parsed = document((TEXT, prose("a", 8)), (TEXT, prose("b", 8)), (TEXT, prose("c", 8)))
    first, second = CHUNKER.chunk("doc", parsed)
    assert first.text == f"{prose('a', 8)}\n\n{prose('b', 8)}"
    assert second.text == prose("c", 8)


def test_a_table_shares_its_chunk_with_its_heading_only() -> None:
    table = "Fan | rpm\nleft | 900"
    parsed = document((TEXT, "All fans:"), (TITLE, "Fans", 1), (TABLE, table), (TEXT, "Loud."))
    assert texts(CHUNKER, parsed) == ["All fans:", f"Fans\n\n{table}", "Loud."]


def test_what_is_under_a_heading_says_so() -> None:
    parsed = document(
        *((TITLE, "Box", 1), (TITLE, "Fans", 2), (TEXT, prose("a", 16)), (TEXT, prose("b", 16)))
    )
    assert [chunk.headings for chunk in CHUNKER.chunk("doc", parsed)] == [(), ("Box", "Fans")]


def test_a_paragraph_that_is_too_long_is_cut_without_repeating_anything() -> None:
    parsed = document((TEXT, prose("a", 50)), (LIST, "one item"))
    assert " ".join(texts(CHUNKER, parsed)).split() == parsed.text.split()
    assert all(words(text) <= 20 for text in texts(CHUNKER, parsed))


def test_a_heading_with_nothing_below_it_is_kept() -> None:
    assert texts(CHUNKER, document((TEXT, "Two."), (TITLE, "Disks", 1))) == ["Two.", "Disks"]
