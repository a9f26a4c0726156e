"""What one ingestion knows and has done so far: the files to read, the batch being filled, the report.

Knows nothing of parsing, embedding or committing; ``ingest.pipeline`` does those.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from corpus.catalog import Catalog, Stored
from corpus.records import content_id
from ingest.discover import Source
from ingest.report import FileResult, Progress, Report
from ingest.writer import Batch

__all__ = ["PARSER_VERSION", "Listener", "Run", "Work"]

PARSER_VERSION = "1"  # raise it when parsing changes, so that unchanged files are parsed again

Listener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Work:
    """A file whose content must be read, and the ids that follow from that content."""

    source: Source
    sha256: str
    size: int

    @property
    def content(self) -> str:
        return content_id("content", self.sha256, self.source.path.suffix.lower(), PARSER_VERSION)


class Run:
    """What one ingestion knows and has done so far."""

    def __init__(
        self, stored: list[Stored], collection: str, total: int, listen: Listener | None
    ) -> None:
        self.known = {s.document.source: s for s in stored}
        self.collection = collection
        self.report = Report(job=uuid.uuid4().hex[:12])
        self.batch = Batch()
        self.waiting: list[FileResult] = []  # read, but not yet durable
        self.changed = False
        self._total = total
        self._listen = listen
        self._counts: dict[str, int] | None = None

    def chunks_of(self, catalog: Catalog, document: str) -> int:
        if self._counts is None:
            self._counts = catalog.chunk_counts()
        return self._counts.get(document, 0)

    def done(self, result: FileResult) -> None:
        self.report.files.append(result)
        if self._listen:
            self._listen(Progress(len(self.report.files), self._total, result))

    def acknowledge(self) -> None:
        for result in self.waiting:
            self.done(result)
        self.batch, self.waiting = Batch(), []
