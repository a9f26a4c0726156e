"""A results folder is whole or not there, is the same when written again, and says which line is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import DiskFull, NotFound, OperatorError, UserError
from corpus.trec import load_qrels, load_run
from eval.results.folder import Results, require_place, slug, write_results
from eval.results.records import Row
from tests.eval.results.examples import BASELINE, METRIC, report_of, rows_of

ROWS = rows_of(5)
REPORT = report_of(ROWS)
QRELS = {"q1": {"manual-1:100-140": 1, "lost-1": 1}, "q0": {"manual-0:100-140": 1}}
RUNS = {
    BASELINE: {"q1": [("manual-1:100-140", 0.5), ("manual-9:0-9", 0.25)], "q0": []},
    "ünïcode / & co": {"q1": [("x", 1.0)]},
}


def write(folder: Path, **changes: Any) -> None:
    whole: dict[str, Any] = {
        "report": REPORT,
        "rows": ROWS,
        "qrels": QRELS,
        "runs": RUNS,
        "html": "<p>é</p>",
    }
    write_results(folder, **(whole | changes))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def broken_rows(error: BaseException) -> Iterator[Row]:
    yield ROWS[0]
    raise error


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    write(tmp_path / "made" / "here")
    results = Results.read(tmp_path / "made" / "here")
    assert results.report == json.loads(json.dumps(REPORT))
    assert list(results.rows) == ROWS
    assert results.systems[0] == ROWS[0].system
    values = results.values(BASELINE, METRIC)
    assert values == {row.query: row.metrics[METRIC] for row in ROWS if row.system == BASELINE}
    assert results.values(BASELINE, "unheard of") == {}


def test_rankings_and_judgements_are_in_trecs_formats(tmp_path: Path) -> None:
    write(tmp_path / "r")
    files = bytes_of(tmp_path / "r")
    assert files["qrels.txt"].decode().splitlines()[0] == "q1 0 manual-1:100-140 1"
    run = files["runs/recursive-200-30_hybrid.run"].decode().splitlines()
    assert run == [
        "q1 Q0 manual-1:100-140 1 0.500000 recursive-200-30_hybrid",
        "q1 Q0 manual-9:0-9 2 0.250000 recursive-200-30_hybrid",
    ]
    assert {len(line.split()) for line in run} == {6}


def test_names_with_white_space_are_words_in_trecs_files(tmp_path: Path) -> None:
    name = "my notes\tof\u00a0May.md"
    write(tmp_path / "r", qrels={"q 1": {name: 2}}, runs={"a b": {"q 1": [(name, 0.5)]}})
    word = "my_notes_of_May.md"
    assert load_qrels(tmp_path / "r" / "qrels.txt").grades() == {"q_1": {word: 2}}
    assert load_run(tmp_path / "r" / "runs" / "a_b.run") == {"q_1": [(word, 0.5)]}


def test_names_that_differ_in_white_space_stay_apart_in_trecs_files(tmp_path: Path) -> None:
    grades = {"q 1": {"a b.md": 2, "a_b.md": 1, "a\tb.md": 3}, "q_1": {"a b.md": 1}}
    found = {"q_1": [("a_b.md", 0.5)], "q 1": [("a\tb.md", 0.75), ("a b.md", 0.5)]}
    write(tmp_path / "r", qrels=grades, runs={"s": found})
    judged = {"q_1~2": {"a_b.md~2": 2, "a_b.md": 1, "a_b.md~3": 3}, "q_1": {"a_b.md~2": 1}}
    assert load_qrels(tmp_path / "r" / "qrels.txt").grades() == judged
    assert load_run(tmp_path / "r" / "runs" / "s.run") == {
        "q_1": [("a_b.md", 0.5)],
        "q_1~2": [("a_b.md~3", 0.75), ("a_b.md~2", 0.5)],
    }


def test_the_same_results_are_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two")
    write(tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no value")])
def test_a_crash_in_the_middle_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, error: BaseException
) -> None:
    write(tmp_path / "r")
    before = bytes_of(tmp_path / "r")
    with pytest.raises(type(error)):
        write(tmp_path / "r", rows=broken_rows(error), html="<p>new</p>")
    assert bytes_of(tmp_path / "r") == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_crash_of_the_first_writing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "r", rows=broken_rows(KeyboardInterrupt()))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_and_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "r")
    before = bytes_of(tmp_path / "r")
    with pytest.raises(DiskFull):
        write(tmp_path / "r", rows=broken_rows(OSError(28, "No space left on device")))
    assert bytes_of(tmp_path / "r") == before


def test_results_take_the_place_of_earlier_ones(tmp_path: Path) -> None:
    write(tmp_path / "r")
    write(tmp_path / "r", runs={}, html="<p>new</p>")
    assert "runs/recursive-200-30_hybrid.run" not in bytes_of(tmp_path / "r")
    assert bytes_of(tmp_path / "r")["report.html"] == b"<p>new</p>"


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("years of work")
    with pytest.raises(UserError, match="thesis' holds something else"):
        write(folder)
    assert bytes_of(folder) == {"chapter.txt": b"years of work"}


def test_a_file_that_someone_put_beside_results_is_not_deleted_with_them(tmp_path: Path) -> None:
    write(tmp_path / "r")
    (tmp_path / "r" / "notes.md").write_text("what I make of it")
    before = bytes_of(tmp_path / "r")
    with pytest.raises(UserError, match=r"something else \('notes.md'\); choose another --out"):
        write(tmp_path / "r", html="<p>new</p>")
    assert bytes_of(tmp_path / "r") == before


def test_a_file_is_no_place_for_results(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("mine")
    with pytest.raises(UserError, match="is a file; name a folder for the results"):
        require_place(tmp_path / "r")


def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OperatorError, match="choose another --out"):
        require_place(tmp_path / "file" / "below" / "r")
    require_place(tmp_path / "new" / "r")
    assert not (tmp_path / "new").exists()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    write(tmp_path / "r")
    assert Results.read(tmp_path / "r").systems


def test_results_can_be_read_by_whoever_may_read_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    write(tmp_path / "r")
    assert (tmp_path / "r").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_without_a_report_holds_no_results(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no results in .*'report\.json'"):
        Results.read(tmp_path / "nowhere")


FOREIGN = {"dataset": "d", "metrics": [], "systems": [], "tests": [], "context": {}}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"systems": 3}',
        "{}",
        json.dumps(FOREIGN | {"systems": [{"name": "a"}]}),
        json.dumps(FOREIGN | {"systems": ["a"]}),
        json.dumps(FOREIGN | {"tests": [{"a": "x", "b": "y"}]}),
        json.dumps(FOREIGN | {"context": None}),
    ],
)
def test_what_is_no_report_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(UserError, match=r"report\.json.*anew"):
        Results.read(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"system": "dense"}',
        json.dumps(ROWS[0].to_json() | {"surprise": 1}),
        json.dumps(ROWS[0].to_json() | {"losses": [{"stage": "evaporated"}]}),
    ],
)
def test_a_broken_line_is_named_with_its_file(tmp_path: Path, line: str) -> None:
    write(tmp_path / "r")
    path = tmp_path / "r" / "queries.jsonl"
    good = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([good[0], "", line, good[1]]), encoding="utf-8")
    with pytest.raises(UserError, match=r"queries\.jsonl', line 3: this is no row"):
        _ = Results.read(tmp_path / "r").rows


def test_a_line_that_is_not_utf8_is_named_too(tmp_path: Path) -> None:
    write(tmp_path / "r")
    with (tmp_path / "r" / "queries.jsonl").open("ab") as stream:
        stream.write(b'{"system": "\xff"}\n')
    with pytest.raises(UserError, match=rf"line {len(ROWS) + 1}: byte 13 is not UTF-8"):
        _ = Results.read(tmp_path / "r").rows


def test_rows_that_are_missing_are_said_to_be(tmp_path: Path) -> None:
    write(tmp_path / "r")
    (tmp_path / "r" / "queries.jsonl").unlink()
    with pytest.raises(NotFound, match=r"queries\.jsonl"):
        _ = Results.read(tmp_path / "r").rows


def test_a_place_that_cannot_be_written_is_an_error_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OperatorError, match="file"):
        write(tmp_path / "file" / "r")


def test_systems_whose_names_are_alike_as_words_have_a_ranking_each(tmp_path: Path) -> None:
    write(tmp_path / "r", runs={"a b": {"q1": [("x", 1.0)]}, "a_b": {"q1": [("y", 1.0)]}})
    files = bytes_of(tmp_path / "r")
    assert files["runs/a_b.run"] == b"q1 Q0 x 1 1.000000 a_b\n"
    assert files["runs/a_b~2.run"] == b"q1 Q0 y 1 1.000000 a_b~2\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("recursive-200-30 hybrid", "recursive-200-30_hybrid"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a\nb\tc", "a_b_c"),
        ("///", "system"),
        ("größe 1", "größe_1"),
    ],
)
def test_a_systems_name_becomes_one_word(name: str, expected: str) -> None:
    assert slug(name) == expected
    assert "/" not in slug(name)
