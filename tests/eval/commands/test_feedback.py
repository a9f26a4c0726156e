"""``alcove eval feedback`` makes of a home's verdicts a file that can be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.store.memory import Chats
from agents.store.outcome import Outcome
from corpus.home import Home
from corpus.questions import load_questions
from eval.__main__ import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["feedback", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def rated(home: Home) -> Home:
    """A home in which one answer was called wrong, and one question one that the documents do not answer."""
    chats = Chats(home)
    for question, unanswerable in (("Who cooks?", True), ("Who eats?", False)):
        thread = chats.create_thread()["id"]
        ids = chats.log.begin(thread, question, "answer", None)
        chats.log.finish(ids["run"], "done", [], Outcome("Ada."))
        chats.rate(ids["message"], -1, unanswerable=unanswerable)
    chats.close()
    return home


def test_verdicts_become_a_file(
    rated: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "questions.jsonl"
    assert run("--home", str(rated.root), "--out", str(out), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    reason = "it says that the answer was wrong, but not what is right"
    assert told == {
        "questions": 1, "answerable": 0, "left_out": {reason: 1}, "file": str(out),
    }  # fmt: skip
    assert [q.text for q in load_questions(out).questions] == ["Who cooks?"]


def test_people_are_told_what_was_left_out(rated: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--home", str(rated.root)) == 0
    said = capsys.readouterr().out
    assert "Questions from feedback: 1, of which 0 have an answer." in said
    assert "Left out: 1, because it says that the answer was wrong" in said


def test_without_feedback_no_file_is_written(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "questions.jsonl"
    assert run("--home", str(home.root), "--out", str(out)) == 2
    assert "no questions from feedback yet" in capsys.readouterr().err
    assert not out.exists()
