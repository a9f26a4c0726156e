"""The gate as a command: statuses for CI, and the grid of the baseline run again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Alcove, alcove, tiny_model
from tests.eval.grid.weather import write_grid
from tests.eval.scoring.made_results import make_results

__all__ = ["alcove", "tiny_model"]

GOOD = {f"q{number}": 1.0 - number / 100 for number in range(40)}
BAD = {query: value / 2 for query, value in GOOD.items()}
GRID = """
name = "weather"
dataset = "weather"
metric = "token precision@2"
[grid]
size = [32]
fusion = ["lexical"]
k = [2]
"""


def test_a_baseline_is_written_then_passes_itself_and_fails_what_is_worse(
    tmp_path: Path, alcove: Alcove
) -> None:
    good = make_results(tmp_path / "good", {"x": {"MRR": GOOD}, "y": {"MRR": GOOD}})
    bad = make_results(tmp_path / "bad", {"x": {"MRR": BAD}, "y": {"MRR": GOOD}})
    path = tmp_path / "ci" / "baseline.json"
    written = alcove("eval", "gate", path, "--write", good)
    assert written.status == 0
    assert "holds 40 questions of x, y.\nGated: MRR.\nIt has no grid" in written.out
    passed = alcove("eval", "gate", path, "--results", good)
    assert (passed.status, passed.out.splitlines()[0]) == (
        0,
        "Passed: nothing changed (40 questions, 2 tests).",
    )
    failed = alcove("eval", "gate", path, "--results", bad)
    assert failed.status == 1
    assert failed.out.startswith("Failed: 1 of 2 got significantly worse (40 questions, 2 tests;")
    assert "x, MRR, moved most: q0 -0.500, q1 -0.495" in failed.out
    told = alcove("eval", "gate", path, "--results", bad, "--json")
    assert (told.status, told.json["passed"]) == (1, False)


def test_names_in_a_baseline_do_not_steer_the_terminal(tmp_path: Path, alcove: Alcove) -> None:
    steering = "\x1b[2J[/x]"
    path, metric = tmp_path / "baseline.json", f"MRR{steering}"
    good = make_results(tmp_path / "good", {steering: {metric: GOOD}})
    bad = make_results(tmp_path / "bad", {steering: {metric: BAD}})
    written = alcove("eval", "gate", path, "--write", good)
    failed = alcove("eval", "gate", path, "--results", bad)
    assert (written.status, failed.status) == (0, 1)
    for said in (written.out, failed.out):
        assert "\x1b" not in said
        assert "[U+001B]" in said


def test_what_cannot_be_held_against_the_baseline_ends_with_two(
    tmp_path: Path, alcove: Alcove
) -> None:
    good = make_results(tmp_path / "good", {"x": {"MRR": GOOD}})
    other = make_results(tmp_path / "other", {"x": {"MRR": GOOD}}, digest="e" * 64)
    path = tmp_path / "baseline.json"
    assert alcove("eval", "gate", path, "--write", good, "--json").json == {
        "baseline": str(path),
        "systems": ["x"],
        "metrics": ["MRR"],
        "questions": 40,
    }
    for arguments, said in [
        (["--results", other], "other data than the baseline"),
        (["--results", tmp_path / "nix"], "There are no results in"),
        (["--results", good, "--metric", "MRR"], "go with --write"),
        (["--results", good, "--write", good], "either --write or --results"),
        ([], "has no grid to run again; give --results"),
    ]:
        ended = alcove("eval", "gate", path, *arguments)
        assert ended.status == 2, arguments
        assert said in ended.err
        assert ended.out == ""
    few = make_results(tmp_path / "few", {"x": {"MRR": {"q1": 1.0}}})
    before = path.read_bytes()
    assert "could never fail" in alcove("eval", "gate", path, "--write", few).err
    assert path.read_bytes() == before


def test_without_results_the_grid_of_the_baseline_is_run_again(
    tmp_path: Path, alcove: Alcove
) -> None:
    grid, path = write_grid(tmp_path, GRID), tmp_path / "ci" / "baseline.json"
    assert alcove("eval", "run", grid, "--out", tmp_path / "out").status == 0
    assert alcove("eval", "gate", path, "--write", tmp_path / "out", "--grid", grid).status == 0
    grid.unlink()  # the baseline holds what stood in it
    passed = alcove("eval", "gate", path)
    assert (passed.status, passed.err) == (0, "")
    assert passed.out.startswith("Passed: nothing changed (8 questions, 1 test).")
    held = json.loads(path.read_text())
    for rows in held["systems"].values():
        rows["token precision@2"] = {q: v + 0.1 for q, v in rows["token precision@2"].items()}
    path.write_text(json.dumps(held))
    failed = alcove("eval", "gate", path, "--json")
    assert (failed.status, failed.json["passed"]) == (1, False)
    questions = tmp_path / "weather" / "questions.jsonl"
    questions.write_text("".join(questions.read_text().splitlines(keepends=True)[1:]))
    changed = alcove("eval", "gate", path)
    assert changed.status == 2
    assert "other data than the baseline" in changed.err


@pytest.mark.parametrize("options", [["--grid", "nix.toml"], ["--system", "nix"]])
def test_a_baseline_that_cannot_be_made_is_not_written(
    options: list[str], tmp_path: Path, alcove: Alcove
) -> None:
    good = make_results(tmp_path / "good", {"x": {"MRR": GOOD}})
    ended = alcove("eval", "gate", tmp_path / "baseline.json", "--write", good, *options)
    assert (ended.status, "nix" in ended.err) == (2, True)
    assert not (tmp_path / "baseline.json").exists()
