"""``alcove eval answers``: a results folder of answers, what is told of them, and a judge."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eval.results.folder import Results
from eval.results.records import Stage
from tests.eval.benchmarks import run, run_json, write_lines
from tests.fakes import FakeLLMServer, Reply


def test_answers_are_written_with_a_row_for_each_and_what_lost_its_gold(
    capsys: pytest.CaptureFixture[str], papers: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, questions = papers
    lines = questions.read_text().splitlines()
    graded = {"id": "3", "question": "Who was elected mayor of Lisbon?", "kind": "list"}
    gone = {"document": "gone.txt", "quote": "abc", "start": 0, "end": 3}
    lost = {"id": "4", "question": "When is the snow board wiped clean?", "kind": "single"}
    more = [graded | {"documents": {"snow.txt": 1}}, lost | {"gold": [gone]}]
    write_lines(questions, [*map(json.loads, lines), *more])
    arguments = ["--questions", questions, "--documents", folder, "--home", tmp_path / "home"]
    chosen = ["--engine", "extractive", "--out", tmp_path / "out"]
    data = run_json(capsys, "answers", *arguments, *chosen)
    results = Results.read(tmp_path / "out")
    assert results.report == data
    rows = {row.query: row for row in results.rows}
    assert [rows[query].missed for query in "1234"] == [False, False, True, True]
    assert "every morning" in rows["1"].answer
    assert rows["1"].gold[0]["document"] == "snow.txt"
    assert any(found.gold and found.document == "snow.txt" for found in rows["1"].found)
    (refused,), (unread,) = rows["3"].losses, rows["4"].losses
    assert (refused.document, refused.stage) == ("snow.txt", Stage.ANSWER)
    assert "the question was refused" in refused.detail
    assert (unread.document, unread.stage) == ("gone.txt", Stage.NOT_PARSED)
    assert data["systems"][0]["losses"] == {"not parsed": 1, "ignored in the answer": 1}
    _, out, _ = run(capsys, "answers", *arguments, "--engine", "extractive")
    assert re.search(r"AUROC: \d\.\d{3}", out)
    assert "lost gold (questions): not parsed 1, ignored in the answer 1" in out
    assert "snow.txt" in (tmp_path / "out" / "qrels.txt").read_text()
    assert (tmp_path / "out" / "report.html").is_file()


class Worded(FakeLLMServer):
    """A judge that finds every answer correct, but the second time that it is asked has no verdict."""

    def reply_to(self, asked: Mapping[str, Any]) -> Reply:
        (word,) = re.findall(r'"word": "(\w+)"', asked["messages"][0]["content"])
        verdict = {"word": word, "verdict": "correct", "carried": True}
        fits = not 2 <= len(self.chats) <= 3  # asked again once, when it does not
        return Reply(pieces=(json.dumps(verdict) if fits else "Hm.",))


def test_answers_are_judged_by_a_model_that_is_named(
    capsys: pytest.CaptureFixture[str], papers: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, questions = papers
    arguments = ["--questions", questions, "--documents", folder, "--home", tmp_path / "home"]
    with Worded("judge-7b") as llm:
        judged = ["--engine", "extractive", "--judge", "--judge-url", llm.url]
        data = run_json(capsys, "answers", *arguments, *judged, "--out", tmp_path / "out")
    assert data["context"]["judge"] == {
        "model": "judge-7b",
        "repeats": 3,
        "missing": {"ModelBroke": 1},
    }
    (system,) = data["systems"]
    assert system["metrics"]["judged correct"] == 1.0
    assert system["n_by_metric"]["judged correct"] == 1
    assert system["facts"]["judge missing"] == 1.0
    assert system["facts"]["judge agreement"] == 1.0
    rows = {row.query: row.metrics for row in Results.read(tmp_path / "out").rows}
    assert (rows["1"]["judged correct"], "judged correct" in rows["2"]) == (1.0, False)
