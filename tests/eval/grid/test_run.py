"""A grid from file to results: what is measured, what is kept, and what a second run or an interrupted one does."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import Conflict, NotFound, UserError
from corpus.home import locked
from eval.grid.plan import load_grid
from eval.grid.run import run_grid
from eval.report import Report
from eval.results.folder import Results
from tests.eval.grid.weather import GRID, SUBJECTS, benches_in, write_grid

ROOT = Path(__file__).parents[3]
NAMES = ["recursive-32-5", "sentence_window-1-3-32"]


class Place:
    """A folder with a grid file, and everything that runs of it leave."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.steps: list[tuple[str, int, int]] = []
        self.encoders: list[Any] = []

    def run(self, text: str = GRID, out: str = "out", **changes: Any) -> tuple[Report, Results]:
        self.steps = []
        grid = load_grid(write_grid(self.root, text), **changes)
        measured, folder = run_grid(
            grid,
            self.root / out,
            None,
            self.root / "home",
            lambda *step: self.steps.append(step),
            benches_in(self.root / "benches", self.encoders.append),
        )
        assert folder == self.root / out
        return measured.report, Results.read(folder)

    @property
    def cells(self) -> Path:
        return self.root / "benches" / "grid-weather" / "cells"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_cell_is_a_system_with_its_parts_and_facts(place: Place) -> None:
    _, results = place.run()
    shown = [f"{NAMES[1]} {way}{end}" for way in ("dense", "lexical", "hybrid") for end in ("", " shown")]  # fmt: skip
    assert (
        list(results.systems)
        == [f"{NAMES[0]} {way}" for way in ("dense", "lexical", "hybrid")] + shown
    )
    first = results.report["systems"][0]
    assert first["parts"] == {
        "chunker": "recursive-32-5",
        "size": 32,
        "encoder": "auto",
        "index": "auto",
        "fusion": "dense",
        "rerank": "",
    }
    assert first["facts"]["documents"] == 2
    assert first["facts"]["chunks"] >= 8
    assert 5 < first["facts"]["mean tokens"] <= 32
    assert first["facts"]["index MiB"] == pytest.approx(
        first["facts"]["dense MiB"] + first["facts"]["lexical MiB"], abs=0.002
    )
    assert first["n"] == len(SUBJECTS)
    assert first["latency_ms"]["p50"] > 0
    assert first["metrics"]["nDCG@10"] == 1.0
    assert first["losses"] == {}


def test_the_report_says_what_the_figures_depend_on(place: Place) -> None:
    report, results = place.run()
    context = results.report["context"]
    assert context["seed"] == 20240229
    assert len(context["data_sha256"]) == 64
    assert context["encoders"][0]["model"] == "auto"
    assert context["versions"].keys() >= {"alcove", "python", "torch", "openvino", "faiss", "tantivy"}  # fmt: skip
    assert context["machine"].keys() == {"platform", "cpu", "cpus", "memory_gib"}
    assert context["settings"]["ingest"]["strategy"] == "recursive"
    assert report.to_json() == results.report


def test_every_other_system_is_tested_against_the_baseline(place: Place) -> None:
    _, results = place.run('baseline = "recursive-32-5 lexical"\n' + GRID)
    tests = results.report["tests"]
    assert results.report["baseline"] == "recursive-32-5 lexical"
    assert {test["a"] for test in tests} == {"recursive-32-5 lexical"}
    assert {test["b"] for test in tests} == set(results.systems) - {"recursive-32-5 lexical"}


