"""The gold set that a grid file names.

Knows which reader is for which keys of the file; the readers know their layouts.
"""

from __future__ import annotations

from pathlib import Path

from corpus.datasets import load_beir
from corpus.errors import UserError
from eval.chunk_gold import load_chunk_gold
from eval.gold.records import GoldSet, Topic
from eval.grid.plan import GridFile
from eval.indexing import paragraphs

__all__ = ["load_gold"]


def load_gold(grid: GridFile) -> GoldSet:
    """Read it.

    Raises:
        UserError: the grid names no data, or they are not what their layout says; names file and line.
    """
    if grid.dataset is not None:
        return _spans(grid.dataset) if (grid.dataset / "corpora").is_dir() else _beir(grid)
    raise UserError(
        f"The grid {grid.name!r} names no questions; add 'dataset' to the file, or give --dataset."
    )


def _spans(folder: Path) -> GoldSet:
    found = load_chunk_gold(folder)
    topics = tuple(Topic(q.id, q.text, gold=q.gold) for q in found.questions)
    return GoldSet(found.name, found.documents, topics)


def _beir(grid: GridFile) -> GoldSet:
    assert grid.dataset is not None
    found = load_beir(grid.dataset, grid.split)
    documents = {entry.id: paragraphs(entry.text, entry.title) for entry in found.documents}
    qrels = found.qrels()
    topics = tuple(Topic(q.id, q.text, grades=qrels[q.id]) for q in found.judged())
    return GoldSet(found.name, documents, topics, whole=True)
