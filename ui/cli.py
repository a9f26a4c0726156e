"""The command line: ``alcove --help``. Each command is a few lines over what the folders below do.

Exit status: 0 done; 1 some input ended in a bad state (named); 2 wrong usage; 3 the machine's fault. An error is one
sentence on standard error. Heavy imports happen inside the commands that need them, so that help and mistakes are
answered at once.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.errors import AlcoveError, InternalError, UserError
from ui.console import show_json, show_table, tracked, warn, write

if TYPE_CHECKING:
    from agents.settings import Settings
    from ingest.report import Progress, Report

__all__ = ["app", "main"]

app = typer.Typer(
    help="Ask your own documents, on your own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
documents_app = typer.Typer(help="What is in the corpus, and the state of each file.")
models_app = typer.Typer(help="Encoders on this machine.")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Alcove's folder; default: the platform's, or ALCOVE_HOME."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", help="Only this collection; default: all.")
]


@app.command()
def up(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="Address of the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8701,
    no_sample: Annotated[
        bool, typer.Option("--no-sample", help="Start without the sample.")
    ] = False,
    llm: Annotated[str, typer.Option(help="Language model server: a URL that ends in /v1.")] = "",
) -> None:
    """Start the service and the chat page; on the first run, ingest the sample documents."""
    from ui.supervisor import run

    run(
        _settings(home, {"llm": {"url": llm}} if llm else {}), host, port, with_sample=not no_sample
    )


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    home: HomeOption = None,
    collection: Annotated[
        str, typer.Option(help="Collection to make equal to the paths.")
    ] = "default",
    strategy: Annotated[str | None, typer.Option(help="Chunking strategy, by name.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Parser processes.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Add, update and remove documents so that a collection equals the paths."""
    chosen = {"strategy": strategy, "workers": workers}
    settings = _settings(home, {"ingest": {k: v for k, v in chosen.items() if v is not None}})
    report = _ingest(settings, paths, collection)
    show_json(report.to_json()) if as_json else _show_report(report)
    raise typer.Exit(report.exit_status)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", help="How many passages.")] = 10,
    mode: Annotated[str, typer.Option(help="dense, lexical or hybrid.")] = "hybrid",
    collection: CollectionOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the passages that fit a query best."""
    from agents.build import build
    from retrieval.routes import search_json

    result = search_json(
        build(_settings(home)).finder().searcher.search(query, k, mode, collection)
    )
    if as_json:
        show_json(result)
        return
    for hit in result["hits"]:
        page = f", page {hit['page']}" if hit["page"] else ""
        write(f"{hit['rank']}. {hit['source']}{page}  (score {hit['score']:.3f})")
        write(f"   {' '.join(hit['text'].split())[:300]}")
    if not result["hits"]:
        write("Nothing was found.")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A question about the documents.")],
    collection: CollectionOption = None,
    engine: Annotated[str, typer.Option(help="auto, openai or extractive.")] = "auto",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the documents, with citations."""
    from agents.build import build

    core = build(_settings(home, {"llm": {"engine": engine}})).core()
    answer = core.answerer.answer(question, collection=collection)
    if as_json:
        raw = answer.to_json()
        names = ("answer", "abstained", "engine", "model", "citations", "timings_ms")
        show_json({name: raw[name] for name in names})
        return
    write(answer.text)
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page else ""
        write(f"  [{citation.n}] {citation.source}{page}: “{' '.join(citation.quote.split())}”")
    write(f"  ({answer.engine}{f', {answer.model}' if answer.model else ''})")


@app.command()
def serve(
    home: HomeOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0: any free one.")
    ] = None,
    llm: Annotated[str, typer.Option(help="Language model server: a URL that ends in /v1.")] = "",
) -> None:
    """Run the HTTP service alone."""
    from agents.service import serve as run

    chosen = {"host": host, "port": port}
    overrides: dict[str, dict[str, Any]] = {
        "service": {name: value for name, value in chosen.items() if value is not None}
    }
    if llm:
        overrides["llm"] = {"url": llm}
    run(_settings(home, overrides), lambda address: write(f"Alcove serves at {address}"))


