"""``alcove eval gate``: fails when results got significantly worse than a baseline; for CI.

Exit status: 0 passed; 1 something got worse; 2 the two cannot be held against each other; 3 the machine's fault.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.errors import UserError
from eval.options import Cache, HomeFolder, Json

if TYPE_CHECKING:
    from rich.console import Console

    from eval.scoring.baseline import Baseline
    from eval.scoring.gate import Verdict

__all__ = ["gate"]


def gate(
    baseline: Annotated[Path, typer.Argument(help="The baseline, a JSON file.")],
    results: Annotated[
        Path | None,
        typer.Option("--results", help="What to hold against it; default: the grid, run again."),
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Make the baseline from this results folder.")
    ] = None,
    grid: Annotated[
        Path | None, typer.Option("--grid", help="With --write: the grid file that was run.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="With --write: what to gate; repeatable; default: what results go by."),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(help="With --write: which systems; repeatable; default: all."),
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option("--dataset", help="For a grid that names no data.")
    ] = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Fail if anything got significantly worse than the baseline; or write the baseline."""
    from eval.results.folder import Results
    from eval.scoring.baseline import Baseline
    from eval.scoring.gate import check

    if write is not None:
        if results is not None:
            raise UserError("Give either --write or --results, not both.")
        _write(baseline, write, grid, metric or [], system or [], as_json)
        return
    if grid or metric or system:
        raise UserError("--grid, --metric and --system go with --write; the baseline holds them.")
    found = Baseline.read(baseline)
    if results is not None:
        verdict = check(found, Results.read(results))
    else:
        verdict = _run_again(found, baseline, dataset, cache, home)
    if as_json:
        print(json.dumps(verdict.to_json(), ensure_ascii=False))
    else:
        _print(verdict)
    if not verdict.passed:
        raise typer.Exit(1)


def _write(
    path: Path,
    folder: Path,
    grid: Path | None,
    metrics: list[str],
    systems: list[str],
    as_json: bool,
) -> None:
    from eval.results.folder import Results
    from eval.results.svg import visible
    from eval.scoring.baseline import Baseline, grid_text
    from eval.scoring.gate import require_power

    text = grid_text(grid, path) if grid else None
    made = Baseline.of(Results.read(folder), metrics, systems, text)
    require_power(made)
    made.write(path)
    questions = len(next(iter(next(iter(made.systems.values())).values())))
    if as_json:
        told = {"baseline": str(path), "systems": list(made.systems), "metrics": made.metrics}
        print(json.dumps({**told, "questions": questions}, ensure_ascii=False))
        return
    print(visible(f"{str(path)!r} holds {questions} questions of {', '.join(made.systems)}."))
    print(visible(f"Gated: {', '.join(made.metrics)}."))
    if text is None:
        print("It has no grid, so that --results is needed; --grid FILE adds one.")


def _run_again(
    found: Baseline, path: Path, dataset: Path | None, cache: Path | None, home: Path | None
) -> Verdict:
    """Run the baseline's grid, and hold what it finds against the baseline."""
    from eval.commands.run import progress_bar, resumable
    from eval.grid.plan import load_grid
    from eval.grid.run import run_grid
    from eval.results.folder import Results
    from eval.scoring.gate import check

    if found.grid is None:
        raise UserError(
            f"{str(path)!r} has no grid to run again; give --results, or write it with --grid."
        )
    source = None if dataset is None else dataset.absolute()
    plan = load_grid(path.resolve().parent / found.grid.file, found.grid.text, dataset=source)
    with tempfile.TemporaryDirectory() as folder, resumable(), progress_bar() as listen:
        run_grid(plan, Path(folder) / "results", cache, home, listen)
        return check(found, Results.read(Path(folder) / "results"))


def _print(verdict: Verdict) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from eval.results.svg import visible
    from eval.scoring.wording import chance, figure, signed

    console = Console()
    for sentence in verdict.sentences:
        console.print(visible(sentence), highlight=False, markup=False, soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("system", overflow="fold")
    table.add_column("")
    for heading in ["then", "now", "change", "p (worse)", "+/=/-", ""]:
        table.add_column(heading, justify="right", no_wrap=True)
    for check in verdict.checks:
        told, name = check.to_json(), check.metric
        table.add_row(
            Text(visible(check.system)),
            Text(visible(name)),
            figure(check.then, name),
            figure(check.now, name),
            signed(check.result.delta, name),
            chance(check.p_worse),
            f"{told['better']}/{told['same']}/{told['worse']}",
            check.verdict,
        )
    console.print(table)
    _print_moved(verdict, console)


def _print_moved(verdict: Verdict, console: Console) -> None:
    from eval.results.svg import visible
    from eval.scoring.wording import signed

    for check in verdict.checks:
        if check.verdict == "worse":
            moves = (f"{query} {signed(delta, check.metric)}" for query, delta in check.moved)
            said = f"{check.system}, {check.metric}, moved most: {', '.join(moves)}"
            console.print(visible(said), highlight=False, markup=False, soft_wrap=True)
