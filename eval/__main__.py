"""The command line of the benchmarks: ``alcove eval …``, or ``python -m eval …``.

``retrieval`` measures search on a folder in BEIR's layout or on questions with gold spans;
``answers`` measures answers on such questions; ``chunking`` compares ways to cut the documents they
are about. Without a choice, all take the sample documents and questions that come with Alcove.
``--json`` prints one object (``eval/report.py``) on stdout and nothing else there; progress goes to
stderr, on a terminal only.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from corpus.datasets import load_beir
from corpus.errors import AlcoveError, UserError
from corpus.questions import load_questions
from eval.bench import open_bench
from eval.chunk_gold import ChunkGold, from_placed, load_chunk_gold
from eval.commands.answers import answers
from eval.commands.compare import compare
from eval.commands.feedback import feedback
from eval.commands.questions import check_questions
from eval.commands.run import run
from eval.commands.score import score
from eval.commands.terminal import bench_name, present, progress, question_files, ticks
from eval.commands.why import why
from eval.options import Cache, Documents, HomeFolder, Json, Questions
from eval.report import Report, paired_tests
from eval.retrieval import MODES, depth, evaluate_dataset, evaluate_questions
from ingest.chunking import STRATEGIES, require_strategy, strategy_names

__all__ = ["app", "main"]

app = typer.Typer(help="Measure retrieval, chunking and answers.", no_args_is_help=True)
app.command()(answers)
app.command()(compare)
app.command()(feedback)
app.command()(run)
app.command("questions")(check_questions)
app.command()(score)
app.command()(why)


@app.command()
def retrieval(
    dataset: Annotated[
        Path | None, typer.Option("--dataset", help="A folder in BEIR's layout.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which of its qrels.")] = "test",
    questions: Questions = None,
    documents: Documents = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="dense, lexical or hybrid; repeatable; default: all.")
    ] = None,
    limit_queries: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many queries.")
    ] = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """nDCG@10, recall@100 and MRR@10 with 95 % intervals for dense, lexical and hybrid search."""
    modes = _modes(mode)
    if dataset is not None:
        if questions or documents:
            raise UserError("Give either --dataset or --questions, not both.")
        present(_on_dataset(dataset, split, modes, limit_queries, cache, home), as_json)
        return
    present(_on_questions(questions, documents, modes, limit_queries, cache, home), as_json)


def _modes(chosen: list[str] | None) -> tuple[str, ...]:
    for mode in chosen or ():
        if mode not in MODES:
            raise UserError(f"There is no search mode {mode!r}; choose from {', '.join(MODES)}.")
    return tuple(dict.fromkeys(chosen or MODES))


def _on_dataset(
    folder: Path,
    split: str,
    modes: tuple[str, ...],
    limit: int | None,
    cache: Path | None,
    home: Path | None,
) -> Report:
    dataset = load_beir(folder, split)
    with open_bench(dataset.name, cache, home) as bench:
        with progress("embedding") as show:
            bench.index(dataset, show)
        context = bench.context
        asked = depth(context["chunks"], context["documents"])
        count = len(dataset.judged()[:limit])
        with ticks("searching", count * len(modes)) as tick:
            systems = evaluate_dataset(dataset, bench.searcher, modes, asked, limit, tick)
        context |= {"split": split, "chunks_per_query": asked}
        return Report(dataset.name, tuple(systems), paired_tests(systems), context)


def _on_questions(
    file: Path | None,
    folder: Path | None,
    modes: tuple[str, ...],
    limit: int | None,
    cache: Path | None,
    home: Path | None,
) -> Report:
    file, folder = question_files(file, folder)
    asked = load_questions(file)
    with open_bench(bench_name(folder), cache, home) as bench:
        with progress("ingesting") as show:
            bench.ingest(folder, lambda done: show(done.done, done.total))
        placed = [p for p in bench.place(asked, folder) if p.question.answerable][:limit]
        with ticks("searching", len(placed) * len(modes)) as tick:
            systems = evaluate_questions(placed, bench.searcher, modes, tick=tick)
        context = bench.context | {
            "gold_missing": sum(p.missing for p in placed),
            "gold_moved": sum(p.moved for p in placed),
        }
        return Report(asked.name, tuple(systems), paired_tests(systems), context)


@app.command()
def chunking(
    data: Annotated[
        Path | None, typer.Option("--data", help="A folder with corpora/ and questions.jsonl.")
    ] = None,
    questions: Questions = None,
    documents: Documents = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(STRATEGIES)}, or one of a package; repeatable; default: all."
        ),
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option(min=16, help="Of a chunk (tokens); repeatable; default: as set."),
    ] = None,
    overlap: Annotated[
        int | None, typer.Option(min=0, help="Tokens; default: the set share of the size.")
    ] = None,
    sentences: Annotated[
        list[int] | None,
        typer.Option(min=1, max=3, help="Of sentence_window; repeatable; default: as set."),
    ] = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="dense, lexical or hybrid; repeatable; default: dense.")
    ] = None,
    limit_queries: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many questions.")
    ] = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Recall, precision and IoU of gold text for ways of chunking, with 95 % intervals."""
    from eval.ablation import Choice, run

    if data is not None and (questions or documents):
        raise UserError("Give either --data or --questions, not both.")
    for name in strategy or ():
        require_strategy(name)
    choice = Choice(
        tuple(dict.fromkeys(strategy or strategy_names())),
        tuple(dict.fromkeys(size or ())),
        overlap,
        tuple(dict.fromkeys(sentences or ())),
        _modes(mode or ["dense"]),
    )
    gold = load_chunk_gold(data) if data else _sample_gold(questions, documents, cache, home)
    with open_bench(f"chunking-{gold.name}", cache, home) as bench, progress("measuring") as show:
        report = run(gold, choice, bench, limit_queries, show)
    present(report, as_json, upright=False)


def _sample_gold(
    file: Path | None, folder: Path | None, cache: Path | None, home: Path | None
) -> ChunkGold:
    """The gold of a question set in its documents, read by ingestion."""
    file, folder = question_files(file, folder)
    asked = load_questions(file)
    with open_bench(bench_name(folder), cache, home) as bench:
        with progress("reading") as show:
            bench.ingest(folder, lambda done: show(done.done, done.total))
        placed = bench.place(asked, folder)
        ids = [document.id for document in bench.catalog.documents() if document.state.searchable]
        return from_placed(asked.name, {id: bench.catalog.parsed(id) for id in ids}, placed)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 wrong usage, 3 the machine's fault."""
    try:
        app(arguments, prog_name="python -m eval")
    except AlcoveError as exc:
        print(f"alcove: {exc}", file=sys.stderr)
        sys.exit(exc.exit_status)


if __name__ == "__main__":
    main()
