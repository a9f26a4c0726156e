"""What a benchmark runs on: a home of its own, opened with the settings of the real one.

Benchmarks never touch the documents a person has ingested. Each set has its home below
``$ALCOVE_HOME/eval`` (or another cache folder), where vectors are kept, so that a second run embeds
nothing. The settings (encoder, chunking, fusion) are those of the real home: what is measured is
what is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.settings import Settings
from corpus.catalog import Catalog
from corpus.errors import UserError
from corpus.home import Home
from corpus.questions import QuestionSet
from eval.spans import Placed, by_path, place

if TYPE_CHECKING:
    from corpus.datasets import Dataset
    from eval.indexing import Advance
    from ingest.pipeline import Listener
    from retrieval.protocols import Encoder
    from retrieval.search import Searcher

__all__ = ["Bench", "open_bench"]


@dataclass(frozen=True, slots=True)
class Bench:
    """The parts of one benchmark home."""

    settings: Settings
    home: Home
    catalog: Catalog
    encoder: Encoder
    searcher: Searcher

    @property
    def context(self) -> dict[str, Any]:
        """What figures measured here depend on."""
        fingerprint = self.encoder.fingerprint
        retrieval = self.settings.retrieval
        sizes = self.catalog.collections()
        return {
            "encoder": fingerprint.model,
            "encoder_window": fingerprint.max_tokens,
            "encoder_arithmetic": fingerprint.dtype,
            "chunking": f"{self.settings.ingest.strategy}-{self.settings.ingest.chunk_tokens}"
            f"-{self.settings.ingest.overlap_tokens}",
            "fusion": retrieval.fusion,
            "documents": sum(size.documents for size in sizes),
            "chunks": sum(size.chunks for size in sizes),
        }

    def index(self, dataset: Dataset, advance: Advance) -> None:
        """Make the index hold exactly the documents of a test collection."""
        from eval.indexing import index_dataset
        from ingest.chunking import make_chunker

        chosen = self.settings.ingest
        chunker = make_chunker(
            chosen.strategy,
            self.encoder.count_tokens,
            size=chosen.chunk_tokens,
            overlap=chosen.overlap_tokens,
        )
        index_dataset(dataset, self.home, self.catalog, self.encoder, chunker, advance)

    def ingest(self, folder: Path, listen: Listener) -> None:
        """Make the index hold exactly the files of a folder, through the whole pipeline."""
        from ingest.pipeline import Pipeline

        settings = self.settings
        pipeline = Pipeline(self.home, self.catalog, self.encoder, settings.ingest, settings.corpus)
        try:
            pipeline.sync([folder], listen=listen)
        finally:
            pipeline.close()

    def place(self, questions: QuestionSet, folder: Path) -> list[Placed]:
        """The questions with their gold looked up in the ingested files of ``folder``."""
        documents: Mapping[str, Any] = by_path(self.catalog.documents(), folder)
        return place(questions.questions, documents, self.catalog)


@contextmanager
def open_bench(name: str, cache: Path | None = None, home: Path | None = None) -> Iterator[Bench]:
    """Open the benchmark home called ``name``.

    Args:
        cache: the folder that holds benchmark homes; ``None``: ``eval`` in the real home.
        home: the real home, whose settings hold; ``None``: ``ALCOVE_HOME`` or the platform's folder.

    Raises:
        UserError: the settings are wrong, or ``name`` cannot name a folder.
        OperatorError: the folder cannot be written, or there is no encoder on this machine.
    """
    from retrieval.encoder import load_encoder
    from retrieval.models import resolve
    from retrieval.search import Searcher

    if not name or name != Path(name).name:
        raise UserError(f"{name!r} cannot name a benchmark; rename the folder of the set.")
    settings = Settings.load(home)
    real = settings.corpus.home
    folder = (cache or real / "eval") / name
    corpus = settings.corpus.model_copy(update={"home": folder})
    settings = settings.model_copy(update={"corpus": corpus})
    bench = Home(folder)
    model = resolve(settings.embedding.model, Home(real), settings.embedding.cache)
    encoder = load_encoder(model, settings.embedding)
    catalog = Catalog(bench)
    try:
        searcher = Searcher(bench, catalog, encoder, settings.retrieval)
        yield Bench(settings, bench, catalog, encoder, searcher)
    finally:
        catalog.close()
