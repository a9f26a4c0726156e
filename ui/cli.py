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
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.errors import AlcoveError, Conflict, InternalError, UserError
from ui.commands.audit import audit
from ui.commands.calibrating import calibrate
from ui.commands.console import show_json, show_table, write
from ui.commands.engine import engine_app
from ui.commands.ingesting import ingest
from ui.commands.listings import collections_app, documents_app, models_app
from ui.commands.options import CollectionOption, HomeOption, JsonOption, load_settings
from ui.commands.other_agents import mcp
from ui.commands.people import memories_app, users_app
from ui.commands.planning import plan
from ui.commands.reindexing import reindex

if TYPE_CHECKING:
    from agents.settings import Settings

__all__ = ["app", "main"]

app = typer.Typer(
    help="Ask your own documents, on your own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


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
        load_settings(home, {"llm": {"url": llm}} if llm else {}),
        host,
        port,
        with_sample=not no_sample,
    )


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", help="How many passages.")] = 10,
    mode: Annotated[str, typer.Option(help="dense, lexical or hybrid.")] = "hybrid",
    collection: CollectionOption = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", help="KEY=VALUE that a document's metadata must have; repeatable."
        ),
    ] = None,
    pages: Annotated[
        str | None, typer.Option(help="Only passages on these pages: 7, or 3-5.")
    ] = None,
    rerank: Annotated[
        bool | None, typer.Option(help="With the cross-encoder that is set.", show_default=False)
    ] = None,
    collapse: Annotated[
        bool | None, typer.Option(help="Show near-duplicates as one.", show_default=False)
    ] = None,
    diversity: Annotated[
        float | None,
        typer.Option(help="0 (all for being different) to 1 (all for relevance).", min=0, max=1),
    ] = None,
    neighbours: Annotated[
        int | None, typer.Option(help="Chunks shown before and after each passage.", min=0)
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the passages that fit a query best."""
    from agents.build import build
    from retrieval.routes import search_json

    filters = _filters(filter_ or [])
    settings = load_settings(home)
    if not (settings.corpus.home / "catalog.sqlite").exists():
        raise _empty(settings)  # and no home is made where there was none
    app_ = build(settings)
    found = app_.finder().searcher.search(
        query,
        k,
        mode,
        collection,
        filters=filters,
        pages=_pages(pages),
        rerank=rerank,
        collapse=collapse,
        diversity=diversity,
        neighbours=neighbours,
    )
    if not found.hits and not any(info.chunks for info in app_.catalog.collections()):
        raise _empty(settings)
    result = search_json(found)
    if as_json:
        show_json(result)
        return
    _show_hits(result["hits"])


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
    from agents.chats.export import marked_text

    core = build(load_settings(home, {"llm": {"engine": engine}})).core()
    answer = core.answerer.answer(question, collection=collection)
    if as_json:
        raw = answer.to_json()
        names = ("answer", "abstained", "engine", "model", "citations", "timings_ms")
        show_json({name: raw[name] for name in names})
        return
    claims = [claim.to_json() for claim in answer.claims]
    write(marked_text(answer.text, claims, "(not found in the sources)"))
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
    run(load_settings(home, overrides), lambda address: write(f"Alcove serves at {address}"))


@app.command("ui")
def page(
    service: Annotated[str, typer.Option(help="Address of the service.")] = "http://127.0.0.1:8700",
    host: Annotated[str, typer.Option(help="Address of the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8701,
) -> None:
    """Run the chat page alone."""
    from ui.supervisor import page_command, page_environment, require_free, require_page_keys

    require_page_keys(load_settings(None), host)
    require_free(host, port)
    command = page_command(service, host, port)
    os.chdir(Path(__file__).parent.parent)  # where Streamlit looks for its theme
    os.execve(command[0], command, page_environment())


@app.command()
def doctor(
    home: HomeOption = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set aside what is damaged and make it anew.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What is installed, found, missing and damaged, and what to do about it."""
    from agents.health.checks import examine
    from ui.commands.upkeep import finding_json, finding_row, run_repair, show_repair

    settings = load_settings(home)
    done = run_repair(settings) if repair else None
    findings = list(examine(settings))
    if as_json:
        checks = {"checks": [finding_json(finding) for finding in findings]}
        show_json({**({"repair": done.to_json()} if done else {}), **checks})
    else:
        if done:
            show_repair(done)
        show_table(("", "what", "finding"), [finding_row(f) for f in findings])
    raise typer.Exit(3 if any(f.level == "bad" for f in findings) else 0)


@app.command()
def compact(
    home: HomeOption = None,
    drop_quarantine: Annotated[
        bool, typer.Option("--drop-quarantine", help="Delete what was set aside as damaged, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Leave no byte of deleted documents in the home, and free the space they took."""
    from ui.commands.upkeep import run_compact, show_compaction

    done, notes = run_compact(load_settings(home), drop_quarantine)
    show_json({**done.to_json(), "notes": notes}) if as_json else show_compaction(done, notes)


@app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_tests(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="The slow tests too.")] = False,
) -> None:
    """Run the linters, the type checker and the tests; more arguments go to pytest."""
    from ui.commands.checks import run_checks

    raise typer.Exit(run_checks(full=full, arguments=context.args))


def _filters(given: list[str]) -> dict[str, str]:
    filters: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UserError(f"{text!r} is no filter; write it as KEY=VALUE")
        filters[key.strip()] = value.strip()
    return filters


def _empty(settings: Settings) -> Conflict:
    home = str(settings.corpus.home)
    return Conflict(f"{home!r} holds no documents; `alcove ingest FOLDER` adds some")


def _show_hits(hits: list[dict[str, Any]]) -> None:
    for hit in hits:
        page = f", page {hit['page']}" if hit["page"] else ""
        write(f"{hit['rank']}. {hit['source']}{page}  (score {hit['score']:.3f})")
        shown = hit["window"] or hit
        write(f"   {' '.join(shown['text'].split())[:300]}")
        for other in hit["duplicates"]:
            write(f"   the same in {other['source']}")
    if not hits:
        write("Nothing was found.")


def _pages(given: str | None) -> tuple[int, int] | None:
    if given is None:
        return None
    first, _, last = given.partition("-")
    if not (first.strip().isdecimal() and (last or first).strip().isdecimal()):
        raise UserError(f"{given!r} names no pages; write a number, or two as in 3-5")
    return int(first), int(last or first)


@cache
def _add_benchmarks() -> None:
    """Once a process: whatever is added is gone through by every command after it."""
    for name, module in {"eval": "eval.__main__", "bench": "eval.speed"}.items():
        # by name: benchmarks and page never import each other
        app.add_typer(importlib.import_module(module).app, name=name)


def main() -> None:
    """Run the command line and leave with its exit status; may be called again in one process."""
    _add_benchmarks()
    try:
        app(prog_name="alcove")
    except InternalError:
        traceback.print_exc()
        sys.exit(InternalError.exit_status)
    except AlcoveError as exc:
        print(f"alcove: {exc}", file=sys.stderr)
        sys.exit(exc.exit_status)


app.command("calibrate")(calibrate)
app.command("audit")(audit)
app.command("ingest")(ingest)
app.command("reindex")(reindex)
app.command("mcp")(mcp)
app.command("plan")(plan)
app.add_typer(documents_app, name="documents")
app.add_typer(engine_app, name="engine")
app.add_typer(collections_app, name="collections")
app.add_typer(models_app, name="models")
app.add_typer(users_app, name="users")
app.add_typer(memories_app, name="memories")

if __name__ == "__main__":
    main()
