"""``alcove eval questions``: what a question set holds, and whether its gold stands in the documents."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.questions import QuestionSet, load_questions
from eval.commands.terminal import progress
from eval.options import Cache, HomeFolder, Json

if TYPE_CHECKING:
    from eval.gold.records import GoldSet

__all__ = ["check_questions"]


def check_questions(
    file: Annotated[Path, typer.Argument(help="A questions.jsonl.")],
    documents: Annotated[
        str | None,
        typer.Option(
            "--documents",
            help="What it is about, to look its gold up: a folder, or collection:NAME.",
        ),
    ] = None,
    cache: Cache = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Check a question set; with --documents, look every gold quote up. Status 1: some is lost."""
    asked = load_questions(file)
    told = _counted(asked)
    if documents is not None:
        from eval.gold.placing import place_questions
        from eval.gold.sources import load_shelf

        with progress("reading") as show:
            shelf = load_shelf(documents, cache, home, show)
        told |= _placed(place_questions(asked, shelf))
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print(told)
    if told.get("lost"):
        raise typer.Exit(1)


def _counted(asked: QuestionSet) -> dict[str, Any]:
    entries = asked.questions
    return {
        "name": asked.name,
        "questions": len(entries),
        "answerable": sum(question.answerable for question in entries),
        "kinds": dict(sorted(Counter(question.kind for question in entries).items())),
        "with_answer": sum(bool(question.answer) for question in entries),
        "gold_spans": sum(len(question.gold) for question in entries),
        "graded_documents": sum(len(question.documents) for question in entries),
    }


def _placed(gold: GoldSet) -> dict[str, Any]:
    """Counts of quotes, and every piece of gold that is lost; a document's ``quote`` is null."""
    quotes = [
        {"question": topic.id, "document": lost.document, "quote": lost.quote, "why": lost.why}
        for topic in gold.topics
        for lost in topic.lost
    ]
    documents = [
        {"question": topic.id, "document": name, "quote": None, "why": gold.unread[name]}
        for topic in gold.topics
        for name, grade in topic.grades.items()
        if grade > 0 and name in gold.unread
    ]
    return {
        "documents": len(gold.documents),
        "placed": sum(len(topic.gold) for topic in gold.topics),
        "moved": gold.moved,
        "lost": quotes + documents,
    }


def _print(told: dict[str, Any]) -> None:
    kinds = ", ".join(f"{count} {kind}" for kind, count in told["kinds"].items())
    print(f"{told['questions']} questions ({kinds}), {told['answerable']} of them answerable.")
    print(
        f"{told['with_answer']} have a reference answer; gold: {told['gold_spans']} spans and "
        f"{told['graded_documents']} graded documents."
    )
    if "placed" not in told:
        return
    print(
        f"In {told['documents']} documents, {told['placed']} spans were found, {told['moved']} of "
        f"them elsewhere than the file says; {len(told['lost'])} pieces of gold are lost."
    )
    for lost in told["lost"]:
        print(f"Lost of {lost['question']!r}: {lost['why']}{_quoted(lost['quote'])}.")


def _quoted(quote: str | None) -> str:
    if quote is None:
        return ""
    return f" ({' '.join(quote.split())[:60]!r})"
