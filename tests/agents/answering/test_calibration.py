"""What is fitted to a collection's own questions, and what is said about it."""

import json
import logging
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from agents.answering.abstain import WEIGHTS, answerability
from agents.answering.calibrated import Calibrated
from agents.answering.calibration import Calibration, auroc, calibrate, figures, held_out
from corpus.calibrations import set_calibration
from corpus.catalog import Catalog
from corpus.errors import UserError
from corpus.home import Home

NAMES = [name for name in WEIGHTS if name != "bias"]


def questions(
    each: int, apart: float, seed: int = 1, name: str = "meaning"
) -> list[tuple[Mapping[str, float], bool]]:
    """Questions of both kinds whose measure ``name`` differs by ``apart`` standard deviations."""
    draw = random.Random(seed)
    made = []
    for index in range(2 * each):
        answerable = index % 2 == 0
        measured = {n: draw.gauss(0.5, 0.1) for n in NAMES}
        measured[name] += 0.1 * apart if answerable else 0.0
        made.append((measured, answerable))
    return made


def test_the_stated_share_of_the_answerable_is_answered_and_not_much_more() -> None:
    found = calibrate(questions(50, 3), "space", target=0.9)
    assert 0.9 <= found.figures.answered <= 0.92
    assert found.figures.refused > 0.8
    assert (found.answerable, found.unanswerable, found.encoder) == (50, 50, "space")


def test_a_collection_where_another_measure_tells_moves_the_weights_to_it() -> None:
    found = calibrate(questions(100, 4, name="passage_words"), "space")
    assert found.weights["passage_words"] > 3 * WEIGHTS["passage_words"]
    built_in = figures(questions(100, 4, seed=2, name="passage_words"), WEIGHTS, 0.5)
    fitted = figures(questions(100, 4, seed=2, name="passage_words"), found.weights, 0.5)
    assert fitted.auroc > built_in.auroc + 0.05


def test_questions_left_out_show_what_those_fitted_on_hide() -> None:
    nothing_to_learn = questions(20, 0)
    found = calibrate(nothing_to_learn, "space")
    assert found.figures.auroc > 0.55
    assert found.held_out.auroc < found.figures.auroc
    assert found.held_out == held_out(nothing_to_learn, 0.9)


def test_the_curve_trades_answers_for_refusals() -> None:
    found = calibrate(questions(30, 2), "space")
    thresholds, answered, refused = zip(*found.curve, strict=True)
    assert (thresholds[0], answered[0], refused[0]) == (0.0, 1.0, 0.0)
    assert list(answered) == sorted(answered, reverse=True)
    assert list(refused) == sorted(refused)
    assert found.threshold_for(0.99) <= found.threshold


@pytest.mark.parametrize(
    ("kept", "target", "said"),
    [(39, 0.9, "at least 20 of each"), (40, 1.0, "the target is 1.0"), (40, 0.0, "the target")],
)
def test_too_few_questions_or_no_share_are_refused(kept: int, target: float, said: str) -> None:
    with pytest.raises(UserError, match=said):
        calibrate(questions(20, 2)[:kept], "space", target)


def test_the_area_under_the_curve_is_that_of_an_independent_implementation() -> None:
    draw = random.Random(3)
    yes = [round(draw.gauss(0.6, 0.2), 1) for _ in range(50)]  # rounded: ties
    no = [round(draw.gauss(0.4, 0.2), 1) for _ in range(30)]
    expected = roc_auc_score([1] * 50 + [0] * 30, yes + no)
    assert auroc(yes, no) == pytest.approx(expected)


def test_a_calibration_is_the_same_after_it_was_stored() -> None:
    found = calibrate(questions(20, 2), "space")
    assert Calibration.from_json(json.loads(json.dumps(found.to_json()))) == found
    measured = questions(1, 0)[0][0]
    assert found.score(measured) == answerability(measured, found.weights)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(Home(tmp_path))
    yield catalog
    catalog.close()


def test_a_calibration_is_found_for_its_collection_and_its_encoder_only(
    catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    found = calibrate(questions(20, 2), "space")
    set_calibration(catalog.database, "work", found.to_json())
    assert Calibrated(catalog, "space")("work") == found
    assert Calibrated(catalog, "space")("home") is None
    other = Calibrated(catalog, "another")
    with caplog.at_level(logging.WARNING):
        assert other("work") is None
        assert other("work") is None
    assert [r.getMessage() for r in caplog.records] == [
        "the calibration of 'work' was measured with another encoder and is not used;"
        " run `alcove calibrate` again"
    ]


def test_a_calibration_of_other_measures_is_passed_over(
    catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    found = replace(calibrate(questions(20, 2), "space"), weights={"bias": 0.0, "colour": 1.0})
    set_calibration(catalog.database, "work", found.to_json())
    with caplog.at_level(logging.WARNING):
        assert Calibrated(catalog, "space")("work") is None
    assert "made by another version" in caplog.text
