"""The command ``reindex``: move the index to another embedding space while it answers, and back."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.errors import UserError
from ui.commands.console import say, show_json, tracked, write
from ui.commands.options import HomeOption, JsonOption, load_settings

if TYPE_CHECKING:
    from agents.settings import Settings
    from ingest.moving import Move
    from ingest.report import Reindexed, Standing

__all__ = ["reindex"]


def reindex(
    model: Annotated[
        str | None,
        typer.Option(help="Encoder by name or folder; default: as set, the best one found here."),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Arithmetic of the encoder; default: as set.")
    ] = None,
    back: Annotated[
        bool, typer.Option("--back", help="Return to the index from before the last reindexing.")
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Delete the index from before; no way back then.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cut and embed all documents anew beside the index that answers, then go over to the new one."""
    from ingest.moving import Move

    if sum((back, forget, bool(model or precision))) > 1:
        raise UserError("--back, --forget and a model contradict each other; give one of them")
    settings = load_settings(home)
    if forget:
        _forget(settings, as_json)
        return
    done = _moved(settings, Move(model, precision, back))
    show_json(done.to_json()) if as_json else _show(done)


def _moved(settings: Settings, to: Move) -> Reindexed:
    from agents.build import build
    from ingest.moving import move

    app = build(settings)
    with closing(app), tracked("Going back" if to.back else "Reindexing") as advance:
        corpus, ingest, embedding = settings.corpus, settings.ingest, settings.embedding
        dense = settings.retrieval.dense
        return move(app.home, app.catalog, corpus, ingest, embedding, dense, to, advance)


def _forget(settings: Settings, as_json: bool) -> None:
    from agents.build import build
    from ingest.reindex import forget

    app = build(settings)
    with closing(app):
        before = app.home.size()
        spaces = forget(app.home, app.catalog)
        freed, snapshot = before - app.home.size(), app.catalog.snapshot
    if as_json:
        show_json({"snapshot": snapshot, "spaces": spaces, "bytes_freed": freed})
    else:
        write(f"The index from before is gone; {freed / 2**20:.1f} MiB are free again.")


def _show(done: Reindexed) -> None:
    if done.before is None or done.after is None:
        write("Nothing is ingested yet; an ingestion will use the encoder that is set.")
        return
    if not done.switch_ms:
        write(f"Nothing to do: the index is {_words(done.after)} already.")
        return
    write(f"The index was {_words(done.before)};")
    write(f"it is now {_words(done.after)}: snapshot {done.snapshot}, {done.chunks} chunks.")
    write(
        f"{done.remade} documents were cut and {done.embedded} texts embedded in {done.seconds:.1f} s;"
        f" the switch took {done.switch_ms:.0f} ms."
    )
    say("`alcove reindex --back` returns to the index from before, `--forget` deletes it.")


def _words(standing: Standing) -> str:
    space = standing.space
    cut = ", ".join(standing.chunkings)
    return (
        f"embedded with {space.model} ({space.dtype}, {space.dimension} dimensions), cut by {cut}"
    )
