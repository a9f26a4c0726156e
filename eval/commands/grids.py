"""What the commands share that make a grid of their options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.errors import UserError
from eval.commands.terminal import question_files
from retrieval.search import MODES

if TYPE_CHECKING:
    from eval.grid.plan import GridFile

__all__ = ["Out", "measured", "modes_of", "source_of"]

Out = Annotated[
    Path | None, typer.Option("--out", help="A results folder to write; default: none.")
]


def modes_of(chosen: Sequence[str] | None) -> tuple[str, ...]:
    """The search modes that were chosen, each once; all of them if none was."""
    for mode in chosen or ():
        if mode not in MODES:
            raise UserError(f"There is no search mode {mode!r}; choose from {', '.join(MODES)}.")
    return tuple(dict.fromkeys(chosen or MODES))


def source_of(
    dataset: Path | None, questions: Path | None, documents: Path | None
) -> dict[str, Any]:
    """Where the questions are, as a grid file says it; the sample's when nothing is given."""
    if dataset is not None:
        if questions or documents:
            raise UserError("Give either --dataset or --questions, not both.")
        return {"dataset": dataset}
    file, folder = question_files(questions, documents)
    return {"questions": file, "documents": str(folder)}


def measured(
    grid: GridFile, out: Path | None, cache: Path | None, home: Path | None
) -> dict[str, Any]:
    """The report of a grid as JSON; its results are written if a folder is named."""
    from eval.commands.run import progress_bar, resumable
    from eval.grid.run import measure_grid, run_grid

    with resumable(), progress_bar() as listen:
        if out is not None:
            return run_grid(grid, out, cache, home, listen)[0].data
        return measure_grid(grid, cache, home, listen).data
