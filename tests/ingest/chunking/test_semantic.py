"""Topics found by the meaning of sentences, for which words stand here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingest.chunking.semantic import SemanticChunker
from tests.fakes import HashEncoder
from tests.ingest.chunking.documents import TABLE, TEXT, TITLE, document, prose, texts, words

TOPICS = [
    " ".join(f"The fan turns at speed {n}." for n in range(5)),
    " ".join(f"A baker sold loaf {n} early." for n in range(6)),
    " ".join(f"Rain fell on harbour {n} today." for n in range(4)),
]


def chunker(size: int = 40) -> SemanticChunker:
    return SemanticChunker(words, HashEncoder().encode_passages, size=size, overlap=0, window=60)


def test_a_chunk_ends_where_the_topic_does() -> None:
    assert texts(chunker(), document((TEXT, " ".join(TOPICS)))) == TOPICS


def test_a_topic_that_is_too_long_is_cut_to_size() -> None:
    found = texts(chunker(16), document((TEXT, " ".join(TOPICS))))
    assert all(words(text) <= 16 for text in found)
    assert not any("fan" in text and "baker" in text for text in found)


def test_a_heading_stays_with_what_follows_it() -> None:
    parsed = document((TEXT, TOPICS[0]), (TITLE, "Bread", 1), (TEXT, TOPICS[1]))
    assert any("Bread\n\nA baker sold" in text for text in texts(chunker(), parsed))


def test_a_long_table_amid_prose_is_cut_between_its_rows() -> None:
    rows = [f"fan{n} | {n}00" for n in range(15)]
    parsed = document((TEXT, TOPICS[0]), (TABLE, "\n".join(["Fan | rpm", *rows])))
    found = chunker(20).chunk("doc", parsed)
    lines = [line for chunk in found for line in chunk.text.split("\n") if line.startswith("fan")]
    assert lines == rows
    assert found[-1].headings == ("Fan | rpm",)


def test_a_short_text_is_one_chunk_and_nothing_is_embedded_for_it() -> None:
    def embed(texts: Sequence[str]) -> np.ndarray:
        raise AssertionError("not needed")

    chunker = SemanticChunker(words, embed, size=20, overlap=0, window=60)
    assert texts(chunker, document((TEXT, "One fan."))) == ["One fan."]
    assert texts(chunker, document()) == []


def test_a_long_document_is_compared_in_portions() -> None:
    sizes: list[int] = []
    encoder = HashEncoder(16)

    def embed(texts: Sequence[str]) -> np.ndarray:
        sizes.append(len(texts))
        return encoder.encode_passages(texts)

    sentences = " ".join(f"Sentence {n} says {prose('w', n % 5)}." for n in range(4500))
    parsed = document((TEXT, sentences))
    found = SemanticChunker(words, embed, size=40, overlap=0).chunk("doc", parsed)
    assert sizes == [2000, 2000, 500]
    assert " ".join(chunk.text for chunk in found) == sentences
