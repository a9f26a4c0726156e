"""How the parts of a service are, judged from figures."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from agents.health import parts
from agents.health.reachability import Reached
from agents.settings import LLMSettings

URL = "http://127.0.0.1:8000/v1"
GIB = 2**30


@dataclass
class Model:
    """What is asked of an engine here."""

    name: str = "openai"
    url: str = URL
    model: str = "tiny"
    label: str = field(default="tiny")


def language_model(reached: Reached | None, **llm: object) -> tuple[str, str, str]:
    settings = LLMSettings.model_validate(llm)
    found = parts.language_model(Model(), reached, settings)  # type: ignore[arg-type]
    return found.state, found.finding, found.advice


@pytest.mark.parametrize(
    ("reached", "state", "words"),
    [
        (Reached(URL), "good", "being asked"),
        (Reached(URL, True, said="it serves 'tiny'", models=("tiny",)), "good", "it serves 'tiny'"),
        (Reached(URL, False, said="nothing listens there"), "bad", "nothing listens there"),
        (Reached(URL, True, models=("big",)), "bad", "does not list 'tiny'"),
        (None, "advice", "quoted from the documents"),
    ],
)
def test_a_language_model_is_judged_by_its_server(
    reached: Reached | None, state: str, words: str
) -> None:
    found = language_model(reached)
    assert found[0] == state
    assert words in found[1]
    assert bool(found[2]) == (state != "good")


def test_whoever_wants_no_language_model_is_not_told_to_start_one() -> None:
    assert language_model(None, engine="extractive")[0] == "good"


def test_search_is_well_starting_waiting_or_answered_by_an_older_index() -> None:
    found = [
        parts.search(waiting, is_starting, is_stand_in)
        for waiting, is_starting, is_stand_in in (
            ("", False, False),
            ("the encoder is being loaded", True, False),
            ("'x' is damaged; run `alcove doctor --repair`", False, False),
            ("", False, True),
        )
    ]
    assert [f.state for f in found] == ["good", "good", "bad", "bad"]
    assert "alcove doctor --repair" in found[2].advice
    assert "older" in found[3].finding


def test_jobs_at_work_are_counted_and_a_failed_one_is_named() -> None:
    running, done = {"state": "running"}, {"state": "done", "error": None}
    failed = {"state": "failed", "error": "the disk is full; make room"}
    assert parts.ingestion([]).state == "good"
    assert "2 jobs" in parts.ingestion([running, running, failed]).finding
    told = parts.ingestion([failed, done])
    assert (told.state, told.advice) == ("advice", "make room")
    assert parts.ingestion([done, failed]).state == "good"


def test_little_memory_is_advice_and_no_room_is_a_fault() -> None:
    assert parts.memory(GIB, 2 * GIB).state == "good"
    assert parts.memory(GIB, GIB // 8).state == "advice"
    assert parts.memory(None, None).state == "good"
    assert parts.disk(2 * GIB, 1024).state == "good"
    assert parts.disk(GIB // 2, 1024).state == "bad"
