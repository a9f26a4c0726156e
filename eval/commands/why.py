"""``alcove eval why``: which stage lost the gold of a question that a search does not find."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.errors import NotFound, UserError
from eval.commands.terminal import SAMPLE, progress, ticks
from eval.options import Cache, HomeFolder, Json, Questions
from eval.results.records import Row, Stage

if TYPE_CHECKING:
    from rich.console import Console

    from eval.bench import Bench
    from eval.causes.home import Terms
    from eval.gold.records import GoldSet, Topic

__all__ = ["why"]

Ids = Annotated[
    list[str] | None,
    typer.Argument(help="Ids of questions; default: all, the lost ones are shown."),
]
Documents = Annotated[
    str | None,
    typer.Option("--documents", help="The folder the questions are about, or collection:NAME."),
]
Passages = Annotated[int, typer.Option("-k", min=1, help="Passages that an answer is made of.")]
Mode = Annotated[str, typer.Option(help="dense, lexical or hybrid.")]
Filter = Annotated[
    list[str] | None,
    typer.Option("--filter", help="KEY=VALUE that documents had to have; repeatable."),
]
Pages = Annotated[str | None, typer.Option(help="FIRST-LAST, if only these pages were searched.")]
Person = Annotated[str | None, typer.Option(help="Who asked; default: the owner of the machine.")]


def why(
    ids: Ids = None,
    questions: Questions = None,
    documents: Documents = None,
    k: Passages = 5,
    mode: Mode = "hybrid",
    filter: Filter = None,  # noqa: A002
    pages: Pages = None,
    reader: Person = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Search again for questions, and name the first stage that lost what their first hits do not hold."""
    from eval.causes.explained import explain
    from eval.causes.home import Terms

    among = _range(pages)
    filters = dict(_pair(entry) for entry in filter or ())
    with _opened(questions, documents, cache, home) as (gold, bench, collection):
        terms = Terms(max(k, 20), mode, collection, None, filters, reader, among)
        topics = _chosen(gold, ids or [])
        found = bench.catalog, bench.searcher, bench.settings.retrieval
        with ticks("searching", len(topics)) as tick:
            rows = explain(topics, *found, terms, k, tick)
    if as_json:
        print(json.dumps(_summary(gold.name, k, rows, terms), ensure_ascii=False))
    else:
        _print(rows, k, bool(ids))


@contextmanager
def _opened(
    questions: Path | None,
    documents: str | None,
    cache: Path | None,
    home: Path | None,
) -> Iterator[tuple[GoldSet, Bench, str | None]]:
    """The gold, the home that is searched, and the collection of it if that is the person's own."""
    from eval.bench import open_bench, open_home
    from eval.gold.sources import COLLECTION, Source, load_gold

    if questions is None and documents is None:
        questions, documents = SAMPLE / "questions.jsonl", str(SAMPLE / "documents")
    if questions is None or documents is None:
        raise UserError("--questions and --documents go together; give both or neither.")
    source = Source(questions=questions, documents=documents)
    with progress("reading") as show:
        gold = load_gold(source, cache, home, show)
    if documents.startswith(COLLECTION):
        with open_home(home) as bench:
            yield gold, bench, documents.removeprefix(COLLECTION)
        return
    with open_bench(f"why-{gold.name}", cache, home) as bench:
        with progress("embedding") as show:
            bench.index_documents(gold.documents, bench.chunker(), show)
        yield gold, bench, None


def _chosen(gold: GoldSet, ids: Sequence[str]) -> Sequence[Topic]:
    known = {topic.id: topic for topic in gold.topics}
    for id in ids:
        if id not in known:
            like = next(iter([*get_close_matches(id, known, 1, 0.0), *known]))
            raise NotFound(
                f"There is no question {id!r} in {gold.name!r}; its ids are such as {like!r}."
            )
        if not known[id].answerable:
            raise UserError(f"Question {id!r} has no gold that could be lost; choose another.")
    return [known[id] for id in dict.fromkeys(ids)] or gold.answerable


def _pair(entry: str) -> tuple[str, str]:
    key, sign, value = entry.partition("=")
    if not (key and sign):
        raise UserError(f"--filter {entry!r} is no KEY=VALUE; write one, as in title=Budget.")
    return key, value


def _range(pages: str | None) -> tuple[int, int] | None:
    if pages is None:
        return None
    first, _, last = pages.partition("-")
    if not (first.isdecimal() and (last or first).isdecimal()):
        raise UserError(f"--pages {pages!r} is no FIRST-LAST; write two numbers, as in 2-5.")
    return int(first), int(last or first)


def _summary(name: str, k: int, rows: Sequence[Row], terms: Terms) -> dict[str, Any]:
    stages = Counter(row.stage for row in rows if row.stage)
    return {
        "dataset": name,
        "mode": terms.mode,
        "k": k,
        "questions": len(rows),
        "missed": sum(row.missed for row in rows),
        "losses": {stage.value: stages[stage] for stage in Stage if stages[stage]},
        "queries": [row.to_json() for row in rows],
    }


def _print(rows: Sequence[Row], k: int, named: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    for row in rows:
        if row.losses:
            _print_row(row, console)
        elif named:
            _say(f"{row.query}  {row.text}\n  all of its gold is among the first {k}\n", console)
    stages = Counter(row.stage for row in rows if row.stage)
    counted = ", ".join(f"{stage.value} {stages[stage]}" for stage in Stage if stages[stage])
    lost = sum(bool(row.losses) for row in rows)
    console.print(f"{lost} of {len(rows)} questions lost gold{': ' if counted else ''}{counted}")


def _print_row(row: Row, console: Console) -> None:
    _say(f"{row.query}  {row.text}", console)
    for loss in row.losses:
        place = f" at {loss.start} to {loss.end}" if loss.end else ""
        _say(f"  {loss.stage.value}: {loss.document}{place}", console, "bold")
        _say(f"    {loss.detail}", console)
    for found in row.found:
        mark = "gold" if found.gold else ""
        ranks = f"dense {found.dense_rank or '-'}, lexical {found.lexical_rank or '-'}"
        where = f"{found.document} {found.start}-{found.end}"
        _say(f"  {found.rank:>3}  {where}  ({ranks}) {mark}".rstrip(), console, "dim")
    console.print()


def _say(text: str, console: Console, style: str | None = None) -> None:
    """Print what documents and questions say, which must not steer the terminal."""
    from eval.results.svg import visible

    console.print(visible(text), style=style)
