"""What is told of an index beside how well it is searched: its chunks, their size, and what it takes on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from corpus.records import Span
from corpus.snapshot import SnapshotStore

if TYPE_CHECKING:
    from corpus.catalog import Catalog
    from corpus.home import Home
    from retrieval.protocols import Encoder

__all__ = ["IndexFacts", "facts_of"]

MIB = 2**20


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """Figures about an index, and where its chunks stand: spans as they are matched, by the name of the document."""

    figures: Mapping[str, float]
    chunks: Mapping[str, tuple[Span, ...]]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        spans = {name: [[s.start, s.end] for s in found] for name, found in self.chunks.items()}
        return {"figures": dict(self.figures), "chunks": spans}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> IndexFacts:
        """What ``to_json`` described."""
        spans = {
            name: tuple(Span(start, end) for start, end in found)
            for name, found in data["chunks"].items()
        }
        return cls(data["figures"], spans)


def facts_of(home: Home, catalog: Catalog, encoder: Encoder) -> IndexFacts:
    """Look at the live index of a home, whose documents' ``source`` is their name."""
    spans: dict[str, tuple[Span, ...]] = {}
    tokens: list[int] = []
    for document in catalog.documents():
        found = catalog.chunks_of(document.id)
        spans[document.source] = tuple(Span(chunk.start, chunk.end) for chunk in found)
        tokens += [encoder.count_tokens(chunk.text) for chunk in found]
    sizes = {name: _mib(home, name) for name in ("dense", "lexical")}
    figures = {
        "documents": float(len(spans)),
        "chunks": float(len(tokens)),
        "mean tokens": round(fmean(tokens), 1) if tokens else 0.0,
        "index MiB": round(sum(sizes.values()), 3),
        **{f"{name} MiB": round(size, 3) for name, size in sizes.items()},
    }
    return IndexFacts(figures, spans)


def _mib(home: Home, folder: str) -> float:
    """What one of the two indexes of the live snapshot takes on disk."""
    live = SnapshotStore(home).live()
    files = live.files.items() if live else ()
    return sum(int(f["size"]) for name, f in files if name.startswith(f"{folder}/")) / MIB
