"""The check of sentences is measured on cases that are made from questions with gold quotes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eval.claims import Case, measure, sample_cases, squad_cases

QUESTIONS = Path(__file__).parents[2] / "corpus" / "sample" / "questions.jsonl"
DATA = Path(os.environ.get("ALCOVE_DATA", Path(__file__).parents[3] / "shared" / "data"))
HELD_BACK = 1  # thresholds were chosen on the other half


def test_the_figures_are_those_of_the_verdicts() -> None:
    cases = [
        Case("carried", "The box has 128 GB.", "The box has 128 GB of memory."),
        Case("carried", "It purrs like a cat.", "The box has 128 GB of memory."),
        Case("number", "The box has 131 GB.", "The box has 128 GB of memory."),
        Case("other quote", "The box has 128 GB.", "On Fridays there is soup."),
    ]
    figures = measure(cases)
    assert (figures.cases, figures.precision, figures.recall) == (4, 1.0, 0.5)
    assert figures.found == {"carried": 0.5, "number": 1.0, "other quote": 1.0}
    assert 0.5 < figures.auroc <= 1.0


def test_cases_of_every_kind_are_made_from_the_sample() -> None:
    cases = sample_cases(QUESTIONS, HELD_BACK)
    kinds = {case.kind for case in cases}
    assert kinds == {"carried", "other quote", "number", "name", "negation"}
    carried = {case.sentence for case in cases if case.kind == "carried"}
    assert not any(c.sentence in carried for c in cases if c.kind in ("number", "negation"))


def test_on_the_sample_s_held_back_half_the_verdicts_are_mostly_right() -> None:
    figures = measure(sample_cases(QUESTIONS, HELD_BACK))
    assert figures.precision >= 0.95
    assert figures.recall >= 0.88
    assert figures.auroc >= 0.95


@pytest.mark.full
def test_on_squad_s_held_back_half_the_verdicts_are_mostly_right() -> None:
    folder = DATA / "squad-en"
    if not folder.is_dir():
        pytest.skip(
            "needs the evaluation data: no folder 'squad-en' in ALCOVE_DATA or ../shared/data"
        )
    figures = measure(squad_cases(folder, HELD_BACK, 300))
    assert figures.precision >= 0.87
    assert figures.recall >= 0.88
    assert figures.auroc >= 0.94
