"""What happens to hits after fusion, through a real search."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from agents.answering.passages import gather
from corpus.records import Chunk, Document, Hit, Span, State
from retrieval.diversity import collapsed, diverse
from retrieval.search import MODES, Searcher
from retrieval.settings import RetrievalSettings
from tests.retrieval.conftest import Shelf


def hits_of(*texts: str, scores: list[float] | None = None) -> list[Hit]:
    document = Document("d", "d", "", "text/plain", "", "default", 0, State.INDEXED)
    scores = scores or [1 - i / 10 for i in range(len(texts))]
    chunks = [Chunk(f"{i:016x}", "d", (Span(0, len(t)),), t) for i, t in enumerate(texts)]
    return [Hit(c, document, s, i) for i, (c, s) in enumerate(zip(chunks, scores, strict=True), 1)]


def test_near_duplicates_are_one_hit_that_names_the_others(shelf: Shelf) -> None:
    shelf.add("the red box stands on a table", "The red box: stands on a table!", "a red car")
    for mode in MODES:
        plain = shelf.searcher.search("red box", 3, mode).hits
        found = shelf.searcher.search("red box", 3, mode, collapse=True).hits
        assert [hit.rank for hit in found] == [1, 2]
        (other,) = found[0].duplicates
        assert {found[0].chunk.id, other.chunk.id} == {h.chunk.id for h in plain[:2]}
        assert found[0].chunk.id == plain[0].chunk.id
        assert found[1].duplicates == ()
        assert all(hit.duplicates == () for hit in plain)


def test_others_move_up_for_duplicates_that_fell_away(shelf: Shelf) -> None:
    shelf.add(*("red box" + "!" * n for n in range(6)), "red car", "red tree", "blue car")
    found = shelf.searcher.search("red box", 3, collapse=True).hits
    assert len(found) == 3
    assert len(found[0].duplicates) == 5
    assert {hit.document.source for hit in found[1:]} == {"red car", "red tree"}


def test_texts_are_alike_only_if_both_meaning_and_words_agree() -> None:
    same = np.array([[1, 0], [1, 0]], np.float32)
    apart = np.array([[1, 0], [0.9, np.sqrt(1 - 0.81)]], np.float32)
    words = " ".join(f"w{n}" for n in range(40))
    alike, other = hits_of(words, words + " more"), hits_of("one text", "quite other words")
    assert len(collapsed(alike, same)) == 1
    assert len(collapsed(alike, apart)) == 2
    assert len(collapsed(other, same)) == 2
    assert len(collapsed(hits_of("One text.", "one  text"), apart)) == 1


def greedy(scores: list[float], vectors: np.ndarray, k: int, relevance: float) -> list[int]:
    """Maximal marginal relevance as its definition reads."""
    low, high = min(scores), max(scores)
    chosen: list[int] = []
    while len(chosen) < k:
        gains = {
            i: relevance * (score - low) / (high - low)
            - (1 - relevance) * max((float(vectors[i] @ vectors[j]) for j in chosen), default=0)
            for i, score in enumerate(scores)
            if i not in chosen
        }
        chosen.append(max(gains, key=lambda i: gains[i]))
    return chosen


@pytest.mark.parametrize("relevance", [0.0, 0.3, 0.7, 1.0])
def test_diverse_hits_are_those_of_the_definition(relevance: float) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(25, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = sorted(rng.uniform(0, 1, 25).tolist(), reverse=True)
    hits = hits_of(*map(str, range(25)), scores=scores)
    found = [int(hit.chunk.text) for hit in diverse(hits, vectors, 10, relevance)]
    assert found == greedy(scores, vectors, 10, relevance)


def test_diversity_takes_another_kind_of_text_before_a_second_of_the_same(shelf: Shelf) -> None:
    shelf.add("red box one", "red box two", "red box three", "red car in a street")
    plain = shelf.found("red box", 2)
    assert "red car in a street" not in plain
    first, second = shelf.searcher.search("red box", 2, diversity=0.2).hits
    assert (first.document.source, second.document.source) == (plain[0], "red car in a street")
    assert shelf.found("red box", 2, diversity=1.0) == plain


def test_neighbours_are_one_exact_span_of_the_document(shelf: Shelf) -> None:
    pages = ["a first page", "the second one", "here is a red box", "then a fourth", "the last"]
    book = shelf.add_book(*pages)
    (hit, *_) = shelf.searcher.search("red box", 1, neighbours=1).hits
    assert hit.chunk.text == "here is a red box"
    assert hit.context == "\n\n".join(pages[1:4])
    window = hit.chunk.window
    assert window is not None
    assert shelf.catalog.text(book.id)[window.start : window.end] == hit.context
    (edge, *_) = shelf.searcher.search("last", 1, "lexical", neighbours=3).hits
    assert edge.context == "\n\n".join(pages[1:])


def test_neighbours_stay_within_their_document(shelf: Shelf) -> None:
    shelf.add("red box", "red car")
    for hit in shelf.searcher.search("red box", 2, neighbours=5).hits:
        assert hit.context == hit.document.source


def test_windows_that_overlap_become_one_passage(shelf: Shelf) -> None:
    pages = [f"page {n} with a red box" for n in range(6)]
    book = shelf.add_book(*pages)
    hits = shelf.searcher.search("red box", 6, neighbours=1).hits
    passages = gather(hits, shelf.catalog.text, 6)
    assert [p.text for p in passages] == [shelf.catalog.text(book.id)]


def test_stages_that_are_set_apply_to_every_search(shelf: Shelf) -> None:
    shelf.add_book("a red box", "a red box!", "blue car")
    settings = RetrievalSettings(collapse=True, neighbours=1)
    searcher = Searcher(shelf.home, shelf.catalog, shelf.encoder, settings)
    first = searcher.search("red box").hits[0]
    assert (len(first.duplicates), first.context.startswith("a red box\n\n")) == (1, True)
    plain = searcher.search("red box", collapse=False, neighbours=0).hits
    assert [hit.duplicates for hit in plain] == [(), (), ()]
    assert {hit.context for hit in plain} == {""}


def test_without_stages_hits_are_the_fused_ranking(shelf: Shelf) -> None:
    shelf.add("red box", "red box!", "red car", "blue tree")
    hits = shelf.searcher.search("red box").hits
    assert [h.rank for h in hits] == [1, 2, 3, 4]
    assert sorted((h.score for h in hits), reverse=True) == [h.score for h in hits]
    for hit in hits:
        assert dataclasses.replace(hit, duplicates=(), context="") == hit
        assert hit.chunk.window is None


def test_a_stage_nobody_knows_is_refused(shelf: Shelf) -> None:
    shelf.add("red box")
    with pytest.raises(TypeError, match="colour"):
        shelf.found("red box", colour="red")