def test_a_question_that_nothing_answers_has_its_row_and_the_stage_that_lost_it(
    place: Place,
) -> None:
    write_grid(place.root)
    path = place.root / "weather" / "questions.jsonl"
    text = (place.root / "weather" / "corpora" / "sky.md").read_text()
    far = {"content": text[400:], "start_index": 400, "end_index": len(text)}
    question = {"id": "none", "corpus": "sky", "question": "qwertz?", "references": [far]}
    path.write_text(path.read_text() + json.dumps(question) + "\n")
    _, results = place.run(GRID.replace('"dense", "lexical", "hybrid"', '"lexical"'))
    (row,) = [r for r in results.rows if r.query == "none" and r.system == f"{NAMES[0]} lexical"]
    assert row.metrics["nDCG@10"] == 0
    assert row.found == ()
    assert row.missed
    assert row.losses
    assert results.report["systems"][0]["n"] == len(SUBJECTS) + 1


def test_what_was_found_is_known_by_document_and_place(place: Place) -> None:
    _, results = place.run()
    row = next(r for r in results.rows if r.query == "snow")
    assert len(row.found) == 2
    assert row.found[0].gold
    assert (row.found[0].rank, row.found[0].document, row.found[0].dense_rank) == (1, "sky", 1)
    assert row.gold[0]["text"].startswith("The keeper of the snow")


def test_a_second_run_embeds_and_searches_nothing_and_writes_the_same_bytes(place: Place) -> None:
    place.run()
    made = content(place.cells)
    place.run(out="again")
    assert content(place.root / "again") == content(place.root / "out")
    assert content(place.cells) == made
    assert place.encoders[-1].encoded == 0


def test_from_nothing_only_latencies_differ(tmp_path: Path) -> None:
    one, two = (Place(tmp_path / name) for name in ("one", "two"))
    for other in (one, two):
        other.root.mkdir()
        other.run()
    found = [
        [
            {k: v for k, v in json.loads(line).items() if k != "latency_ms"}
            for line in (other.root / "out" / "queries.jsonl").read_text().splitlines()
        ]
        for other in (one, two)
    ]
    assert found[0] == found[1]
    for name, data in content(one.root / "out").items():
        if name.startswith(("runs/", "qrels")):
            assert data == (two.root / "out" / name).read_bytes()


def test_only_what_is_new_is_searched(place: Place) -> None:
    place.run(GRID.replace('"hybrid"]', "]"))
    before = content(place.cells)
    place.run()
    after = content(place.cells)
    assert before.items() <= after.items()
    assert len(after) - len(before) == 2 * 3 + 1  # hits, losses and scores, of windows too
    assert place.encoders[-1].encoded == 0  # their passages were embedded before


def test_another_k_keeps_the_latencies_that_were_measured(place: Place) -> None:
    first, _ = place.run()
    second, _ = place.run(GRID.replace("k = [2]", "k = [3]"))
    assert first.systems[0].latencies_ms == second.systems[0].latencies_ms


