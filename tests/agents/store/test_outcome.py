"""What a run leaves behind, worked out from its events."""

from __future__ import annotations

from agents.records.steps import Cancelled, Failed, Retrieved, Step
from agents.store.outcome import outcome_of
from tests.agents.shelf import Shelf

PARTIAL = "They are kept for thirty days [1]. They are kept for ninety days [1]. The moon"


def _events(shelf: Shelf, last: Step) -> list[dict[str, object]]:
    passage = shelf.passage(1, shelf.backups, "They are kept for thirty days.")
    return [Retrieved((passage,), 3).to_json(), last.to_json()]


def test_an_answer_that_broke_off_is_checked_sentence_by_sentence() -> None:
    shelf = Shelf()
    outcome = outcome_of(_events(shelf, Failed("ModelBroke", "it broke", PARTIAL)), shelf.text)
    assert (outcome.interrupted, outcome.error) == (True, "it broke")
    assert [c["verdict"] for c in outcome.claims] == ["supported", "unsupported", "uncited"]
    assert [c["quote"] for c in outcome.citations] == ["They are kept for thirty days."]
    assert outcome.content == PARTIAL


def test_an_answer_that_was_stopped_has_no_number_that_points_nowhere() -> None:
    shelf = Shelf()
    outcome = outcome_of(
        _events(shelf, Cancelled("They are kept [4]. For thirty days [1")), shelf.text
    )
    assert outcome.content == "They are kept. For thirty days [1"
    assert outcome.citations == ()
