"""``alcove eval answers``: refusals, citations and correctness of answers, and where gold was lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.datasets import load_beir
from corpus.errors import UserError
from corpus.questions import load_questions
from eval.articles import article_set
from eval.bench import open_bench
from eval.commands.terminal import bench_name, present, progress, question_files, ticks
from eval.options import Cache, Documents, HomeFolder, Json, Questions
from eval.results.records import Stage

if TYPE_CHECKING:
    from eval.answering import Halves
    from eval.bench import Bench
    from eval.report import System

__all__ = ["answers"]

Dataset = Annotated[
    Path | None,
    typer.Option("--dataset", help="A folder in BEIR's layout, of articles and short answers."),
]
Answerable = Annotated[
    int, typer.Option(min=2, help="Of --dataset: questions whose article is indexed.")
]
Unanswerable = Annotated[
    int, typer.Option(min=2, help="Of --dataset: questions whose article is left out.")
]
Paragraphs = Annotated[
    int, typer.Option(min=1, help="Of --dataset: indexed at least, if there are so many.")
]
Half = Annotated[str, typer.Option(help="fit, test or both: which questions.")]
Calibrate = Annotated[
    float | None,
    typer.Option(help="Calibrate on the half fit, so that this share is answered; ask test."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many questions.")]
Engine = Annotated[str | None, typer.Option(help="auto, openai or extractive; default: as set.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="A folder for the results: a row per question, with its losses."),
]
Judging = Annotated[
    bool, typer.Option("--judge", help="Have a language model judge what was answered.")
]
Repeats = Annotated[int, typer.Option("--judge-repeats", min=1, help="Verdicts on each answer.")]
JudgeUrl = Annotated[
    str | None, typer.Option("--judge-url", help="Its server, ending in /v1; default: llm.url.")
]
JudgeModel = Annotated[
    str | None, typer.Option("--judge-model", help="Its name there; default: as set.")
]


def answers(
    dataset: Dataset = None,
    answerable: Answerable = 300,
    unanswerable: Unanswerable = 300,
    paragraphs: Paragraphs = 3000,
    seed: Annotated[int, typer.Option(help="Deals articles and questions out.")] = 5,
    questions: Questions = None,
    documents: Documents = None,
    half: Half = "both",
    calibrate: Calibrate = None,
    limit_queries: Limit = None,
    engine: Engine = None,
    judge: Judging = False,
    judge_repeats: Repeats = 3,
    judge_url: JudgeUrl = None,
    judge_model: JudgeModel = None,
    out: Out = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Refusals, citations and correctness of answers, and the stage that lost what is missing."""
    from eval.answering import Choice, ask, judge_of, judged, save
    from eval.results.folder import require_place

    if out is not None:
        require_place(out)
    choice = Choice("test" if calibrate else half, calibrate, limit_queries)
    settings = {"llm": {"engine": engine}} if engine else {}
    if dataset is None:
        opened = _on_questions(questions, documents, cache, home, settings)
    elif questions or documents:
        raise UserError("Give either --dataset or --questions, not both.")
    else:
        counts = (answerable, unanswerable, seed, paragraphs)
        opened = _on_dataset(dataset, counts, cache, home, settings)
    with opened as (bench, found):
        by = judge_of(bench, judge_url, judge_model) if judge else None
        with ticks("answering", choice.count(found)) as tick:
            measured = ask(bench, found, choice, tick)
        if by is not None:
            with ticks("judging", len(measured.asked)) as tick:
                measured = judged(measured, by, judge_repeats, tick)
    if out is not None:
        save(measured, out)
    present(measured.report, as_json)
    if not as_json:
        _print_rest(measured.report.systems[0])


def _print_rest(system: System) -> None:
    """What the tables do not have: figures of the whole set, and the stages that lost gold."""
    from rich.console import Console

    console = Console(highlight=False)
    for name, value in system.facts.items():
        console.print(f"{name}: {value:.3f}" if value % 1 else f"{name}: {value:.0f}")
    lost = ", ".join(f"{s.value} {system.losses[s]}" for s in Stage if system.losses.get(s))
    console.print(f"lost gold (questions): {lost or 'none'}")


@contextmanager
def _on_dataset(
    folder: Path,
    counts: tuple[int, int, int, int],
    cache: Path | None,
    home: Path | None,
    settings: dict[str, dict[str, Any]],
) -> Iterator[tuple[Bench, Halves]]:
    from eval.answering import on_articles

    chosen = article_set(load_beir(folder), *counts)
    with open_bench(f"{chosen.name}-answers", cache, home, settings) as bench:
        with progress("ingesting") as show:
            found = on_articles(bench, chosen, show)
        yield bench, found


@contextmanager
def _on_questions(
    file: Path | None,
    folder: Path | None,
    cache: Path | None,
    home: Path | None,
    settings: dict[str, dict[str, Any]],
) -> Iterator[tuple[Bench, Halves]]:
    from eval.answering import on_questions

    file, folder = question_files(file, folder)
    asked = load_questions(file)
    with open_bench(bench_name(folder), cache, home, settings) as bench:
        with progress("ingesting") as show:
            found = on_questions(bench, asked, folder, show)
        yield bench, found
