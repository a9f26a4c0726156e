"""``alcove eval feedback``: verdicts given in the chat, as a question set that can be run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.errors import UserError
from corpus.questions import write_questions
from eval.options import HomeFolder, Json

if TYPE_CHECKING:
    from agents.measuring.feedback import FeedbackQuestions

__all__ = ["feedback"]


def feedback(
    out: Annotated[
        Path | None, typer.Option("--out", help="The questions.jsonl to write; default: none.")
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            "--collection", help="Only gold in these documents; default: in any there are."
        ),
    ] = None,
    home: HomeFolder = None,
    as_json: Json = False,
) -> None:
    """Make a question set of your verdicts in the chat, and say what was left out and why."""
    made = _made(home, collection)
    if out is not None:
        if not made.questions.questions:
            raise UserError(
                "There are no questions from feedback yet; say in the chat of some answers whether"
                " they are right, or where the right one stands."
            )
        write_questions(out, made.questions)
    if as_json:
        print(json.dumps(_told(made, out), ensure_ascii=False))
    else:
        _print(made, out)


def _made(home: Path | None, collection: str | None) -> FeedbackQuestions:
    """Of the owner of the machine: what others said of their answers is theirs."""
    from contextlib import closing

    from agents.measuring.feedback import feedback_questions
    from agents.settings import Settings
    from agents.store.memory import Chats
    from corpus.catalog import Catalog
    from corpus.home import Home

    root = Home(Settings.load(home).corpus.home)
    with closing(Catalog(root)) as catalog, closing(Chats(root)) as chats:
        documents = catalog.documents(collection)
        sources = [document.source for document in documents if document.state.searchable]
        return feedback_questions(chats.feedback(), sources)


def _told(made: FeedbackQuestions, out: Path | None) -> dict[str, Any]:
    return {
        "questions": len(made.questions.questions),
        "answerable": made.answerable,
        "left_out": dict(made.left_out),
        "file": str(out) if out else None,
    }


def _print(made: FeedbackQuestions, out: Path | None) -> None:
    count = len(made.questions.questions)
    print(f"Questions from feedback: {count}, of which {made.answerable} have an answer.")
    for reason, number in made.left_out.items():
        print(f"Left out: {number}, because {reason}.")
    if out is not None:
        print(f"Written to {str(out)!r}.")
