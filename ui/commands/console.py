"""What the command line prints: JSON for programs, tables and a progress bar for people.

With ``--json`` one object goes to standard output and nothing else does; everything meant for eyes goes to standard
error. Knows nothing of what the commands do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.text.inert import inert

__all__ = ["say", "show_json", "show_table", "tracked", "warn", "write"]

_OUT = Console(highlight=False, soft_wrap=True)
NEVER_WRAPPED = frozenset({"id", "state", "name", "size"})
PIPED_WIDTH = 200  # columns of a table that goes to a file or another program
_ERR = Console(stderr=True, highlight=False, soft_wrap=True)


def _printed(text: str) -> str:
    """Text from anywhere as it may reach a terminal: no control characters, and no markup of ours."""
    return escape(inert(text))


def write(text: str = "") -> None:
    """A line of result for a person, on standard output, as it is but for what a terminal acts on."""
    _OUT.print(_printed(text))


def say(text: str) -> None:
    """A line about the work itself, on standard error."""
    _ERR.print(_printed(text), style="dim")


def warn(text: str) -> None:
    """A line that must be seen, on standard error."""
    _ERR.print(_printed(text), style="bold yellow")


def show_json(value: Mapping[str, Any]) -> None:
    """The one JSON object of a ``--json`` run."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on standard output; a cell is printed as text, never as markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in NEVER_WRAPPED)
    for row in rows:
        table.add_row(*(_printed(str(cell)) for cell in row))
    # A console's own width caps a table's, and a pipe's is taken to be 80 columns.
    console = _OUT if _OUT.is_terminal else Console(highlight=False, width=PIPED_WIDTH)
    console.print(table)


@contextmanager
def tracked(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on a terminal, nothing elsewhere; call what comes back with done, total and a word."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    detail = TextColumn("{task.fields[word]}", style="dim")
    bar = Progress(
        *columns, TimeElapsedColumn(), detail, console=_ERR, disable=not _ERR.is_terminal
    )
    with bar:
        task = bar.add_task(title, total=None, word="")

        def advance(done: int, total: int, word: str) -> None:
            bar.update(task, completed=done, total=total, word=_printed(word[-60:]))

        yield advance
