"""What every chunking strategy promises, over generated documents in many scripts."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import UserError
from corpus.records import Chunk, ElementKind, Parsed
from ingest.chunking import STRATEGIES, make_chunker
from ingest.parsing.canonical import TextBuilder
from ingest.protocols import Chunker, Tokenizer
from tests.fakes import HashEncoder

WINDOW = 60
_PIECE = re.compile(r"\w{1,4}|[^\w\s]")


def count(text: str) -> int:
    """A stand-in for a subword tokenizer: up to four letters or one sign to a token."""
    return len(_PIECE.findall(text))


def count_whole_words(text: str) -> int:
    """As WordPiece does with a word of more than a hundred letters: one unknown token."""
    return len(text.split())


_WORDS = st.sampled_from(
    [
        *(
            "fan",
            "the",
            "quantization",
            "Größe",
            "naïve",
            "e\u0301te\u0301",
            "x" * 300,
            "a.b",
            "3.14",
        ),
        *(
            "機械室の扇風機は静かです。",
            "风扇很吵。",
            "مروحة",
            "מאוורר",
            "👩‍🚀👨‍👩‍👧",
            "ก็ได้",
            "—",
            "|",
            "\t",
        ),
        *("Why?", "Because!", "end.", "1.", "- item", "def f(x):", "\n"),
    ]
)
_PROSE = st.lists(_WORDS, max_size=120).map(" ".join)
_TABLE = st.lists(st.lists(_WORDS, min_size=1, max_size=5).map(" | ".join), max_size=40).map(
    "\n".join
)
_ELEMENTS = st.lists(
    st.one_of(
        st.tuples(st.just(ElementKind.TITLE), st.lists(_WORDS, max_size=12).map(" ".join)),
        st.tuples(st.just(ElementKind.TEXT), _PROSE),
        st.tuples(st.just(ElementKind.LIST), _PROSE),
        st.tuples(st.just(ElementKind.CODE), _PROSE),
        st.tuples(st.just(ElementKind.TABLE), _TABLE),
        st.tuples(st.just(ElementKind.IMAGE_TEXT), _PROSE),
    ),
    max_size=12,
)

_MEDIA_TYPES = st.sampled_from(["text/plain", "text/x-source"])


@st.composite
def documents(draw: st.DrawFn) -> Parsed:
    builder = TextBuilder()
    paged = draw(st.booleans())
    for number, (kind, text) in enumerate(draw(_ELEMENTS), 1):
        if paged and draw(st.booleans()):
            builder.start_page(number)
        level = draw(st.integers(1, 4)) if kind is ElementKind.TITLE else 0
        builder.add(kind, text, level=level)
    title = draw(st.sampled_from(["", "fan.py", "fan.rs", "Fan"]))
    return builder.build(draw(_MEDIA_TYPES), title=title)


def chunker(name: str, tokenizer: Tokenizer = count, size: int = 40) -> Chunker:
    embed = HashEncoder(16).encode_passages
    return make_chunker(name, tokenizer, embed=embed, size=size, overlap=8, window=WINDOW)


every_strategy = pytest.mark.parametrize("name", STRATEGIES)
generated = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def texts_at_spans(parsed: Parsed, chunk: Chunk) -> str:
    return "\n".join(parsed.text[span.start : span.end] for span in chunk.spans)


@every_strategy
@generated
@given(parsed=documents())
def test_the_text_of_a_chunk_is_the_canonical_text_at_its_spans(name: str, parsed: Parsed) -> None:
    for chunk in chunker(name).chunk("doc", parsed):
        assert chunk.text == texts_at_spans(parsed, chunk)
        assert chunk.text == chunk.text.strip() != ""


@every_strategy
@generated
@given(parsed=documents())
def test_every_character_that_is_not_blank_is_in_a_chunk(name: str, parsed: Parsed) -> None:
    covered = bytearray(len(parsed.text))
    for chunk in chunker(name).chunk("doc", parsed):
        for span in chunk.spans:
            covered[span.start : span.end] = b"\1" * len(span)
    left = [char for char, seen in zip(parsed.text, covered, strict=True) if not seen]
    assert "".join(left).strip() == ""


@every_strategy
@pytest.mark.parametrize("tokenizer", [count, count_whole_words])
@generated
@given(parsed=documents())
def test_a_chunk_with_its_headings_fits_in_the_window(
    name: str, tokenizer: Tokenizer, parsed: Parsed
) -> None:
    for chunk in chunker(name, tokenizer).chunk("doc", parsed):
        assert tokenizer("\n".join([*chunk.headings, chunk.text])) <= WINDOW
        assert len(chunk.text) <= WINDOW * 64


@every_strategy
@generated
@given(parsed=documents())
def test_with_a_size_beyond_the_window_no_text_is_longer_than_the_size(
    name: str, parsed: Parsed
) -> None:
    for chunk in chunker(name, size=2 * WINDOW).chunk("doc", parsed):
        assert count(chunk.text) <= 2 * WINDOW


@every_strategy
@generated
@given(parsed=documents())
def test_a_window_holds_its_chunk_and_is_a_place_in_the_text(name: str, parsed: Parsed) -> None:
    for chunk in chunker(name).chunk("doc", parsed):
        if chunk.window:
            assert 0 <= chunk.window.start <= chunk.start < chunk.end <= chunk.window.end
            assert chunk.window.end <= len(parsed.text)


@every_strategy
@generated
@given(parsed=documents())
def test_chunks_come_in_the_order_of_the_text_and_never_one_in_another(
    name: str, parsed: Parsed
) -> None:
    chunks = chunker(name).chunk("doc", parsed)
    for before, after in itertools.pairwise(chunks):
        assert before.start < after.start
        assert before.end < after.end


@every_strategy
@generated
@given(parsed=documents())
def test_ids_are_distinct_and_the_same_in_every_run(name: str, parsed: Parsed) -> None:
    first, second = (chunker(name).chunk("doc", parsed) for _ in range(2))
    assert first == second
    assert len({chunk.id for chunk in first}) == len(first)
    other = chunker(name).chunk("other", parsed)
    assert {chunk.id for chunk in first}.isdisjoint(chunk.id for chunk in other)


@every_strategy
@generated
@given(parsed=documents())
def test_the_pages_of_a_chunk_are_those_its_text_stands_on(name: str, parsed: Parsed) -> None:
    for chunk in chunker(name).chunk("doc", parsed):
        wanted = [
            page.number
            for page in parsed.pages
            if any(page.span.overlaps(span) for span in chunk.spans)
        ]
        assert list(chunk.pages) == wanted


@every_strategy
def test_the_name_says_the_strategy_and_its_parameters(name: str) -> None:
    names = {size: chunker(name, size=size).name for size in (40, 41)}
    assert names[40].startswith(f"{name}-")
    assert names[40] != names[41]
    builder = TextBuilder()
    builder.add(ElementKind.TEXT, "Two fans.")
    (chunk,) = chunker(name).chunk("doc", builder.build("text/plain"))
    assert chunk.strategy == names[40]
    assert chunk.document == "doc"


@every_strategy
def test_a_document_without_text_has_no_chunks(name: str) -> None:
    assert chunker(name).chunk("doc", TextBuilder().build("text/plain")) == []


@every_strategy
@pytest.mark.parametrize(("size", "overlap"), [(40, 40), (40, -1)])
def test_parameters_that_contradict_each_other_are_refused(
    name: str, size: int, overlap: int
) -> None:
    with pytest.raises(UserError, match=str(size)):
        make_chunker(name, count, embed=list, size=size, overlap=overlap, window=WINDOW)


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=f"'clever'.*{', '.join(STRATEGIES)}"):
        make_chunker("clever", count)
