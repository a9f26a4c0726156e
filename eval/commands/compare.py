"""``alcove eval compare``: is B really better than A, in a sentence, then measure by measure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from eval.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from eval.scoring.comparison import Compared

__all__ = ["compare"]


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A results folder, or FOLDER:SYSTEM.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another, or another system of the same.")],
    metric: Annotated[
        str, typer.Option(help="What the answer goes by; default: what the results go by.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say whether B is better than A, how sure that is, and on which questions they differ."""
    from eval.results.svg import visible
    from eval.scoring.comparison import compare_sides
    from eval.scoring.sides import Side, pairs_of
    from eval.scoring.wording import sentence

    found = compare_sides(pairs_of(Side.of(a), Side.of(b)), metric)
    if as_json:
        told = [{**one.to_json(), "sentence": sentence(one)} for one in found]
        said = " ".join(one["sentence"] for one in told)
        data = {"metric": found[0].answer.metric, "sentence": said, "comparisons": told}
        print(json.dumps(data, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console()
    for one in found:
        console.print(visible(sentence(one)), highlight=False, markup=False, soft_wrap=True)
    for one in found:
        console.print()
        _print(one, console)


def _print(compared: Compared, console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from eval.results.svg import visible
    from eval.scoring.wording import chance, figure, signed

    title = Text(visible(f"A: {compared.a}   B: {compared.b}   p after Holm"))
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.show_edge, table.collapse_padding = False, True  # so that 80 columns hold all of it
    table.add_column("")
    for heading in ["A", "B", "B - A", "95 % interval", "p", "+/=/-"]:
        table.add_column(heading, justify="right", no_wrap=True)
    for one in compared.outcomes:
        name, found = one.metric, one.result
        table.add_row(
            Text(visible(name)),
            figure(one.mean_a, name),
            figure(one.mean_b, name),
            signed(found.delta, name),
            f"{signed(found.low, name)} to {signed(found.high, name)}",
            chance(one.p_holm),
            f"{one.better}/{found.ties}/{one.worse}",
        )
    console.print(table)
    if compared.moved:
        console.print()
        _print_moved(compared, console)


def _print_moved(compared: Compared, console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from eval.results.svg import visible
    from eval.scoring.wording import figure, signed

    metric = compared.answer.metric
    title = Text(visible(f"What differs most in {metric}"))
    table = Table("question", "", title=title, title_justify="left", box=SIMPLE_HEAD)
    table.pad_edge, table.show_edge, table.collapse_padding = False, False, True
    for heading in ["A", "B", "B - A"]:
        table.add_column(heading, justify="right", no_wrap=True)
    for move in compared.moved:
        values = (figure(move.a, metric), figure(move.b, metric), signed(move.delta, metric))
        table.add_row(Text(visible(move.query)), Text(visible(move.text)), *values)
    console.print(table)
