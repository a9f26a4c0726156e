"""Measures of text: cases worked out by hand, and sets of characters counted one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.records import Span
from eval.gold.records import Lost, Topic
from eval.scoring.measures import measure
from eval.scoring.token_measures import Chunks, text_measures

Place = tuple[str, Span]


def places(*stretches: tuple[int, int], document: str = "a") -> list[Place]:
    return [(document, Span(start, end)) for start, end in stretches]


def value(name: str, gold: list[Place], found: list[Place], **more: object) -> float:
    topic = Topic("q", "?", gold=tuple(gold), lost=more.pop("lost", ()))
    return text_measures([measure(name)], topic, found, **more)[name]


# Gold: 10..30, twenty characters. Found: 0..20, then 15..25 (five of them seen before), then 80..90.
GOLD, FOUND = places((10, 30)), places((0, 20), (15, 25), (80, 90))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("token recall@1", 10 / 20),
        ("token recall@2", 15 / 20),
        ("token recall@9", 15 / 20),
        ("token precision@1", 10 / 20),
        ("token precision@2", 15 / 30),
        ("token precision@3", 15 / 40),
        ("token IoU@1", 10 / 30),
        ("token IoU@2", 15 / 35),
        ("token IoU@3", 15 / 45),
        ("span recall@1", 1.0),
        ("recall in 19", 10 / 20),  # the first is longer, but something is always read
        ("recall in 24", 10 / 20),
        ("recall in 25", 15 / 20),
        ("recall in 1000", 15 / 20),
    ],
)
def test_overlapping_passages_by_hand(name: str, expected: float) -> None:
    assert value(name, GOLD, FOUND) == pytest.approx(expected)


def test_what_is_shown_once_is_read_once() -> None:
    assert value("token precision@2", GOLD, FOUND, once=True) == pytest.approx(15 / 25)
    assert value("token IoU@2", GOLD, FOUND, once=True) == pytest.approx(15 / 30)


def test_gold_in_two_documents_by_hand() -> None:
    gold = places((0, 10)) + places((0, 10), document="b")
    found = places((0, 4), document="b") + places((0, 100))
    assert value("token recall@1", gold, found) == pytest.approx(4 / 20)
    assert value("token recall@2", gold, found) == pytest.approx(14 / 20)
    assert value("span recall@1", gold, found) == 0.0  # four of ten are not half
    assert value("span recall@2", gold, found) == 0.5


def test_two_halves_of_a_span_in_two_passages_do_not_find_it() -> None:
    gold, found = places((0, 12)), places((0, 5), (5, 10))
    assert value("span recall@5", gold, found) == 0.0
    assert value("token recall@5", gold, found) == pytest.approx(10 / 12)


def test_precision_omega_by_hand() -> None:
    # 10..30 of chunks 0..20 and 20..40: both hold ten, so twenty of forty.
    chunks = Chunks({"a": [Span(0, 20), Span(20, 40), Span(40, 60)], "b": [Span(0, 99)]})
    assert value("precision omega", GOLD, [], chunks=chunks) == pytest.approx(20 / 40)
    # Chunks with a gap: 18..22 stands in none, counts below the line only.
    gap = Chunks({"a": [Span(0, 18), Span(22, 40)]})
    assert value("precision omega", GOLD, [], chunks=gap) == pytest.approx(16 / 40)
    # A chunk that ends where gold begins holds none of it.
    touching = Chunks({"a": [Span(0, 10), Span(10, 30), Span(30, 50)]})
    assert value("precision omega", GOLD, [], chunks=touching) == 1.0
    assert value("precision omega", GOLD, [], chunks=Chunks({})) == 0.0


def test_context_tokens_count_every_stretch_once() -> None:
    asked: list[Place] = []

    def count(document: str, span: Span) -> int:
        asked.append((document, span))
        return len(span) // 5

    assert value("context tokens@2", GOLD, FOUND, count=count) == 5.0
    assert asked == places((0, 25))
    assert value("context tokens@3", GOLD, FOUND, count=count) == 7.0
    assert value("context tokens@3", GOLD, [], count=count) == 0.0


def test_gold_that_is_nowhere_counts_as_not_found() -> None:
    lost = (Lost("a", "x" * 20, "not parsed"),)
    chunks = Chunks({"a": [Span(10, 30)]})
    assert value("token recall@1", GOLD, GOLD, lost=lost) == pytest.approx(20 / 40)
    assert value("token precision@1", GOLD, GOLD, lost=lost) == 1.0
    assert value("token IoU@1", GOLD, GOLD, lost=lost) == pytest.approx(20 / 40)
    assert value("span recall@1", GOLD, GOLD, lost=lost) == 0.5
    assert value("precision omega", GOLD, [], lost=lost, chunks=chunks) == pytest.approx(20 / 40)
    assert value("token recall@1", [], GOLD, lost=lost) == 0.0


def test_nothing_found_scores_zero() -> None:
    names = ("token recall@5", "token precision@5", "token IoU@5", "span recall@5", "recall in 9")
    assert [value(name, GOLD, []) for name in names] == [0.0] * 5


def test_what_is_missing_for_a_measure_is_said() -> None:
    with pytest.raises(ValueError, match="needs all chunks"):
        value("precision omega", GOLD, [])
    with pytest.raises(ValueError, match="something that counts"):
        value("context tokens@5", GOLD, [])
    with pytest.raises(ValueError, match="'nDCG@10' is no measure of text"):
        value("nDCG@10", GOLD, [])
    with pytest.raises(ValueError, match="question 'q' has no gold spans"):
        value("token recall@5", [], [])


STRETCH = st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.integers(1, 25)).map(
    lambda s: (s[0], Span(s[1], s[1] + s[2]))
)


def letters(stretches: list[Place]) -> set[tuple[str, int]]:
    return {(name, at) for name, span in stretches for at in range(span.start, span.end)}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(STRETCH, min_size=1, max_size=5),
    st.lists(STRETCH, max_size=9),
    st.integers(1, 10),
    st.integers(1, 90),
)
def test_every_measure_equals_counting_characters_one_by_one(
    gold: list[Place], found: list[Place], k: int, budget: int
) -> None:
    g, first = letters(gold), found[:k]
    both, read = len(g & letters(first)), sum(len(span) for _, span in first)
    assert value(f"token recall@{k}", gold, found) == pytest.approx(both / len(g))
    assert value(f"token precision@{k}", gold, found) == pytest.approx(both / read if read else 0)
    assert value(f"token IoU@{k}", gold, found) == pytest.approx(both / (read + len(g) - both))
    held = [place for place in found if letters([place]) & g]
    by_document = {name: [span for n, span in found if n == name] for name in "ab"}
    omega = len(g & letters(held)) / len(g | letters(held))
    assert value("precision omega", gold, [], chunks=Chunks(by_document)) == pytest.approx(omega)
    fits = [n for n in range(1, len(found) + 1) if n == 1 or len(letters(found[:n])) <= budget]
    within = letters(found[: max(fits, default=0)])
    assert value(f"recall in {budget}", gold, found) == pytest.approx(len(g & within) / len(g))
    counted = value(f"context tokens@{k}", gold, found, count=lambda _, span: len(span))
    assert counted == len(letters(first))
    half = [any(2 * len(letters([p]) & letters([s])) >= len(s[1]) for p in first) for s in gold]
    assert value(f"span recall@{k}", gold, found) == pytest.approx(sum(half) / len(half))
