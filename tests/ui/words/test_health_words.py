"""How a part is, and what to do next, in words."""

from __future__ import annotations

from datetime import datetime

import pytest

from ui.words.health_words import concerns, job_words, mark, moment, next_step, span_words

NOW = datetime.fromisoformat("2026-11-26T18:00:00+01:00")


@pytest.mark.parametrize("state", ["good", "advice", "bad", "queued", "running", "failed", "new"])
def test_every_state_has_an_icon_and_a_word(state: str) -> None:
    shown = mark(state)
    assert shown.icon.startswith(":material/")
    assert shown.word


def test_the_worst_comes_first_and_a_part_is_told_once() -> None:
    part = {"name": "language model", "state": "advice", "about": "none", "advice": "start one"}
    checks = [
        {"name": "language model", "state": "advice", "finding": "none", "advice": "start one"},
        {"name": "index", "state": "bad", "finding": "damaged", "advice": ""},
        {"name": "machine", "state": "good", "finding": "Linux", "advice": ""},
    ]
    found = concerns([part], checks)  # type: ignore[list-item]
    assert [(c.name, c.state) for c in found] == [("index", "bad"), ("language model", "advice")]


@pytest.mark.parametrize(
    ("sentences", "words", "commands"),
    [
        (("broken", "run `alcove doctor --repair`"), "", ["alcove doctor --repair"]),
        (("broken", "`alcove reindex` moves it"), "Alcove reindex moves it", ["alcove reindex"]),
        (("`a b` fetches it", "delete it"), "Delete it", ["a b"]),
        (("fine", ""), "", []),
    ],
)
def test_a_next_step_is_words_commands_or_both(
    sentences: tuple[str, ...], words: str, commands: list[str]
) -> None:
    assert next_step(*sentences) == (words, commands)


def test_moments_and_spans_are_told_as_a_person_tells_them() -> None:
    assert moment("2026-11-26T09:12:00+00:00", NOW) == "10:12"
    assert moment("2026-11-25T23:30:00+00:00", NOW) == "00:30"
    assert moment("2026-11-24T09:12:00+00:00", NOW) == "24 November, 10:12"
    assert [span_words(s) for s in (0.2, 40, 600, 9000)] == ["1 s", "40 s", "10 min", "2.5 h"]


def test_a_job_is_named_by_what_it_does() -> None:
    job = {"kind": "ingest", "collection": "a*b"}
    assert job_words(job) == "Reading documents into a\\*b"  # type: ignore[arg-type]
    assert "encoder" in job_words({**job, "kind": "reindex"})  # type: ignore[typeddict-item]
    assert "anew" in job_words({**job, "kind": "rechunk"})  # type: ignore[typeddict-item]
    assert "watched" in job_words({**job, "kind": "follow"})  # type: ignore[typeddict-item]
