"""``alcove calibrate`` on a few documents, from the questions to what answering makes of it."""

import json
from pathlib import Path

import pytest

from tests.command_line import Alcove, alcove, papers, tiny_model

__all__ = ["alcove", "papers", "tiny_model"]

SAID = "The red box weighs seven kilograms."


def asked(path: Path, each: int) -> Path:
    gold = [{"document": "box.txt", "quote": SAID, "start": 0, "end": len(SAID)}]
    lines = []
    for n in range(each):
        lines.append(
            {
                "id": f"y{n}",
                "question": f"What weighs the red box {'so ' * n}?",
                "kind": "single",
                "answer": "seven",
                "gold": gold,
            }
        )
        lines.append(
            {
                "id": f"n{n}",
                "question": f"Who painted the ceiling {'so ' * n}?",
                "kind": "unanswerable",
                "gold": [],
            }
        )
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_a_calibration_is_reported_with_held_out_figures_and_used(
    alcove: Alcove, papers: Path, tmp_path: Path
) -> None:
    assert alcove("ingest", papers).status == 0
    questions = asked(tmp_path / "questions.jsonl", 20)
    outcome = alcove("calibrate", questions, "--json")
    assert outcome.status == 0, outcome.err
    found = outcome.json
    assert found["collection"] == "default"
    assert found["figures"]["answered"] >= 0.9
    assert found.keys() >= {"threshold", "target", "curve", "held_out", "encoder", "created"}
    told = alcove("calibrate", questions).out
    assert "not fitted on (5-fold)" in told
    refused = alcove("ask", "Who painted the ceiling?", "--engine", "extractive", "--json").json
    answered = alcove("ask", "What weighs the red box?", "--engine", "extractive", "--json").json
    assert (refused["abstained"], answered["abstained"]) == (True, False)


@pytest.mark.parametrize(
    ("each", "more", "said"),
    [
        (5, (), "needs at least 20 of each"),
        (20, ("--collection", "nowhere"), "there is no collection 'nowhere'"),
        (20, ("--target", "7"), "the target is 7.0"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    alcove: Alcove, papers: Path, tmp_path: Path, each: int, more: tuple[str, ...], said: str
) -> None:
    assert alcove("ingest", papers).status == 0
    outcome = alcove("calibrate", asked(tmp_path / "q.jsonl", each), *more)
    assert outcome.status == 2
    assert said in outcome.err
