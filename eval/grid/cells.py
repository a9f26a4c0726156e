"""The cells of a grid: every combination of its axes, named, grouped by the index that they search.

A chunker that takes no notice of a setting gives the same chunks for all its values, so that such a cell is
there once. Knows names and settings; nothing of how a cell is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import UserError
from eval.grid.plan import Axes, NamedIndex
from ingest.chunking import chunking_name
from ingest.settings import IngestSettings
from retrieval.settings import DenseSettings, RetrievalSettings

if TYPE_CHECKING:
    from agents.settings import Settings

__all__ = ["Cell", "Indexed", "cells_of", "groups"]

UNBOUNDED = 2**40  # vectors, or MiB: never reached


@dataclass(frozen=True, slots=True)
class Indexed:
    """One index: which encoder embeds what which chunker cuts, and how the vectors are laid out.

    ``chunker`` is the chunker's own name with its parameters, ``index`` the name of the layout.
    """

    encoder: str
    chunker: str
    ingest: IngestSettings
    index: str
    dense: DenseSettings


@dataclass(frozen=True, slots=True)
class Cell:
    """One system: an index and how it is searched. ``parts``: as in ``report.json``."""

    name: str
    parts: Mapping[str, Any]
    indexed: Indexed
    mode: str
    search: RetrievalSettings


def cells_of(axes: Axes, settings: Settings) -> tuple[Cell, ...]:
    """Every combination, in the order of the axes.

    Raises:
        UserError: sizes that a chunker cannot be made with, or two systems that would share a name.
    """
    found: dict[str, Cell] = {}
    for indexed in _indexes(axes, settings):
        for fusion in axes.fusion:
            for rerank in axes.rerank or (str(settings.retrieval.rerank_model or ""),):
                cell = _cell(axes, settings.retrieval, indexed, fusion, rerank)
                if found.setdefault(cell.name, cell) != cell:
                    raise UserError(
                        f"Two systems of the grid would be called {cell.name!r}; give the folders"
                        " of its models different names."
                    )
    return tuple(found.values())


def groups(cells: Sequence[Cell]) -> dict[Indexed, list[Cell]]:
    """The cells by their index, which is thus built once, indexes of one encoder together."""
    found: dict[Indexed, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: _first(cells, cell.indexed.encoder)):
        found.setdefault(cell.indexed, []).append(cell)
    return found


def _first(cells: Sequence[Cell], encoder: str) -> int:
    return next(n for n, cell in enumerate(cells) if cell.indexed.encoder == encoder)


def _indexes(axes: Axes, settings: Settings) -> Iterator[Indexed]:
    seen: set[Indexed] = set()
    layouts = [_layout(entry, settings.retrieval.dense) for entry in axes.index]
    for ingest in _cuts(axes, settings.ingest):
        name = chunking_name(ingest)
        for encoder in axes.encoder:
            chosen = settings.embedding.model if encoder == "auto" else encoder
            for index, dense in layouts:
                indexed = Indexed(chosen, name, ingest, index, dense)
                if not any(_same(indexed, other) for other in seen):
                    seen.add(indexed)
                    yield indexed


def _same(a: Indexed, b: Indexed) -> bool:
    """A chunker's name holds every setting that it goes by."""
    return (a.encoder, a.chunker, a.index) == (b.encoder, b.chunker, b.index)


def _cuts(axes: Axes, settings: IngestSettings) -> Iterator[IngestSettings]:
    """The settings of every way of cutting; an overlap that is not given keeps its share of the size."""
    share = settings.overlap_tokens / settings.chunk_tokens
    for strategy in axes.chunker or (settings.strategy,):
        for size in axes.size or (settings.chunk_tokens,):
            for sentences in axes.sentences or (settings.sentences,):
                overlap = round(size * share) if axes.overlap is None else axes.overlap
                changes = {
                    "strategy": strategy,
                    "chunk_tokens": size,
                    "overlap_tokens": overlap,
                    "sentences": sentences,
                }
                yield settings.model_copy(update=changes)


def _layout(entry: str | NamedIndex, settings: DenseSettings) -> tuple[str, DenseSettings]:
    if isinstance(entry, NamedIndex):
        return entry.name, entry.settings
    changes = {
        "auto": {},
        "exact": {"exact_vectors": UNBOUNDED, "memory_mib": UNBOUNDED},
        "approximate": {"exact_vectors": 1},
    }
    return entry, settings.model_copy(update=changes[entry])


def _cell(
    axes: Axes, settings: RetrievalSettings, indexed: Indexed, fusion: str, rerank: str
) -> Cell:
    mode = fusion if fusion in ("dense", "lexical") else "hybrid"
    changes: dict[str, Any] = {"dense": indexed.dense}
    if fusion not in ("dense", "lexical", "hybrid"):
        changes["fusion"] = fusion
    changes["rerank_model"] = Path(rerank) if rerank else None
    parts: dict[str, Any] = {
        "chunker": indexed.chunker,
        "size": indexed.ingest.chunk_tokens,
        "encoder": _short(indexed.encoder),
        "index": indexed.index,
        "fusion": fusion,
        "rerank": _short(rerank),
    }
    said = [indexed.chunker] * axes.cuts
    said += [parts["encoder"]] * (len(axes.encoder) > 1)
    said += [indexed.index] * (len(axes.index) > 1)
    said += [fusion] + [parts["rerank"]] * (axes.rerank is not None)
    name = " ".join(filter(None, said))
    return Cell(name, parts, indexed, mode, settings.model_copy(update=changes))


def _short(model: str) -> str:
    """A model's name; of a folder its last part."""
    return Path(model).name if "/" in model else model
