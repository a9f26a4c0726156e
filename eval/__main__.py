"""The command line of the benchmarks: ``alcove eval …``, or ``python -m eval …``.

``retrieval`` measures search on a folder in BEIR's layout or on questions with gold spans;
``answers`` measures answers on such questions; ``chunking`` compares ways to cut the documents they
are about. Without a choice, all take the sample documents and questions that come with Alcove.
``--json`` prints one object (``eval/report.py``) on stdout and nothing else there; progress goes to
stderr, on a terminal only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.datasets import load_beir
from corpus.errors import AlcoveError, UserError
from corpus.questions import load_questions
from eval.articles import article_set
from eval.bench import open_bench
from eval.chunk_gold import ChunkGold, from_placed, load_chunk_gold
from eval.commands.feedback import feedback
from eval.options import HomeFolder, Json
from eval.report import Report, paired_tests, print_report
from eval.retrieval import MODES, depth, evaluate_dataset, evaluate_questions
from ingest.chunking import STRATEGIES, require_strategy, strategy_names

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["app", "main"]

SAMPLE = Path(__file__).parent.parent / "corpus" / "sample"

app = typer.Typer(help="Measure retrieval, chunking and answers.", no_args_is_help=True)

Cache = Annotated[
    Path | None, typer.Option("--cache", help="Where indexes are kept; default: HOME/eval.")
]
Questions = Annotated[
    Path | None, typer.Option("--questions", help="A questions.jsonl; default: the sample's.")
]
Documents = Annotated[
    Path | None, typer.Option("--documents", help="The folder the questions are about.")
]


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
        _show(_on_dataset(dataset, split, modes, limit_queries, cache, home), as_json)
        return
    _show(_on_questions(questions, documents, modes, limit_queries, cache, home), as_json)


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
        with _progress("embedding") as show:
            bench.index(dataset, show)
        context = bench.context
        asked = depth(context["chunks"], context["documents"])
        count = len(dataset.judged()[:limit])
        with _ticks("searching", count * len(modes)) as tick:
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
    file, folder = _question_files(file, folder)
    asked = load_questions(file)
    with open_bench(_bench_name(folder), cache, home) as bench:
        with _progress("ingesting") as show:
            bench.ingest(folder, lambda done: show(done.done, done.total))
        placed = [p for p in bench.place(asked, folder) if p.question.answerable][:limit]
        with _ticks("searching", len(placed) * len(modes)) as tick:
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
    with open_bench(f"chunking-{gold.name}", cache, home) as bench, _progress("measuring") as show:
        report = run(gold, choice, bench, limit_queries, show)
    _show(report, as_json, upright=False)


def _sample_gold(
    file: Path | None, folder: Path | None, cache: Path | None, home: Path | None
) -> ChunkGold:
    """The gold of a question set in its documents, read by ingestion."""
    file, folder = _question_files(file, folder)
    asked = load_questions(file)
    with open_bench(_bench_name(folder), cache, home) as bench:
        with _progress("reading") as show:
            bench.ingest(folder, lambda done: show(done.done, done.total))
        placed = bench.place(asked, folder)
        ids = [document.id for document in bench.catalog.documents() if document.state.searchable]
        return from_placed(asked.name, {id: bench.catalog.parsed(id) for id in ids}, placed)


@app.command()
def answers(
    dataset: Annotated[
        Path | None,
        typer.Option("--dataset", help="A folder in BEIR's layout, of articles and short answers."),
    ] = None,
    answerable: Annotated[
        int, typer.Option(min=2, help="Of --dataset: questions whose article is indexed.")
    ] = 300,
    unanswerable: Annotated[
        int, typer.Option(min=2, help="Of --dataset: questions whose article is left out.")
    ] = 300,
    paragraphs: Annotated[
        int, typer.Option(min=1, help="Of --dataset: indexed at least, if there are so many.")
    ] = 3000,
    seed: Annotated[int, typer.Option(help="Deals articles and questions out.")] = 5,
    questions: Questions = None,
    documents: Documents = None,
    half: Annotated[str, typer.Option(help="fit, test or both: which questions.")] = "both",
    calibrate: Annotated[
        float | None,
        typer.Option(help="Calibrate on the half fit, so that this share is answered; ask test."),
    ] = None,
    limit_queries: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many questions.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="auto, openai or extractive; default: as set.")
    ] = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Refusals, citations and correctness of answers on questions with gold spans."""
    from eval.answering import Choice, ask, on_articles, on_questions

    choice = Choice("test" if calibrate else half, calibrate, limit_queries)
    overrides = {"llm": {"engine": engine}} if engine else {}
    if dataset is not None:
        if questions or documents:
            raise UserError("Give either --dataset or --questions, not both.")
        chosen = article_set(load_beir(dataset), answerable, unanswerable, seed, paragraphs)
        name = f"{chosen.name}-answers"
    else:
        file, folder = _question_files(questions, documents)
        asked, name = load_questions(file), _bench_name(folder)
    with open_bench(name, cache, home, overrides) as bench:
        with _progress("ingesting") as show:
            found = (
                on_articles(bench, chosen, show)
                if dataset is not None
                else on_questions(bench, asked, folder, show)
            )
        with _ticks("answering", choice.count(found)) as tick:
            report = ask(bench, found, choice, tick)
    _show(report, as_json)


app.command()(feedback)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 wrong usage, 3 the machine's fault."""
    try:
        app(arguments, prog_name="python -m eval")
    except AlcoveError as exc:
        print(f"alcove: {exc}", file=sys.stderr)
        sys.exit(exc.exit_status)


def _question_files(file: Path | None, folder: Path | None) -> tuple[Path, Path]:
    """The question file and the folder it is about; the sample's when neither is given."""
    if (file is None) != (folder is None):
        raise UserError("--questions and --documents go together; give both or neither.")
    if file is None or folder is None:
        return SAMPLE / "questions.jsonl", SAMPLE / "documents"
    return file, folder.resolve()


def _bench_name(folder: Path) -> str:
    return "sample" if folder == SAMPLE / "documents" else folder.name


def _show(report: Report, as_json: bool, upright: bool = True) -> None:
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False))
        return
    from rich.console import Console

    print_report(report, Console(), upright)


@contextmanager
def _progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, if that is a terminal; yields what to call with (done, total)."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _ticks(doing: str, total: int) -> Iterator[Callable[[], None]]:
    """The same, for work that is counted one by one."""
    with _progress(doing) as show:
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            show(done, total)

        yield tick


if __name__ == "__main__":
    main()
