"""``alcove calibrate``: fits the decision to refuse to a collection, on questions of its own.

Knows how it is said; ``agents.answering.calibration`` knows how it is done.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.errors import NotFound
from ui.commands.console import show_json, show_table, write
from ui.commands.options import HomeOption, JsonOption, load_settings

if TYPE_CHECKING:
    from agents.answering.calibration import Calibration
    from agents.build import App

__all__ = ["calibrate", "calibrate_app"]


def calibrate(
    questions: Annotated[
        Path,
        typer.Argument(help="A questions.jsonl: some with gold, some of kind 'unanswerable'."),
    ],
    collection: Annotated[
        str, typer.Option("--collection", help="What the questions are about.")
    ] = "default",
    target: Annotated[
        float, typer.Option(help="Share (0..1) of the answerable questions to be answered.")
    ] = 0.9,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit when to refuse to your own questions, and store that with the collection."""
    from agents.build import build

    with closing(build(load_settings(home, {"llm": {"engine": "extractive"}}))) as app:
        found = calibrate_app(app, questions, collection, target)
    if as_json:
        show_json({"collection": collection, **found.to_json()})
    else:
        _show(collection, found)


def calibrate_app(app: App, questions: Path, collection: str, target: float) -> Calibration:
    """Ask every question, fit, and store the calibration.

    Raises:
        NotFound: there is no such collection, or no such file.
        UserError: the file is broken, or has too few questions of a kind.
    """
    from agents.answering.calibration import calibrate as fit
    from agents.answering.calibration import enough
    from corpus.calibrations import set_calibration
    from corpus.questions import load_questions

    asked = load_questions(questions).questions
    enough([question.answerable for question in asked], target)
    if all(info.name != collection for info in app.catalog.collections()):
        raise NotFound(
            f"there is no collection {collection!r}; `alcove collections` lists what there is"
        )
    core = app.core()
    measured = [
        (core.answerer.measure(question.text, collection), question.answerable)
        for question in asked
    ]
    found = fit(measured, core.encoder.fingerprint.key, target)
    set_calibration(app.catalog.database, collection, found.to_json())
    return found


def _show(collection: str, found: Calibration) -> None:
    rows = [
        [name, f"{f.answered:.1%}", f"{f.refused:.1%}", f"{f.auroc:.3f}"]
        for name, f in (
            ("the questions it was fitted on", found.figures),
            ("questions it was not fitted on (5-fold)", found.held_out),
        )
    ]
    show_table(("", "answerable answered", "unanswerable refused", "AUROC"), rows)
    write(
        f"{collection!r} now refuses below a score of {found.threshold:.3f}. Expect the second line."
    )
