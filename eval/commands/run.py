"""``alcove eval run``: a grid file computed into a results folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.commands.terminal import present_data
from eval.options import Cache, HomeFolder, Json

if TYPE_CHECKING:
    from eval.grid.progress import Listen

__all__ = ["progress_bar", "progress_lines", "resumable", "run"]

INTERRUPTED = 130  # as a shell has it for Ctrl-C


def run(
    grid: Annotated[Path, typer.Argument(help="A TOML file; see docs/evaluating.md.")],
    dataset: Annotated[
        Path | None, typer.Option("--dataset", help="A folder of documents and questions.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The results; default: HOME/eval/results/NAME.")
    ] = None,
    cache: Cache = None,
    limit_queries: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many questions.")
    ] = None,
    home: HomeFolder = None,
    as_json: Json = False,
    progress_json: Annotated[
        bool, typer.Option("--progress-json", help="A line of JSON per step on standard error.")
    ] = False,
) -> None:
    """Measure every combination that a grid file names; an interrupted run goes on where it was."""
    from eval.grid.plan import load_grid
    from eval.grid.run import run_grid

    source = None if dataset is None else dataset.absolute()
    plan = load_grid(grid, dataset=source, limit=limit_queries)
    with resumable(), progress_lines() if progress_json else progress_bar() as listen:
        measured, folder = run_grid(plan, out, cache, home, listen)
    present_data(measured.data, as_json)
    if not as_json:
        print(f"The results are in {str(folder)!r}.")


@contextmanager
def resumable() -> Iterator[None]:
    """Say how to go on when the person at the keyboard ends a run, and leave with 130."""
    try:
        yield
    except KeyboardInterrupt as exc:
        said = "alcove: interrupted; what was measured is kept, and the same command goes on from there"
        print(said, file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from exc


@contextmanager
def progress_lines() -> Iterator[Listen]:
    """Tell a program: a line of JSON on standard error whenever a percent more is done, or something else."""
    told: tuple[str, int] = ("", -1)

    def listen(doing: str, done: int, total: int) -> None:
        nonlocal told
        now = (doing, 100 * done // max(total, 1))
        if now != told:
            told = now
            line = json.dumps({"doing": doing, "done": done, "total": total})
            print(line, file=sys.stderr, flush=True)

    yield listen


@contextmanager
def progress_bar() -> Iterator[Listen]:
    """Tell a person: a bar with an estimate on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    doing = TextColumn("{task.description}", markup=False)
    with Progress(
        *columns, doing, console=Console(stderr=True), disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda doing, done, total: bar.update(
            task, description=doing, completed=done, total=total
        )
