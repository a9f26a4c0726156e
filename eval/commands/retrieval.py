"""``alcove eval retrieval``: dense, lexical and hybrid search of documents cut as the settings say; a small grid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.commands.grids import Out, measured, modes_of, source_of
from eval.commands.terminal import present_data
from eval.options import Cache, Documents, HomeFolder, Json, Questions

__all__ = ["retrieval"]

DOCUMENT_METRICS = ("nDCG@10", "recall@100", "MRR@10")
QUESTION_METRICS = ("success@5", "span recall@5", "nDCG@10")


def retrieval(
    dataset: Annotated[
        Path | None, typer.Option("--dataset", help="A folder in BEIR's layout.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which of its qrels.")] = "test",
    questions: Questions = None,
    documents: Documents = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="dense, lexical or hybrid; repeatable; default: all.")
    ] = None,
    limit_queries: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many queries.")
    ] = None,
    out: Out = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Quality with 95 % intervals and latency of dense, lexical and hybrid search."""
    from eval.grid.plan import Axes, GridFile

    axes = Axes(fusion=modes_of(mode or None))
    source = source_of(dataset, questions, documents)
    by_document = dataset is not None and not (dataset / "corpora").is_dir()
    grid = GridFile(
        name="retrieval",
        **source,
        split=split,
        limit=limit_queries or 0,
        metrics=DOCUMENT_METRICS if by_document else QUESTION_METRICS,
        grid=axes,
    )
    present_data(measured(grid, out, cache, home), as_json)