@app.command("ui")
def page(
    service: Annotated[str, typer.Option(help="Address of the service.")] = "http://127.0.0.1:8700",
    host: Annotated[str, typer.Option(help="Address of the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8701,
) -> None:
    """Run the chat page alone."""
    from ui.supervisor import page_command, page_environment, require_free

    require_free(host, port)
    command = page_command(service, host, port)
    os.chdir(Path(__file__).parent.parent)  # where Streamlit looks for its theme
    os.execve(command[0], command, page_environment())


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
    from ui.inventory import document_rows

    rows = document_rows(_settings(home), collection)
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
    """One document with its pages and its text."""
    from ui.inventory import document_details

    details = document_details(_settings(home), id)
    if as_json:
        show_json(details)
        return
    for name, value in details.items():
        write(f"{name}: {value}" if name != "text" else f"\n{value}")


@documents_app.command("remove")
def remove_document(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of documents.")] = None,
    collection: Annotated[str | None, typer.Option(help="Remove this whole collection.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take documents out of the index; their files are left alone."""
    from agents.build import build

    app_ = build(_settings(home))
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


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Encoders on this machine."""
    if context.invoked_subcommand is None:
        list_models(home, as_json)


@models_app.command("list")
def list_models(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Every known encoder, and where its files are."""
    from ui.inventory import model_rows

    rows, note = model_rows(_settings(home))
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

    found = pull(name, Home(_settings(home).corpus.home))
    write(f"{found.name} is now in {found.folder}.")


@models_app.command("add")
def add_model(folder: Path, home: HomeOption = None) -> None:
    """Take an encoder from a folder in sentence-transformers' layout."""
    from corpus.home import Home
    from retrieval.models import add

    found = add(folder, Home(_settings(home).corpus.home))
    write(
        f"{found.name} is now in {found.folder}; use it with ALCOVE_EMBEDDING__MODEL={found.name}."
    )


@app.command()
def doctor(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """What is installed, found and missing, and what to do about it."""
    from ui.doctor import examine

    findings = examine(_settings(home))
    if as_json:
        show_json({"checks": [finding.to_json() for finding in findings]})
    else:
        show_table(("", "what", "finding"), [[f.mark, f.name, f.finding] for f in findings])
    raise typer.Exit(3 if any(f.is_fault for f in findings) else 0)


@app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_tests(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="The slow tests too.")] = False,
) -> None:
    """Run the linters, the type checker and the tests; more arguments go to pytest."""
    from ui.checks import run_checks

    raise typer.Exit(run_checks(full=full, arguments=context.args))


def _settings(home: Path | None, overrides: dict[str, dict[str, Any]] | None = None) -> Settings:
    from agents.settings import Settings

    return Settings.load(home, overrides)


def _ingest(settings: Settings, paths: list[Path], collection: str) -> Report:
    from agents.build import build
    from ingest.discover import find_sources

    find_sources(paths)  # a wrong path is answered before the model is loaded
    pipeline = build(settings).pipeline()
    with tracked("Ingesting") as advance:

        def listen(progress: Progress) -> None:
            advance(progress.done, progress.total, progress.file.source if progress.file else "")

        return pipeline.sync(paths, collection, listen)


def _show_report(report: Report) -> None:
    raw = report.to_json()
    for problem in raw["problems"]:
        warn(f"{problem['state']}: {problem['path']}: {problem['reason']}")
    states = ", ".join(f"{n} {state}" for state, n in raw["files"].items()) or "no files"
    chunks = raw["chunks"]
    write(f"{states}; {raw['removed']} removed, in {raw['seconds']:.1f} s.")
    write(f"Chunks: {chunks['added']} added, {chunks['removed']} removed, {chunks['kept']} kept.")


def main() -> None:
    """Run the command line and leave with its exit status."""
    eval_app = importlib.import_module(
        "eval.__main__"
    ).app  # benchmarks and page never import each other
    app.add_typer(eval_app, name="eval")
    try:
        app(prog_name="alcove")
    except InternalError:
        traceback.print_exc()
        sys.exit(InternalError.exit_status)
    except AlcoveError as exc:
        print(f"alcove: {exc}", file=sys.stderr)
        sys.exit(exc.exit_status)


app.add_typer(documents_app, name="documents")
app.add_typer(models_app, name="models")

if __name__ == "__main__":
    main()
