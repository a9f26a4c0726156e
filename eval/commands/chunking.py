"""``alcove eval chunking``: ways to cut documents, compared on gold spans; a grid made of options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpus.errors import UserError
from eval.commands.grids import Out, measured, modes_of, source_of
from eval.commands.terminal import present_data
from eval.options import Cache, Documents, HomeFolder, Json, Questions
from ingest.chunking import STRATEGIES, require_strategy, strategy_names

__all__ = ["chunking"]

METRICS = (
    "token recall@5",
    "token precision@5",
    "token IoU@5",
    "context tokens@5",
    "recall in 4000",
    "recall in 12000",
)


def chunking(
    data: Annotated[
        Path | None, typer.Option("--data", help="A folder with corpora/ and questions.jsonl.")
    ] = None,
    questions: Questions = None,
    documents: Documents = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(STRATEGIES)}, or one of a package; repeatable; default: all."
        ),
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option(min=16, help="Of a chunk (tokens); repeatable; default: as set."),
    ] = None,
    overlap: Annotated[
        int | None, typer.Option(min=0, help="Tokens; default: the set share of the size.")
    ] = None,
    sentences: Annotated[
        list[int] | None,
        typer.Option(min=1, max=3, help="Of sentence_window; repeatable; default: as set."),
    ] = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="dense, lexical or hybrid; repeatable; default: dense.")
    ] = None,
    limit_queries: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many questions.")
    ] = None,
    out: Out = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Recall, precision and IoU of gold text for ways of chunking, with 95 % intervals."""
    from eval.grid.plan import Axes, GridFile

    if data is not None and (questions or documents):
        raise UserError("Give either --data or --questions, not both.")
    for name in strategy or ():
        require_strategy(name)
    axes = Axes(
        chunker=tuple(dict.fromkeys(strategy or strategy_names())),
        size=tuple(dict.fromkeys(size or ())) or None,
        overlap=overlap,
        sentences=tuple(dict.fromkeys(sentences or ())) or None,
        fusion=modes_of(mode or ["dense"]),
    )
    source = source_of(data, questions, documents)
    limit = limit_queries or 0
    grid = GridFile(name="chunking", **source, limit=limit, metrics=METRICS, grid=axes)
    present_data(measured(grid, out, cache, home), as_json)
