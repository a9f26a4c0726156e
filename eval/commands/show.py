"""``alcove eval show``: a results folder again, on the terminal or as a table for a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from eval.options import Json

__all__ = ["show"]


def show(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A results folder.")],
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The systems as a table in Markdown.")
    ] = False,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="With --markdown: a measure to show; repeatable; default: all."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a results folder holds; nothing is computed."""
    from eval.results.folder import Results
    from eval.results.tables import markdown_table, print_tables

    report = Results.read(folder).report
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    elif markdown or metric:
        print(markdown_table(report, metric or ()), end="")
    else:
        from rich.console import Console

        print_tables(report, Console())
