"""A test collection in an index of its own: what becomes a chunk, and what a second run does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.catalog import Catalog
from corpus.datasets import Dataset, DatasetDocument, Query
from corpus.errors import Conflict
from corpus.home import Home
from corpus.records import Judgement
from eval.indexing import index_dataset
from ingest.chunking import make_chunker
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.fakes import HashEncoder

SHORT = DatasetDocument("d/1", "Rain gauges", "A gauge collects rain over one day.")
LONG = DatasetDocument(
    "d2",
    "Snow",
    "\n\n".join(f"Paragraph {n} tells of {'snow ' * 40}and of flake number {n}." for n in range(9)),
)
TITLED = DatasetDocument("d3", "Fog", "Fog\n\nFog is a cloud on the ground.")


def dataset(*documents: DatasetDocument) -> Dataset:
    return Dataset("weather", documents, (Query("q", "rain"),), (Judgement("q", "d/1", 1),))


class Shelf:
    """One home with everything that indexing needs."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.catalog = Catalog(self.home)
        self.encoder = HashEncoder()
        self.size = 60

    def index(self, *documents: DatasetDocument) -> bool:
        chunker = make_chunker("recursive", self.encoder.count_tokens, size=self.size, overlap=10)
        self.steps: list[tuple[int, int]] = []
        return index_dataset(
            dataset(*documents),
            self.home,
            self.catalog,
            self.encoder,
            chunker,
            lambda done, total: self.steps.append((done, total)),
        )

    def chunks(self, source: str) -> list[tuple[tuple[str, ...], str]]:
        found = {document.source: document.id for document in self.catalog.documents()}
        return [(chunk.headings, chunk.text) for chunk in self.catalog.chunks_of(found[source])]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.catalog.close()


def test_a_document_that_fits_the_window_is_one_chunk_under_its_title(shelf: Shelf) -> None:
    assert shelf.index(SHORT)
    assert shelf.chunks("d/1") == [(("Rain gauges",), SHORT.text)]


def test_a_title_that_the_text_begins_with_is_not_repeated(shelf: Shelf) -> None:
    shelf.index(TITLED)
    assert shelf.chunks("d3") == [((), TITLED.text)]


def test_a_long_document_is_cut_without_losing_a_word_each_piece_under_the_title(
    shelf: Shelf,
) -> None:
    shelf.index(LONG)
    chunks = shelf.chunks("d2")
    assert len(chunks) > 5
    assert {headings[0] for headings, _ in chunks} == {"Snow"}
    assert all(shelf.encoder.count_tokens(text) <= 60 for _, text in chunks)
    for number in range(9):
        assert any(f"flake number {number}" in text for _, text in chunks)


def test_a_document_without_text_is_kept_but_cannot_be_found(shelf: Shelf) -> None:
    shelf.index(SHORT, DatasetDocument("empty", "Nothing", " \n"))
    assert shelf.chunks("empty") == []
    assert len(shelf.catalog.documents()) == 2


def test_what_was_indexed_is_found_by_its_id(shelf: Shelf) -> None:
    shelf.index(SHORT, LONG, TITLED)
    searcher = Searcher(shelf.home, shelf.catalog, shelf.encoder, RetrievalSettings())
    for mode in ("dense", "lexical", "hybrid"):
        hits = searcher.search("how much rain does a gauge collect", k=3, mode=mode).hits
        assert hits[0].document.source == "d/1"


def test_a_second_run_finds_the_index_as_it_is(shelf: Shelf) -> None:
    shelf.index(SHORT, LONG)
    snapshot, encoded = shelf.catalog.snapshot, shelf.encoder.encoded
    assert not shelf.index(SHORT, LONG)
    assert (shelf.catalog.snapshot, shelf.encoder.encoded) == (snapshot, encoded)


def test_after_a_change_only_new_texts_are_embedded(shelf: Shelf) -> None:
    shelf.index(SHORT, LONG)
    encoded = shelf.encoder.encoded
    assert shelf.index(LONG, TITLED)
    assert shelf.encoder.encoded == encoded + 1
    assert sorted(d.source for d in shelf.catalog.documents()) == ["d2", "d3"]
    searcher = Searcher(shelf.home, shelf.catalog, shelf.encoder, RetrievalSettings())
    assert "d/1" not in {hit.document.source for hit in searcher.search("rain gauge").hits}


def test_other_chunking_makes_the_index_anew(shelf: Shelf) -> None:
    shelf.index(LONG)
    before = len(shelf.chunks("d2"))
    shelf.size = 120
    assert shelf.index(LONG)
    assert len(shelf.chunks("d2")) < before


def test_another_encoder_makes_the_index_anew(shelf: Shelf) -> None:
    shelf.index(SHORT)
    shelf.encoder = HashEncoder(dimension=64, name="other")
    assert shelf.index(SHORT)
    searcher = Searcher(shelf.home, shelf.catalog, shelf.encoder, RetrievalSettings())
    assert searcher.search("rain", mode="dense").hits[0].document.source == "d/1"


def test_progress_ends_with_every_chunk_embedded(shelf: Shelf) -> None:
    shelf.index(SHORT, LONG)
    done, total = shelf.steps[-1]
    assert done == total == 1 + len(shelf.chunks("d2"))


def test_two_runs_at_once_do_not_mix(shelf: Shelf) -> None:
    with shelf.home.writer_lock(), pytest.raises(Conflict):
        shelf.index(SHORT)
