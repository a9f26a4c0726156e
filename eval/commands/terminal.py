"""What benchmark commands share: which files are asked about, how far they are, what they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import UserError
from eval.bench import SAMPLE, bench_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from eval.report import Report

__all__ = [
    "SAMPLE",
    "bench_name",
    "present",
    "present_data",
    "progress",
    "question_files",
    "ticks",
]


def question_files(file: Path | None, folder: Path | None) -> tuple[Path, Path]:
    """The question file and the folder it is about; the sample's when neither is given."""
    if (file is None) != (folder is None):
        raise UserError("--questions and --documents go together; give both or neither.")
    if file is None or folder is None:
        return SAMPLE / "questions.jsonl", SAMPLE / "documents"
    return file, folder.resolve()


def present(report: Report, as_json: bool) -> None:
    """Print a report as JSON, or as tables; see ``eval.results.tables.print_tables``."""
    present_data(report.to_json(), as_json)


def present_data(report: Mapping[str, Any], as_json: bool) -> None:
    """The same of what ``Report.to_json`` gave."""
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    from rich.console import Console

    from eval.results.tables import print_tables

    print_tables(report, Console())


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, if that is a terminal; yields what to call with (done, total)."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def ticks(doing: str, total: int) -> Iterator[Callable[[], None]]:
    """The same, for work that is counted one by one."""
    with progress(doing) as show:
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            show(done, total)

        yield tick
