"""What a benchmark runs on: a home of its own, opened with the settings of the real one.

Benchmarks never touch the documents a person has ingested. Each set has its home below
``$ALCOVE_HOME/eval`` (or another cache folder), where vectors are kept, so that a second run embeds
nothing. Whatever else an older version of the code made there is made anew, so that no figure is
about code that is gone. The settings (encoder, chunking, fusion, language model) are those of the
real home: what is measured is what is used.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.errors import UserError
from corpus.home import Home, disk_errors
from corpus.questions import QuestionSet
from corpus.records import Parsed
from eval.grid.stamp import code_hash
from eval.spans import Placed, by_path, place

if TYPE_CHECKING:
    from agents.answering.answer import Answerer
    from agents.build import App
    from corpus.datasets import Dataset
    from eval.indexing import Advance
    from ingest.protocols import Chunker
    from ingest.run import Listener
    from ingest.settings import IngestSettings
    from retrieval.protocols import Array, Encoder
    from retrieval.search import Searcher
    from retrieval.settings import DenseSettings

__all__ = ["SAMPLE", "Bench", "bench_name", "open_bench", "open_home"]

SAMPLE = Path(__file__).parent.parent / "corpus" / "sample"
"""The documents and questions that come with Alcove."""

STAMP = "code.sha256"
MADE = ("catalog.sqlite*", "snapshots", "CURRENT", "originals", "cells")
INDEXERS = ("eval/indexing.py", "corpus", "ingest", "retrieval")


class Bench:
    """One benchmark home, with everything that works on it."""

    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def home(self) -> Home:
        """The benchmark home."""
        return self._app.home

    @property
    def catalog(self) -> Catalog:
        """Documents, their texts and chunks."""
        return self._app.catalog

    @property
    def settings(self) -> Settings:
        """By which everything here works."""
        return self._app.settings

    @property
    def searcher(self) -> Searcher:
        """The search over this home."""
        return self._app.finder().searcher

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded."""
        return self._app.finder().encoder

    @property
    def parser_workers(self) -> int:
        """Parser processes that ingestion is set to use."""
        return self._app.settings.ingest.workers

    @property
    def answerer(self) -> Answerer:
        """What answers questions from this home; looks for a language model if the settings say so."""
        return self._app.core().answerer

    @property
    def context(self) -> dict[str, Any]:
        """What figures measured here depend on."""
        fingerprint = self._app.finder().encoder.fingerprint
        chunking = self._app.settings.ingest
        sizes = self.catalog.collections()
        return {
            "encoder": fingerprint.model,
            "encoder_window": fingerprint.max_tokens,
            "encoder_arithmetic": fingerprint.dtype,
            "chunking": f"{chunking.strategy}-{chunking.chunk_tokens}-{chunking.overlap_tokens}",
            "fusion": self._app.settings.retrieval.fusion,
            "documents": sum(size.documents for size in sizes),
            "chunks": sum(size.chunks for size in sizes),
        }

    def index(self, dataset: Dataset, advance: Advance) -> None:
        """Make the index hold exactly the documents of a test collection."""
        from eval.indexing import index_dataset

        chunker = self.chunker()
        index_dataset(dataset, self._app.home, self.catalog, self.encoder, chunker, advance)

    @property
    def ingest_settings(self) -> IngestSettings:
        """How documents are read and cut, unless a benchmark says otherwise."""
        return self._app.settings.ingest

    def chunker(self, **changes: Any) -> Chunker:
        """The chunker that ingestion is set to use, but for ``changes`` of its settings."""
        from ingest.chunking import chunker_for

        settings = self.ingest_settings
        changed = settings.model_validate({**settings.model_dump(), **changes})
        return chunker_for(changed, self.encoder, self._embed)

    def index_documents(
        self,
        documents: Mapping[str, Parsed],
        chunker: Chunker,
        advance: Advance,
        whole: bool = False,
        dense: DenseSettings | None = None,
    ) -> None:
        """Make the index hold exactly ``documents``; see ``eval.indexing.index_documents``."""
        from eval.indexing import index_documents

        dense = dense or self._app.settings.retrieval.dense
        home, encoder = self._app.home, self.encoder
        index_documents(documents, home, self.catalog, encoder, chunker, advance, whole, dense)

    def _embed(self, texts: Sequence[str]) -> Array:
        """Vectors of ``texts`` from the store of this home, or kept there."""
        from retrieval.vectors import VectorStore

        store = VectorStore(self._app.home, self.encoder)
        try:
            return store.embed(texts)
        finally:
            store.close()

    def ingest(self, folder: Path, listen: Listener) -> None:
        """Make the index hold exactly the files of a folder, through the whole pipeline."""
        from ingest.pipeline import Pipeline

        settings, encoder = self._app.settings, self._app.finder().encoder
        dense = settings.retrieval.dense
        pipeline = Pipeline(
            self._app.home, self.catalog, encoder, settings.ingest, settings.corpus, dense
        )
        try:
            pipeline.sync([folder], listen=listen)
        finally:
            pipeline.close()

    def place(self, questions: QuestionSet, folder: Path) -> list[Placed]:
        """The questions with their gold looked up in the ingested files of ``folder``."""
        documents = by_path(self.catalog.documents(), folder)
        return place(questions.questions, documents, self.catalog)


