"""``alcove eval run`` as a command: its one JSON object, its progress for programs, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eval.commands.run import progress_lines
from tests.eval.benchmarks import run
from tests.eval.grid.weather import write_grid

ROOT = Path(__file__).parents[3]
LEXICAL = """
name = "weather"
dataset = "weather"
[grid]
chunker = ["recursive"]
size = [32]
fusion = ["lexical"]
k = [2]
"""


def test_a_grid_is_one_object_on_stdout_and_a_line_per_step_on_stderr(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    grid, home = write_grid(tmp_path, LEXICAL), tmp_path / "home"
    status, out, err = run(capsys, "run", grid, "--home", home, "--json", "--progress-json")
    assert status == 0
    report = json.loads(out)
    folder = home / "eval" / "results" / "weather"
    assert report == json.loads((folder / "report.json").read_text())
    assert [system["name"] for system in report["systems"]] == ["recursive-32-5 lexical"]
    steps = [json.loads(line) for line in err.splitlines()]
    assert all(step.keys() == {"doing", "done", "total"} for step in steps)
    assert {"indexing recursive-32-5", "judging what was found"} < {step["doing"] for step in steps}
    status, out, err = run(capsys, "run", grid, "--home", home, "--out", tmp_path / "again")
    assert (status, err) == (0, "")
    assert "token IoU" in out
    assert out.endswith(f"The results are in {str(tmp_path / 'again')!r}.\n")
    for name in ("report.json", "queries.jsonl", "report.html"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_a_grid_that_comes_with_alcove_takes_its_data_from_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = ROOT / "eval" / "grids" / "retrieval.toml"
    status, out, err = run(capsys, "run", path, "--home", tmp_path / "home", "--json")
    assert (status, out) == (2, "")
    assert "'retrieval' names no questions; add 'dataset' to the file, or give --dataset" in err


def test_a_percent_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_lines() as listen:
        for done in range(1001):
            listen("searching", done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["done"] for line in lines] == list(range(0, 1001, 10))


def test_ctrl_c_says_how_to_go_on_and_leaves_with_130(tmp_path: Path) -> None:
    grid, home = write_grid(tmp_path), tmp_path / "home"
    command = [sys.executable, "-m", "eval", "run", str(grid), "--home", str(home)]
    with subprocess.Popen(
        [*command, "--progress-json"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if "searching" in line:
                child.send_signal(signal.SIGINT)
                break
        err = child.stderr.read()
        assert child.wait() == 130
    assert err.endswith("what was measured is kept, and the same command goes on from there\n")
    assert "Traceback" not in err
    assert not (home / "eval" / "results").exists()
