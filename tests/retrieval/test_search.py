"""Searching the live snapshot."""

from __future__ import annotations

import threading

import pytest

from corpus.errors import Damaged, FingerprintMismatch, NotFound, UserError
from retrieval.search import MODES, Searcher
from retrieval.settings import RetrievalSettings
from retrieval.timing import STAGES
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
        ("x", {"pages": (0, 3)}, UserError, "pages are 0 to 3"),
        ("x", {"pages": (3, 2)}, UserError, "pages are 3 to 2"),
        ("x", {"pages": (1, 10**30)}, UserError, "pages are 1 to 10"),
        ("x", {"diversity": 1.5}, UserError, "diversity is 1.5"),
        ("x", {"neighbours": 21}, UserError, "neighbours is 21"),
        ("x", {"rerank": True}, UserError, "no reranker is set"),
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


@pytest.mark.parametrize("fusion", ["convex", "rrf"])
def test_another_fusion_can_be_chosen(shelf: Shelf, fusion: str) -> None:
    shelf.add("red box", "blue car")
    ranked = Searcher(shelf.home, shelf.catalog, shelf.encoder, RetrievalSettings(fusion=fusion))
    expected = {"rrf": 2 / 61, "convex": 1.0}[fusion]
    assert ranked.search("red box").hits[0].score == pytest.approx(expected, abs=1e-5)


def test_every_stage_of_a_search_is_timed(shelf: Shelf) -> None:
    shelf.add("red box", "blue car")
    timed = shelf.searcher.search("red box").timings_ms
    assert set(timed) == {*STAGES, "search", "total"}
    assert min(timed[name] for name in ("embed", "dense", "lexical", "fuse", "fetch")) > 0
    assert timed["rerank"] == 0
    assert sum(timed[name] for name in STAGES) <= timed["total"] + 0.01
    assert timed["embed"] + timed["search"] == pytest.approx(timed["total"], abs=0.01)


def test_several_phrasings_are_searched_as_one_question(shelf: Shelf) -> None:
    shelf.add("red box", "scarlet chest", "blue car", "green tree")
    alone = shelf.searcher.search("red box", 2, "lexical").hits
    assert [hit.document.source for hit in alone] == ["red box"]
    both = shelf.searcher.search("red box", 2, "lexical", phrasings=["scarlet chest"])
    assert {hit.document.source for hit in both.hits} == {"red box", "scarlet chest"}
    assert (both.query, [hit.rank for hit in both.hits]) == ("red box", [1, 2])
    assert [hit.score for hit in both.hits] == pytest.approx([1 / 61, 1 / 61])


def test_a_phrasing_is_checked_like_a_query(shelf: Shelf) -> None:
    shelf.add("red box")
    with pytest.raises(UserError, match="empty"):
        shelf.found("red box", phrasings=[" "])
