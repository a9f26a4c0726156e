"""A pipeline over a small folder of text files, with an encoder that needs no weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.catalog import Catalog
from corpus.home import Home
from corpus.settings import CorpusSettings
from ingest.pipeline import Pipeline
from ingest.report import Report
from ingest.settings import IngestSettings
from retrieval.search import Searcher
from retrieval.settings import RetrievalSettings
from tests.fakes import HashEncoder


class Desk:
    """A folder, and the home it is ingested into."""

    def __init__(self, home: Home, folder: Path, **settings: object) -> None:
        self.home = home
        self.folder = folder
        self.catalog = Catalog(home)
        self.encoder = HashEncoder()
        corpus = CorpusSettings(home=home.root)
        ingest = IngestSettings(**{"workers": 1, **settings})
        self.pipeline = Pipeline(home, self.catalog, self.encoder, ingest, corpus)
        self.searcher = Searcher(home, self.catalog, self.encoder, RetrievalSettings())

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def sync(self, **options: object) -> Report:
        return self.pipeline.sync([self.folder], **options)

    def found(self, query: str) -> list[str]:
        hits = self.searcher.search(query, 20, "lexical").hits
        return [Path(hit.document.source).name for hit in hits]

    def close(self) -> None:
        self.pipeline.close()
        self.catalog.close()


@pytest.fixture
def desk(home: Home, tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "papers"
    folder.mkdir()
    made = Desk(home, folder)
    yield made
    made.close()
