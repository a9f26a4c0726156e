"""What a home tells of its chunks, its filters and its rankings, through the search that is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.home import Home
from corpus.records import Span
from eval.causes.diagnosis import diagnose
from eval.causes.home import HomeLook, Terms
from eval.gold.records import Topic
from eval.results.records import Loss, Stage
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.retrieval.conftest import Shelf

COATS = ["a red coat", "a red hat", "a red shoe", "a red car", "a blue coat in the red box"]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(Home(tmp_path / "home"))
    made.add(*COATS)
    yield made
    made.close()


def losses(
    shelf: Shelf,
    source: str,
    query: str = "red",
    k: int = 2,
    settings: object = None,
    **terms: object,
) -> tuple[Loss, ...]:
    """What is lost of the document called ``source``, all of it gold."""
    chosen = settings if isinstance(settings, RetrievalSettings) else RetrievalSettings()
    searcher = Searcher(shelf.home, shelf.catalog, shelf.encoder, chosen)
    asked = Terms(k=5, **{"mode": "dense", **terms})
    hits = searcher.search(query, asked.k, asked.mode, **asked.scope).hits
    look = HomeLook(shelf.catalog, searcher, chosen, asked)
    topic = Topic("q17", query, gold=((source, Span(0, len(source))),))
    return diagnose(topic, hits, k, look)


def test_what_is_found_is_not_lost(shelf: Shelf) -> None:
    assert losses(shelf, "a red car", "red car") == ()


def test_the_ranks_that_were_not_enough_are_named(shelf: Shelf) -> None:
    (loss,) = losses(shelf, COATS[-1], mode="hybrid")
    assert loss.stage is Stage.NOT_RETRIEVED
    assert loss.detail == "dense rank 5, lexical rank 5"


def test_a_document_that_is_not_there_was_not_parsed(shelf: Shelf) -> None:
    (loss,) = losses(shelf, "no such text")
    assert (loss.stage, loss.detail) == (Stage.NOT_PARSED, "there is no such document")


@pytest.mark.parametrize(
    ("terms", "detail"),
    [
        ({"collection": "default"}, "of collection 'default', it is in 'shoes'"),
        ({"reader": "bob"}, "'bob' may not read its collection 'shoes'"),
        ({"filters": {"colour": "red"}}, "with colour='red', which it does not have"),
        ({"documents": ()}, "the search was of 0 documents, and not of this one"),
    ],
)
def test_whatever_kept_the_search_from_a_document_is_named(
    shelf: Shelf, terms: dict[str, object], detail: str
) -> None:
    shelf.add("a green shoe", collection="shoes", colour="green")
    shelf.add("a red sock", colour="red")
    shelf.catalog.set_readers("shoes", ["ann"])
    (loss,) = losses(shelf, "a green shoe", "green shoe", **terms)
    assert loss.stage is Stage.FILTERED
    assert detail in loss.detail
    assert losses(shelf, "a green shoe", "green shoe", reader="ann") == ()
    assert losses(shelf, "a green shoe", "green shoe", filters={"Colour": "green"}) == ()


def test_a_page_that_was_not_searched_is_named(shelf: Shelf) -> None:
    book = shelf.add_book("the first page", "an owl on the second page")
    at = book.source.index("an owl")
    topic = Topic("q", "owl", gold=((book.source, Span(at, at + 6)),))
    for pages, stages in (((1, 1), [Stage.FILTERED]), ((2, 2), [])):
        terms = Terms(mode="lexical", pages=pages)
        look = HomeLook(shelf.catalog, shelf.searcher, RetrievalSettings(), terms)
        hits = shelf.searcher.search("owl", 10, "lexical", pages=pages).hits
        found = diagnose(topic, hits, 5, look)
        assert [loss.stage for loss in found] == stages
        assert all("pages 1 to 1, it stands on page 2" in loss.detail for loss in found)


def test_what_fusion_put_down_was_lost_there(shelf: Shelf) -> None:
    shelf.add("red", "a beast of wood")
    best = {
        mode: shelf.searcher.search("red beast", 1, mode).hits[0].document.source
        for mode in ("dense", "lexical")
    }
    assert best["dense"] != best["lexical"]
    weight = {"dense": 0.0, "lexical": 1.0}
    for lost, dense_weight in weight.items():
        settings = RetrievalSettings(dense_weight=dense_weight)
        (loss,) = losses(shelf, best[lost], "red beast", 1, settings, mode="hybrid")
        assert loss.stage is Stage.FUSION
        assert f"{lost} rank 1" in loss.detail


def test_what_diversity_put_out_was_lost_after_the_ranking(shelf: Shelf) -> None:
    shelf.add("a red coat, red")
    searched = [hit.document.source for hit in shelf.searcher.search("red coat", 2, "dense").hits]
    (loss,) = losses(shelf, searched[1], "red coat", settings=RetrievalSettings(diversity=0.0))
    assert loss.stage is Stage.RERANK
    assert loss.detail.startswith("rank 2 before diversity; ")


def test_a_repetition_that_was_collapsed_was_lost_after_the_ranking(shelf: Shelf) -> None:
    shelf.add("a red coat!", collection="other")
    query, collapse = "a red coat", RetrievalSettings(collapse=True)
    found = {
        text: losses(shelf, text, query, settings=collapse)
        for text in ("a red coat", "a red coat!")
    }
    ((loss,),) = [lost for lost in found.values() if lost]
    assert loss.stage is Stage.RERANK
    assert "before collapsing; shown as a repetition of" in loss.detail