def bench_name(folder: Path) -> str:
    """What the benchmark home of a folder of documents is called."""
    return "sample" if folder == SAMPLE / "documents" else folder.name


@contextmanager
def open_bench(
    name: str,
    cache: Path | None = None,
    home: Path | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[Bench]:
    """Open the benchmark home called ``name``.

    Args:
        cache: the folder that holds benchmark homes; ``None``: ``eval`` in the real home.
        home: the real home, whose settings hold; ``None``: ``ALCOVE_HOME`` or the platform's folder.
        overrides: sections of the settings with what the command line says.

    Raises:
        UserError: the settings are wrong, or the folder holds something else.
        OperatorError: the folder cannot be written, or there is no encoder on this machine.
    """
    from agents.build import build
    from retrieval.encoder import load_encoder
    from retrieval.models import resolve

    if name in ("", ".", "..") or name != Path(name).name:
        raise UserError(f"{name!r} cannot name a benchmark; rename the folder of the set.")
    settings = Settings.load(home, overrides)
    real = settings.corpus.home
    folder = (cache or real / "eval") / name
    _renew(folder)
    corpus = settings.corpus.model_copy(update={"home": folder})
    settings = settings.model_copy(update={"corpus": corpus})
    chosen = settings.embedding
    model = resolve(chosen.model, Home(real), chosen.cache)  # added models lie in the real home
    app = build(settings, lambda *_: (load_encoder(model, chosen), model.note))
    try:
        yield Bench(app)
    finally:
        app.close()


@contextmanager
def open_home(home: Path | None = None) -> Iterator[Bench]:
    """Open a person's own home, to be searched and not to be changed; arguments as ``open_bench``.

    Raises:
        UserError: the settings are wrong. OperatorError: there is no encoder on this machine.
    """
    from agents.build import build

    app = build(Settings.load(home))
    try:
        yield Bench(app)
    finally:
        app.close()


def _renew(folder: Path) -> None:
    """Throw away what another version of the code made in a benchmark home: all but the vectors."""
    stamp, version = folder / STAMP, code_hash(*INDEXERS)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if stamp.exists():
            if stamp.read_text() == version:
                return
        elif any(folder.iterdir()):
            raise UserError(f"{str(folder)!r} is no benchmark's folder; choose another --cache.")
        stamp.write_text("renewing")  # if this is cut off, the next run begins again
        for name in MADE:
            for path in folder.glob(name):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        stamp.write_text(version)
