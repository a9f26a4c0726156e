"""A search looked into tells of the very search that was made."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from corpus.errors import NotFound, UserError
from retrieval.inspection import Inspection, inspect
from retrieval.limits import Limits, Removed
from retrieval.ranking import FUSIONS
from retrieval.search import MODES, Searcher
from retrieval.settings import RetrievalSettings
from tests.retrieval.conftest import Shelf

WORDS = ["red", "blue", "green", "box", "car", "tree", "house", "street", "table", "garden"]
REFINED: list[dict[str, Any]] = [
    {},
    {"collapse": True},
    {"diversity": 0.4},
    {"neighbours": 1},
    {"collapse": True, "diversity": 0.7, "neighbours": 2},
]
LIMITS = [
    Limits(),
    Limits(collection="a"),
    Limits(filters={"author": "Bob"}),
    Limits(collection="b", filters={"author": "Bob"}, reader="bob"),
    Limits(reader="ada"),
    Limits(pages=(2, 9)),
]


@pytest.fixture
def library(shelf: Shelf) -> Shelf:
    """Sixty texts of two authors in two collections, some said twice, and a book."""
    rng = random.Random(11)
    texts = sorted({" ".join(rng.choices(WORDS, k=7)) for _ in range(60)})
    shelf.add(*texts[:30], collection="a", author="Ada")
    shelf.add(*texts[30:], *(f"{text}." for text in texts[:9]), collection="b", author="Bob")
    shelf.add_book(*(" ".join(rng.choices(WORDS, k=7)) for _ in range(12)), collection="b")
    return shelf


def looked(shelf: Shelf, query: str = "red box", k: int = 5, **options: Any) -> Inspection:
    mode, limits = options.pop("mode", "hybrid"), options.pop("limits", Limits())
    return inspect(shelf.searcher, query, k, mode, limits, options.pop("tuning", None), **options)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_its_hits_are_those_of_the_search(library: Shelf, fusion: str) -> None:
    library.catalog.set_readers("a", ["ada"])
    settings = RetrievalSettings(fusion=fusion, candidates=20, pool=15)
    plain = Searcher(library.home, library.catalog, library.encoder, settings)
    open_ = RetrievalSettings(pool=15)
    library.searcher = Searcher(library.home, library.catalog, library.encoder, open_)
    tuning = {"fusion": fusion, "candidates": 20}
    for mode, limits, refined in itertools.product(MODES, LIMITS, REFINED):
        scope = (limits.collection, None, limits.filters, limits.reader, limits.pages)
        found = plain.search("a red box in the street", 8, mode, *scope, **refined).hits
        told = looked(
            library,
            "a red box in the street",
            8,
            mode=mode,
            limits=limits,
            tuning=tuning,
            **refined,
        )
        assert told.look.result.hits == found
        assert [inspected.hit for inspected in told.hits] == list(found)
        assert found


def test_weights_are_those_of_the_settings(library: Shelf) -> None:
    for weight in (0.0, 0.3, 1.0):
        settings = RetrievalSettings(dense_weight=weight)
        plain = Searcher(library.home, library.catalog, library.encoder, settings)
        told = looked(library, tuning={"dense_weight": weight})
        assert told.look.result.hits == plain.search("red box", 5).hits
        assert told.weights == pytest.approx((weight, 1 - weight))


def test_the_parts_make_the_fused_score(library: Shelf) -> None:
    for fusion in FUSIONS:
        told = looked(library, k=20, tuning={"fusion": fusion})
        dense_weight, lexical_weight = told.weights
        for found in told.hits:
            made = dense_weight * found.dense_part + lexical_weight * found.lexical_part
            assert made == pytest.approx(found.fused_score, abs=1e-6)
            assert found.fused_score == found.hit.score


@pytest.mark.parametrize("mode", ["dense", "lexical"])
def test_the_score_of_one_list_is_its_only_part(library: Shelf, mode: str) -> None:
    told = looked(library, mode=mode)
    weights = dict(zip(("dense", "lexical"), told.weights, strict=True))
    assert weights == {"dense": 0.0, "lexical": 0.0, mode: 1.0}
    for inspected in told.hits:
        assert getattr(inspected, f"{mode}_part") == inspected.fused_score
    assert bool(told.dense) == (mode == "dense")
    assert bool(told.lexical) == (mode == "lexical")


def test_both_lists_say_where_their_passages_end_up(library: Shelf) -> None:
    told = looked(library, k=4, tuning={"candidates": 10})
    assert told.depth == 50  # the pool of the settings
    alone = library.searcher.search("red box", 50, "dense").hits
    assert [e.chunk.id for e in told.dense] == [hit.chunk.id for hit in alone]
    assert [e.score for e in told.dense] == pytest.approx([hit.score for hit in alone])
    assert [e.rank for e in told.lexical] == list(range(1, len(told.lexical) + 1))
    at = {inspected.hit.chunk.id: inspected.hit.rank for inspected in told.hits}
    assert {e.chunk.id: e.hit for e in told.dense if e.hit} == at
    fused = {i.hit.chunk.id: i.fused_rank for i in told.hits}
    listed = {e.chunk.id: e.fused_rank for e in (*told.dense, *told.lexical)}
    assert fused.items() <= listed.items()


def test_what_each_limit_left_out_is_counted_one_after_the_other(shelf: Shelf) -> None:
    shelf.add("red box", "red car", collection="a", author="Ada")
    shelf.add("red tree", collection="b", author="Ada")
    shelf.add_book("red house", "red street", collection="a")
    told = looked(shelf, limits=Limits("a", None, {"author": "Ada"}))
    assert told.removed == (
        Removed("collection", "collection", "a", 1, 1),
        Removed("metadata", "author", "Ada", 1, 2),
    )
    assert told.searched == (2, 2)
    assert told.hits[0].hit.document.source == "red box"
    paged = looked(shelf, limits=Limits(pages=(2, 2)))
    assert paged.removed == (Removed("pages", "pages", "2-2", 3, 4),)
    assert paged.searched == (1, 1)
    assert looked(shelf).removed == ()
    assert looked(shelf).searched == (4, 5)


def test_a_reader_learns_nothing_of_what_they_may_not_read(shelf: Shelf) -> None:
    shelf.add("red box", "blue box", collection="open", author="Ada")
    before = looked(shelf, limits=Limits(reader="bob"))
    filtered = looked(shelf, limits=Limits(reader="bob", filters={"author": "Ada"}))
    shelf.catalog.set_readers("board", ["ada"])
    shelf.add("red car", "red tree", collection="board", author="Ada")
    after = looked(shelf, limits=Limits(reader="bob"))
    assert (after.removed, after.searched) == (before.removed, before.searched)
    again = looked(shelf, limits=Limits(reader="bob", filters={"author": "Ada"}))
    assert (again.removed, again.searched) == (filtered.removed, filtered.searched)
    assert {e.chunk.text for e in (*after.dense, *after.lexical)} == {"red box", "blue box"}
    with pytest.raises(NotFound, match="no collection 'board'"):
        looked(shelf, limits=Limits("board", reader="bob"))
    with pytest.raises(UserError, match="filter by one of author, media_type, title"):
        looked(shelf, limits=Limits(reader="bob", filters={"plan": "x"}))


def test_collapsed_passages_are_shown_where_they_went(shelf: Shelf) -> None:
    shelf.add("red box", "Red, box!", "red car in the street")
    told = looked(shelf, k=2, collapse=True)
    first = told.hits[0]
    assert "stands for 1 other of nearly the same text" in first.why
    assert [e.hit for e in told.dense if e.chunk.text in ("red box", "Red, box!")] == [1, 1]
    assert "Near-duplicates above it" in told.hits[1].why


@pytest.mark.parametrize(
    ("tuning", "words"),
    [
        ({"fusion": "magic"}, "no fusion 'magic'"),
        ({"dense_weight": 1.5}, "from 0 to 1"),
        ({"candidates": 5}, "from 10 to 1000"),
        ({"candidates": 1001}, "from 10 to 1000"),
        ({"fusion": "rrf", "dense_weight": 0.5}, "counts ranks alone"),
    ],
)
def test_what_cannot_be_tuned_is_refused(shelf: Shelf, tuning: Any, words: str) -> None:
    shelf.add("red box")
    with pytest.raises(UserError, match=words):
        looked(shelf, tuning=tuning)


def test_nothing_ingested_is_nothing_to_look_into(shelf: Shelf) -> None:
    told = looked(shelf)
    assert (told.look.result.snapshot, told.hits, told.dense) == (0, (), ())
