"""How the default strategy cuts."""

from __future__ import annotations

import itertools

from corpus.records import Chunk
from ingest.chunking.recursive import RecursiveChunker
from tests.ingest.chunking.documents import (
    CODE,
    TABLE,
    TEXT,
    TITLE,
    Piece,
    document,
    prose,
    words,
)


def cut(*pieces: Piece, size: int = 20, overlap: int = 0, window: int = 60) -> list[Chunk]:
    chunker = RecursiveChunker(words, size=size, overlap=overlap, window=window)
    return chunker.chunk("doc", document(*pieces))


def test_what_stands_under_one_heading_and_fits_is_one_chunk() -> None:
    (chunk,) = cut((TITLE, "Fans", 1), (TEXT, "Two of them."), (TEXT, "Both are loud."))
    assert chunk.text == "Fans\n\nTwo of them.\n\nBoth are loud."
    assert chunk.headings == ()


def test_a_heading_begins_a_chunk_of_its_own() -> None:
    first, second = cut(
        *((TITLE, "Fans", 1), (TEXT, prose("a", 10)), (TITLE, "Disks", 1), (TEXT, prose("b", 10)))
    )
    assert first.text.startswith("Fans")
    assert second.text.startswith("Disks")


def test_later_pieces_of_a_section_stand_under_its_heading_path() -> None:
    chunks = cut((TITLE, "Box", 1), (TITLE, "Fans", 2), (TEXT, prose("a", 50)))
    first, *later = chunks
    assert first.headings == ()
    assert {chunk.headings for chunk in later} == {("Box", "Fans")}
    assert chunks[0].text.startswith("Box\n\nFans\n\na0")


def test_a_heading_never_stands_alone() -> None:
    rows = "\n".join(f"row {n} | value {n}" for n in range(20))
    chunks = cut((TEXT, prose("a", 19)), (TITLE, "Speeds", 1), (TABLE, rows))
    assert all(chunk.text != "Speeds" for chunk in chunks)
    assert any(chunk.text.startswith("Speeds\n\nrow 0") for chunk in chunks)


def test_a_tiny_section_goes_with_its_neighbour() -> None:
    (chunk,) = cut((TITLE, "Fans", 1), (TEXT, "Two."), (TITLE, "Disks", 1), (TEXT, "Four."))
    assert chunk.text == "Fans\n\nTwo.\n\nDisks\n\nFour."


def test_a_table_that_fits_is_not_cut() -> None:
    table = "Fan | rpm\nleft | 900\nright | 1200"
    chunks = cut((TEXT, prose("a", 18)), (TABLE, table))
    assert [chunk.text for chunk in chunks] == [prose("a", 18), table]


def test_a_long_table_is_cut_between_rows_and_its_header_row_goes_along() -> None:
    rows = [f"fan{n} | {n}00" for n in range(15)]
    chunks = cut((TITLE, "Speeds", 1), (TABLE, "\n".join(["Fan | rpm", *rows])))
    assert len(chunks) > 2
    assert chunks[0].text.startswith("Speeds\n\nFan | rpm\nfan0 | 000")
    assert all(chunk.headings == ("Speeds", "Fan | rpm") for chunk in chunks[1:])
    lines = [line for chunk in chunks for line in chunk.text.split("\n") if "fan" in line]
    assert lines == rows


def test_a_row_longer_than_a_chunk_is_cut_between_cells() -> None:
    wide = " | ".join(prose(f"c{n}w", 6) for n in range(8))
    chunks = cut((TABLE, f"Header | row\n{wide}\nlast | row"))
    assert all(words(chunk.text) <= 20 for chunk in chunks)
    assert "".join("".join(chunk.text.split()) for chunk in chunks) == "".join(
        f"Header | row\n{wide}\nlast | row".split()
    )


def test_code_is_cut_between_its_blocks() -> None:
    blocks = [f"def f{n}(x):\n    return x + {n}" for n in range(6)]
    chunks = cut((CODE, "\n\n".join(blocks)))
    assert len(chunks) > 1
    assert all(chunk.text.startswith("def ") for chunk in chunks)


def test_pieces_of_prose_overlap_from_the_start_of_a_sentence() -> None:
    sentences = [f"Sentence {n} has five words." for n in range(12)]
    chunks = cut((TEXT, " ".join(sentences)), overlap=6)
    for before, after in itertools.pairwise(chunks):
        assert after.text.startswith("Sentence")
        assert after.start < before.end
        assert words(after.text) <= 20


def test_without_room_for_a_sentence_the_overlap_is_of_words() -> None:
    chunks = cut((TEXT, prose("w", 60)), overlap=4)
    for before, after in itertools.pairwise(chunks):
        assert before.text.split()[-4:] == after.text.split()[:4]


def test_headings_too_long_for_the_window_lose_the_outer_ones() -> None:
    chunks = cut(
        *((TITLE, prose("outer", 30), 1), (TITLE, "inner heading", 2), (TEXT, prose("a", 60)))
    )
    assert chunks[-1].headings == ("inner heading",)


def test_a_large_document_is_cut_in_reasonable_time() -> None:
    chunks = cut((TEXT, " ".join(f"Sentence {n} is short." for n in range(20_000))), size=50)
    assert len(chunks) > 1000


def test_a_short_introduction_goes_with_the_long_paragraph_below_it() -> None:
    chunks = cut((TEXT, "The fans:"), (TEXT, prose("a", 30)))
    assert chunks[0].text.startswith("The fans:\n\na0")
