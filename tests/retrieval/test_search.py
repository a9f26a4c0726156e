"""Searching the live snapshot."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from corpus.errors import Damaged, FingerprintMismatch, NotFound, UserError
from retrieval.fusion import convex, rrf
from retrieval.search import MODES, Searcher
from retrieval.settings import RetrievalSettings
from tests.fakes import HashEncoder
from tests.retrieval.conftest import Shelf


@pytest.mark.parametrize("mode", MODES)
def test_the_text_that_holds_the_words_comes_first(shelf: Shelf, mode: str) -> None:
    shelf.add("red box on the table", "blue car in the street", "green tree")
    assert shelf.found("a blue car", mode=mode)[0] == "blue car in the street"


def test_hits_carry_ranks_scores_and_the_snapshot(shelf: Shelf) -> None:
    shelf.add("red box", "blue car")
    result = shelf.searcher.search("red box")
    first = result.hits[0]
    assert (result.snapshot, first.rank, first.dense_rank, first.lexical_rank) == (1, 1, 1, 1)
    assert first.dense_score == pytest.approx(1, abs=1e-5)
    assert set(result.timings_ms) == {"embed", "search", "total"}


def test_nothing_ingested_finds_nothing(shelf: Shelf) -> None:
    result = shelf.searcher.search("anything")
    assert (result.snapshot, result.hits) == (0, ())


def test_a_deleted_document_is_not_found_and_others_still_are(shelf: Shelf) -> None:
    red, _ = shelf.add("red box", "red car")
    shelf.remove(red)
    for mode in MODES:
        assert shelf.found("red box", mode=mode) == ["red car"]


def test_a_collection_or_a_list_of_documents_limits_the_search(shelf: Shelf) -> None:
    shelf.add("red box", collection="a")
    (car,) = shelf.add("red car", collection="b")
    for mode in MODES:
        assert shelf.found("red box", mode=mode, collection="b") == ["red car"]
        assert shelf.found("red box", mode=mode, documents=[car.id]) == ["red car"]
        assert shelf.found("red box", mode=mode, collection="a", documents=[car.id]) == []


@pytest.mark.parametrize(
    ("query", "options", "error", "words"),
    [
        (" \n", {}, UserError, "empty"),
        ("x" * 100_000, {}, UserError, "100000 characters"),
        ("x", {"mode": "magic"}, UserError, "dense, lexical, hybrid"),
        ("x", {"k": 0}, UserError, "k is 0"),
        ("x", {"k": 10_000}, UserError, "k is 10000"),
        ("x", {"collection": "none"}, NotFound, "no collection 'none'"),
    ],
)
def test_a_wrong_search_is_one_sentence(
    shelf: Shelf, query: str, options: dict[str, object], error: type[Exception], words: str
) -> None:
    shelf.add("red box")
    with pytest.raises(error, match=words):
        shelf.searcher.search(query, **options)


def test_an_index_of_another_space_is_refused(shelf: Shelf) -> None:
    shelf.add("red box")
    other = Searcher(shelf.home, shelf.catalog, HashEncoder(name="other"), RetrievalSettings())
    with pytest.raises(FingerprintMismatch, match="model 'hash' against 'other'"):
        other.search("red")


def test_a_damaged_index_is_named_before_it_answers(shelf: Shelf) -> None:
    shelf.add("red box")
    (segment,) = shelf.home.snapshots.glob("v*/dense/*.vectors.npy")
    raw = bytearray(segment.read_bytes())
    raw[-1] ^= 1
    segment.write_bytes(raw)
    with pytest.raises(Damaged, match=segment.name):
        shelf.searcher.search("red")


def test_searches_go_on_while_snapshots_are_published(shelf: Shelf) -> None:
    shelf.add("red box 0")
    problems: list[BaseException] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                result = shelf.searcher.search("red box", 100)
                # Snapshot n holds exactly n documents: an answer never mixes two.
                assert len(result.hits) == result.snapshot
            except BaseException as exc:
                problems.append(exc)
                return

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 15):
        shelf.add(f"red box {number}")
        shelf.writer.clear_away()
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(shelf.found("red box", 100)) == 15


def test_reciprocal_rank_fusion_follows_its_formula() -> None:
    keys, scores = rrf([np.array([1, 2, 3]), np.array([3, 1])], k=60)
    expected = {1: 1 / 61 + 1 / 62, 2: 1 / 62, 3: 1 / 63 + 1 / 61}
    assert keys.tolist() == sorted(expected, key=lambda key: -expected[key])
    assert dict(zip(keys.tolist(), scores.tolist(), strict=True)) == pytest.approx(expected)


def test_convex_fusion_rescales_both_halves() -> None:
    keys, scores = convex(
        np.array([1, 2, 3]),
        np.array([0.9, 0.5, 0.1], np.float32),
        np.array([0.0, 8.0, 4.0], np.float32),
        mean_cosine=0.1,
        dense_weight=0.5,
    )
    assert dict(zip(keys.tolist(), scores.tolist(), strict=True)) == pytest.approx(
        {1: 0.5, 2: 0.25 + 0.5, 3: 0.25}
    )
    assert keys.tolist() == [2, 1, 3]


def test_rank_fusion_can_be_chosen(shelf: Shelf) -> None:
    shelf.add("red box", "blue car")
    ranked = Searcher(shelf.home, shelf.catalog, shelf.encoder, RetrievalSettings(fusion="rrf"))
    assert ranked.search("red box").hits[0].score == pytest.approx(2 / 61)