def test_a_damaged_entry_is_told_of_and_computed_again(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.run()
    for path in place.cells.iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    with caplog.at_level(logging.WARNING):
        _, results = place.run(out="again")
    assert sum("computed again" in message for message in caplog.messages) == 2 + 3 * 6 + 3
    assert results.report["systems"][0]["metrics"]["nDCG@10"] == 1.0
    place.run(out="third")
    assert content(place.root / "third") == content(place.root / "again")


def test_other_data_are_other_cells(place: Place) -> None:
    place.run()
    before = len(content(place.cells))
    path = place.root / "weather" / "corpora" / "sky.md"
    path.write_text(path.read_text() + "\nOne more line.\n")
    place.run()
    assert len(content(place.cells)) == 2 * before


def test_progress_rises_to_the_whole(place: Place) -> None:
    place.run()
    done = [done for _, done, _ in place.steps]
    assert done == sorted(done)
    assert {total for _, _, total in place.steps} == {done[-1]}
    said = [doing for doing, _, _ in place.steps]
    assert said[0] == "loading the encoder"
    assert "indexing recursive-32-5" in said
    assert "searching recursive-32-5 hybrid" in said


def test_two_encoders_are_two_spaces_in_one_grid(place: Place) -> None:
    text = GRID.replace("size = [32]", 'size = [32]\nencoder = ["one", "two"]')
    _, results = place.run(text.replace('["recursive", "sentence_window"]', '["recursive"]'))
    encoders = [system["parts"]["encoder"] for system in results.report["systems"]]
    assert encoders == ["one"] * 3 + ["two"] * 3
    assert len(results.report["context"]["encoders"]) == 2


def test_every_layout_of_the_index_can_be_searched(place: Place) -> None:
    table = '{ name = "small", exact_vectors = 4, memory_mib = 1 }'
    text = GRID.replace("size = [32]", f'size = [32]\nindex = ["exact", {table}]')
    _, results = place.run(text.replace('"lexical", "hybrid"', '"rrf"'))
    assert results.report["systems"][0]["facts"]["chunks"] < 16  # too few to be coded
    assert {system["parts"]["index"] for system in results.report["systems"]} == {"exact", "small"}


def test_a_run_that_others_are_at_is_refused(place: Place) -> None:
    place.run()
    lock = place.root / "benches" / "grid-weather" / "grid.lock"
    with locked(lock, "", wait=False), pytest.raises(Conflict, match="another benchmark runs in"):
        place.run()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('baseline = "x"\n' + GRID, "'baseline' of the grid names no system 'x'; choose from recursive-32-5 dense"),
        (GRID.replace('dataset = "weather"\n', ""), "names no questions; add 'dataset' to the file"),
        (GRID.replace("size = [32]", "size = [32]\noverlap = 32"), "overlap"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_before_anything_is_computed(
    place: Place, text: str, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        place.run(text)
    assert not (place.root / "benches").exists()
    assert not (place.root / "out").exists()


def test_a_question_too_long_to_be_searched_is_named_before_anything_is_computed(
    place: Place,
) -> None:
    write_grid(place.root)
    path = place.root / "weather" / "questions.jsonl"
    path.write_text(path.read_text().replace("Who writes down how much fog", "fog " * 6000))
    with pytest.raises(UserError, match=r"Question 'fog': .*at most 20000 are allowed"):
        place.run()
    assert not (place.root / "benches").exists()


def test_an_encoder_that_is_not_here_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    text = GRID.replace("size = [32]", 'size = [32]\nencoder = ["nobody"]')
    grid = load_grid(write_grid(tmp_path, text))
    with pytest.raises(NotFound, match="there is no model 'nobody'; known are all-minilm-l6-v2"):
        run_grid(grid, tmp_path / "out", None, tmp_path / "home", lambda *_: None)


def test_results_do_not_take_the_place_of_something_else(place: Place) -> None:
    (place.root / "out").mkdir()
    (place.root / "out" / "letter.txt").write_text("dear")
    with pytest.raises(
        UserError, match=r"holds something else \('letter.txt'\); choose another --out"
    ):
        place.run()
    assert not (place.root / "benches").exists()


def run_until_killed(root: Path, steps: int) -> int:
    """A run in a process of its own that kills itself after so many steps; its exit status."""
    command = [sys.executable, "-m", "tests.eval.grid.killed_run", str(root), str(steps)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def test_a_run_that_is_killed_at_any_cell_goes_on_from_there(place: Place) -> None:
    _, results = place.run(out="whole")
    stages = [n for n, (doing, _, _) in enumerate(place.steps) if doing.startswith("searching")]
    begun = [n for n in stages if place.steps[n][0] != place.steps[n - 1][0]]
    assert len(begun) == 6
    other = Place(place.root / "other")
    other.root.mkdir()
    write_grid(other.root)
    for number in range(6):
        status = run_until_killed(other.root, number)
        assert status == -9
        kept = {p.name: p.read_bytes() for p in other.cells.glob("hits-*")}
        assert len(kept) == number
        assert not (other.root / "out").exists()
    before = content(other.cells)
    _, again = other.run()
    assert before.items() <= content(other.cells).items()
    assert again.systems == results.systems
    ours, theirs = content(other.root / "out"), content(place.root / "whole")
    for name, data in theirs.items():
        if name.startswith(("runs/", "qrels")):
            assert ours[name] == data
