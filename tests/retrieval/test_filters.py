"""Filters and readers decide what is searched, before the search."""

from __future__ import annotations

import random

import pytest

from corpus.errors import NotFound, UserError
from retrieval.search import MODES
from tests.retrieval.conftest import Shelf

WORDS = ["red", "blue", "green", "box", "car", "tree", "house", "street", "table", "garden"]


def test_a_filter_finds_only_documents_with_that_metadata(shelf: Shelf) -> None:
    shelf.add("red box", author="Ada", tags="wood, paint")
    shelf.add("red car", author="Bob")
    for mode in MODES:
        assert shelf.found("red", mode=mode, filters={"author": "Ada"}) == ["red box"]
        assert shelf.found("red", mode=mode, filters={"Author": "Bob"}) == ["red car"]
        assert shelf.found("red", mode=mode, filters={"tags": "paint"}) == ["red box"]
        assert shelf.found("red", mode=mode, filters={"tags": "pain"}) == []
        assert shelf.found("red", mode=mode, filters={"author": "Ada", "tags": "iron"}) == []
        assert len(shelf.found("red", mode=mode, filters={"media_type": "text/plain"})) == 2


def test_an_unknown_key_is_answered_with_the_known_ones(shelf: Shelf) -> None:
    shelf.add("red box", author="Ada")
    with pytest.raises(UserError, match="'colour'; filter by one of author, media_type, title"):
        shelf.found("red", filters={"colour": "red"})


def test_a_filter_holds_together_with_documents_and_collections(shelf: Shelf) -> None:
    (one,) = shelf.add("red box", collection="a", author="Ada")
    (two,) = shelf.add("red car", collection="b", author="Ada")
    wanted = {"author": "Ada"}
    assert shelf.found("red", filters=wanted, collection="b") == ["red car"]
    assert shelf.found("red", filters=wanted, documents=[one.id]) == ["red box"]
    assert shelf.found("red", filters=wanted, documents=[one.id], collection="b") == []
    assert len(shelf.found("red", filters=wanted, documents=[one.id, two.id])) == 2


def test_a_text_scores_the_same_among_others(shelf: Shelf) -> None:
    shelf.add(*(f"red box number{n}" for n in range(50)), shelf="common")
    shelf.add("blue car in the street", "green tree with a red leaf", shelf="rare")
    found = shelf.searcher.search("red box", 5, filters={"shelf": "rare"}).hits
    everything = {h.chunk.id: h.score for h in shelf.searcher.search("red box", 1000).hits}
    assert found[0].document.source == "green tree with a red leaf"
    assert [hit.score for hit in found] == pytest.approx([everything[h.chunk.id] for h in found])


@pytest.mark.parametrize("mode", ["dense", "lexical"])
def test_a_filtered_search_ranks_all_allowed_documents(shelf: Shelf, mode: str) -> None:
    rng = random.Random(7)
    texts = sorted({" ".join(rng.choices(WORDS, k=12)) for _ in range(400)})
    shelf.add(*texts[:10], shelf="rare")
    shelf.add(*texts[10:], shelf="common")
    for query in ("red box", "garden table", "blue street car"):
        everything = shelf.searcher.search(query, 1000, mode).hits
        rare = [hit.chunk.id for hit in everything if hit.document.metadata["shelf"] == "rare"]
        found = shelf.searcher.search(query, 5, mode, filters={"shelf": "rare"}).hits
        assert [hit.chunk.id for hit in found] == rare[:5]


def test_a_reader_sees_open_collections_and_those_they_are_named_for(shelf: Shelf) -> None:
    shelf.add("red box", collection="open")
    shelf.add("red car", collection="board")
    shelf.catalog.set_readers("board", ["ada"])
    for mode in MODES:
        assert shelf.found("red", mode=mode, reader="bob") == ["red box"]
        assert set(shelf.found("red", mode=mode, reader="ada")) == {"red box", "red car"}
        assert set(shelf.found("red", mode=mode)) == {"red box", "red car"}  # the owner
    shelf.catalog.set_readers("board", [])
    assert set(shelf.found("red", reader="bob")) == {"red box", "red car"}


def test_a_forbidden_collection_is_as_good_as_none(shelf: Shelf) -> None:
    (secret,) = shelf.add("red car", collection="board", plan="merger")
    shelf.add("red box", collection="open")
    shelf.catalog.set_readers("board", ["ada"])
    said = []
    for name in ("board", "nowhere"):
        with pytest.raises(NotFound) as caught:
            shelf.found("red", collection=name, reader="bob")
        said.append(str(caught.value).replace(name, "NAME"))
    assert said[0] == said[1]
    assert shelf.found("red", documents=[secret.id], reader="bob") == []
    with pytest.raises(UserError) as unknown:
        shelf.found("red", filters={"plan": "merger"}, reader="bob")
    assert "merger" not in str(unknown.value)
    assert "plan" not in str(unknown.value).partition(";")[2]
    assert shelf.found("red", collection="board", reader="ada") == ["red car"]


def test_readers_stay_when_the_last_document_goes(shelf: Shelf) -> None:
    (secret,) = shelf.add("red car", collection="board")
    shelf.catalog.set_readers("board", ["bob", "ada", "ada"])
    shelf.remove(secret)
    (board,) = shelf.catalog.collections()
    assert (board.name, board.documents, board.readers) == ("board", 0, ("ada", "bob"))
    shelf.add("red car", collection="board")
    assert shelf.found("red", reader="eve") == []


def test_pages_limit_the_search_to_chunks_on_them(shelf: Shelf) -> None:
    shelf.add_book("red box", "red car", "red tree", "green house")
    for mode in MODES:
        hits = shelf.searcher.search("red", mode=mode, pages=(2, 3)).hits
        assert {hit.chunk.text for hit in hits} == {"red car", "red tree"}
        assert shelf.found("red", mode=mode, pages=(7, 9)) == []


def test_pages_hold_together_with_collections_and_documents(shelf: Shelf) -> None:
    one = shelf.add_book("red box", "red car", collection="a")
    shelf.add_book("red tree", "red house", collection="b")
    for mode in MODES:
        in_b = shelf.searcher.search("red", mode=mode, collection="b", pages=(1, 1)).hits
        assert [hit.chunk.text for hit in in_b] == ["red tree"]
        in_one = shelf.searcher.search("red", mode=mode, documents=[one.id], pages=(2, 2)).hits
        assert [hit.chunk.text for hit in in_one] == ["red car"]


@pytest.mark.parametrize("mode", ["dense", "lexical"])
def test_a_search_of_some_pages_ranks_all_chunks_on_them(shelf: Shelf, mode: str) -> None:
    rng = random.Random(7)
    shelf.add_book(*(" ".join(rng.choices(WORDS, k=12)) for _ in range(400)))
    for query in ("red box", "garden table"):
        everything = shelf.searcher.search(query, 1000, mode).hits
        allowed = [hit.chunk.id for hit in everything if (hit.chunk.page or 0) > 390]
        found = shelf.searcher.search(query, 5, mode, pages=(391, 400)).hits
        assert [hit.chunk.id for hit in found] == allowed[:5]
