"""The command ``ingest``: once, or for as long as the folders are watched."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.chunking import STRATEGIES, require_strategy
from ui.commands.console import say, show_json, tracked, warn, write
from ui.commands.options import HomeOption, JsonOption, load_settings
from ui.words.plain_words import visible

if TYPE_CHECKING:
    from agents.settings import Settings
    from ingest.pipeline import Pipeline
    from ingest.report import Progress, Report
    from ingest.run import Listener

__all__ = ["ingest"]

_NAMED = 3  # files in the line about a change


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    home: HomeOption = None,
    collection: Annotated[
        str, typer.Option(help="Collection to make equal to the paths.")
    ] = "default",
    include: Annotated[
        list[str] | None,
        typer.Option(help="Glob, as in .gitignore, that a file must match; repeatable."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Glob, as in .gitignore, of files and folders to leave out; repeatable."),
    ] = None,
    gitignore: Annotated[
        bool | None,
        typer.Option(help="Let .gitignore files leave files out, as .alcoveignore files do."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on and follow every change; Ctrl-C ends it.")
    ] = False,
    strategy: Annotated[
        str | None,
        typer.Option(help=f"Chunking strategy: {', '.join(STRATEGIES)}, or one of a package."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Parser processes.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Add, update and remove documents so that a collection equals the paths."""
    chosen = {
        "strategy": strategy,
        "workers": workers,
        "gitignore": gitignore,
        "include": include or None,
        "exclude": exclude or None,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    settings = load_settings(home, {"ingest": given})
    _keep_private(settings, collection)
    if watch:
        _follow(settings, paths, collection, as_json)
        return
    with _pipeline(settings, paths) as pipeline, _progress() as listen:
        report = pipeline.sync(paths, collection, listen)
    show_json(report.to_json()) if as_json else _show_report(report)
    raise typer.Exit(report.exit_status)


def _keep_private(settings: Settings, collection: str) -> None:
    """A new collection in a user's name space is theirs, as if they had made it."""
    from agents.people.identity import Users
    from corpus.catalog import Catalog
    from corpus.home import Home
    from corpus.ownership import claim

    home, name = Home(settings.corpus.home), collection.partition("/")[0]
    people = {account.name: account.person for account in Users(home).accounts()}
    if "/" in collection and name in people:
        with closing(Catalog(home)) as catalog:
            if collection not in catalog.readers():
                claim(catalog.database, people[name], collection)


def _follow(settings: Settings, paths: list[Path], collection: str, as_json: bool) -> None:
    from ingest.watch import Watcher

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be ended cleanly either way
    with ExitStack() as first:

        def done(report: Report) -> None:
            is_first = not told
            first.close()
            told.append(report.snapshot)
            if as_json:
                show_json(report.to_json())
            elif is_first:
                _show_report(report)
                write(f"Watching {', '.join(map(str, paths))} for changes; Ctrl-C ends it.")
            else:
                _show_change(report)

        told: list[int] = []
        try:
            with _pipeline(settings, paths) as pipeline:
                listen = first.enter_context(_progress())
                Watcher(pipeline, paths, collection, done, warn, listen=listen).run()
        except KeyboardInterrupt:
            say("Watching has ended; what was told above is kept.")


@contextmanager
def _pipeline(settings: Settings, paths: list[Path]) -> Iterator[Pipeline]:
    from agents.build import build
    from ingest.discover import roots_of

    require_strategy(settings.ingest.strategy)  # mistakes are answered before the model is loaded
    roots_of(paths)
    pipeline = build(settings).pipeline()
    try:
        yield pipeline
    finally:
        pipeline.close()


@contextmanager
def _progress() -> Iterator[Listener]:
    with tracked("Ingesting") as advance:

        def listen(progress: Progress) -> None:
            word = visible(progress.file.source) if progress.file else ""
            advance(progress.done, progress.total, word)

        yield listen


def _show_report(report: Report) -> None:
    raw = report.to_json()
    _warn_of_problems(raw)
    states = ", ".join(f"{n} {state}" for state, n in raw["files"].items()) or "no files"
    ignored = f", {raw['ignored']} ignored by patterns" if raw["ignored"] else ""
    chunks = raw["chunks"]
    write(f"{states}{ignored}; {raw['removed']} removed, in {raw['seconds']:.1f} s.")
    write(f"Chunks: {chunks['added']} added, {chunks['removed']} removed, {chunks['kept']} kept.")


def _show_change(report: Report) -> None:
    """One line on one set of changes, and one on each problem in it."""
    raw = report.to_json()
    _warn_of_problems(raw)
    changed = [file for file in report.files if file.state != "unchanged"]
    counts = Counter(str(file.state) for file in changed)
    if report.removed:
        counts["removed"] = report.removed
    what = ", ".join(f"{n} {state}" for state, n in counts.items())
    names = [visible(Path(file.source).name) for file in changed]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    which = f": {', '.join(names[:_NAMED])}{more}" if names else ""
    write(f"{time.strftime('%H:%M:%S')}  {what}, in {raw['seconds']:.1f} s{which}")


def _warn_of_problems(raw: dict[str, Any]) -> None:
    for problem in raw["problems"]:
        warn(f"{problem['state']}: {visible(problem['path'])}: {visible(problem['reason'])}")
