"""The commands ``documents``, ``collections`` and ``models``: what is there, and single changes to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpus.errors import NotFound, UserError
from ui.commands.console import show_json, show_table, write
from ui.commands.options import CollectionOption, HomeOption, JsonOption, load_settings
from ui.words.plain_words import origin_words

__all__ = ["collections_app", "documents_app", "models_app"]

documents_app = typer.Typer(help="What is in the corpus, and the state of each file.")
collections_app = typer.Typer(help="Collections, and who may read them.")
models_app = typer.Typer(help="Encoders on this machine.")


@documents_app.callback(invoke_without_command=True)
def documents(
    context: typer.Context,
    collection: CollectionOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is in the corpus, and the state of each file."""
    if context.invoked_subcommand is None:
        list_documents(collection, home, as_json)


@documents_app.command("list")
def list_documents(
    collection: CollectionOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Every document with its state."""
    from ui.commands.inventory import document_rows

    rows = document_rows(load_settings(home), collection)
    if as_json:
        show_json({"documents": rows})
        return
    columns = ("id", "state", "collection", "chunks", "source", "reason")
    show_table(columns, [[row[name] for name in columns] for row in rows])


@documents_app.command("show")
def show_document(
    id: Annotated[str, typer.Argument(help="A document's id.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One document: its metadata, how each page was read, what is missing, and its text."""
    from ui.commands.inventory import document_details

    details = document_details(load_settings(home), id)
    if as_json:
        show_json(details)
        return
    for name, value in details.items():
        if name not in ("page_details", "missing", "metadata", "text"):
            write(f"{name}: {value}")
    for key, value in details["metadata"].items():
        write(f"metadata: {key}: {value}")
    for page in details["page_details"]:
        origin = origin_words(page["origin"], page["characters"])
        write(f"page {page['number']}: {page['characters']} characters, {origin}")
    for missing in details["missing"]:
        write(f"missing: {missing}")
    write(f"\n{details['text']}")


@documents_app.command("remove")
def remove_document(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of documents.")] = None,
    collection: Annotated[str | None, typer.Option(help="Remove this whole collection.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take documents out of the index; their files are left alone."""
    from agents.build import build

    app_ = build(load_settings(home))
    chosen = list(ids or [])
    if collection is not None:
        chosen += [d.id for d in app_.catalog.documents(collection)]
    if not chosen:
        raise UserError(
            "nothing was named; give ids that `alcove documents` lists, or --collection"
        )
    snapshot = app_.remove_documents(chosen)
    if as_json:
        show_json({"removed": len(chosen), "snapshot": snapshot})
    else:
        write(f"Removed {len(chosen)} documents.")


@collections_app.callback(invoke_without_command=True)
def collections(
    context: typer.Context, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Collections, and who may read them."""
    if context.invoked_subcommand is None:
        list_collections(home, as_json)


@collections_app.command("list")
def list_collections(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Every collection with its sizes and its readers."""
    from ui.commands.inventory import collection_rows

    rows = collection_rows(load_settings(home))
    if as_json:
        show_json({"collections": rows})
        return
    columns = ("name", "documents", "chunks", "readers")
    shown = [{**row, "readers": ", ".join(row["readers"]) or "everyone"} for row in rows]
    show_table(columns, [[row[name] for name in columns] for row in shown])


@collections_app.command("readers")
def set_readers(
    name: Annotated[str, typer.Argument(help="A collection; it may still be empty.")],
    who: Annotated[list[str] | None, typer.Argument(help="Names of those who may read it.")] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="Let everyone read it.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who may read a collection; without names, show who may."""
    from corpus.catalog import Catalog
    from corpus.home import Home
    from ingest.pipeline import check_collection

    check_collection(name)
    if who and everyone:
        raise UserError("names and --everyone contradict each other; give one of them")
    catalog = Catalog(Home(load_settings(home).corpus.home))
    if who or everyone:
        catalog.set_readers(name, who or [])
    readers = catalog.readers().get(name)
    if readers is None:
        raise NotFound(f"there is no collection {name!r}; `alcove collections` lists what there is")
    if as_json:
        show_json({"collection": name, "readers": list(readers)})
    else:
        write(f"{name!r} may be read by {', '.join(readers) or 'everyone'}.")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Encoders on this machine."""
    if context.invoked_subcommand is None:
        list_models(home, as_json)


@models_app.command("list")
def list_models(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Every known encoder, and where its files are."""
    from ui.commands.inventory import model_rows

    rows, note = model_rows(load_settings(home))
    if as_json:
        show_json({"models": rows, "note": note})
        return
    show_table(
        ("name", "size", "folder"),
        [[r["name"], r["size"], r["folder"] or "not here"] for r in rows],
    )
    write(note)


@models_app.command("pull")
def pull_model(name: str, home: HomeOption = None) -> None:
    """Download an encoder: the one command that uses the network."""
    from corpus.home import Home
    from retrieval.models import pull

    found = pull(name, Home(load_settings(home).corpus.home))
    write(f"{found.name} is now in {found.folder}.")


@models_app.command("add")
def add_model(folder: Path, home: HomeOption = None) -> None:
    """Take an encoder from a folder in sentence-transformers' layout."""
    from corpus.home import Home
    from retrieval.models import add

    found = add(folder, Home(load_settings(home).corpus.home))
    write(
        f"{found.name} is now in {found.folder}; use it with ALCOVE_EMBEDDING__MODEL={found.name}."
    )
