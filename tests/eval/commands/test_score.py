"""Rankings in TREC's format are measured as TREC's own code does; what is wrong is said, and no file is left."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from corpus.trec import load_run
from eval.__main__ import main
from eval.results.folder import Results

QRELS = "q1 0 a 1\nq1 0 b 2\nq2 0 c 1\nq3 0 a 0\nq4 0 d 1\n"
FIRST = "q1 Q0 b 1 3 x\nq1 Q0 a 2 2 x\nq2 Q0 x 1 1 x\nq2 Q0 c 1 0.5 x\nq9 Q0 c 1 1 x\n"
SECOND = "q1 Q0 a 1 3 y\nq1 Q0 b 2 2 y\nq2 Q0 c 1 1 y\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "qrels.txt").write_text(QRELS)
    (tmp_path / "first.run").write_text(FIRST)
    (tmp_path / "second.run").write_text(SECOND)
    return tmp_path


def run(
    capsys: pytest.CaptureFixture[str], folder: Path, *arguments: object
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of ``score`` with the judgements and the first run."""
    files = ["--qrels", folder / "qrels.txt", "--run", folder / "first.run"]
    with pytest.raises(SystemExit) as ended:
        main(["score", *map(str, [*files, *arguments])])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def run_json(
    capsys: pytest.CaptureFixture[str], folder: Path, *arguments: object
) -> dict[str, Any]:
    status, out, err = run(capsys, folder, *arguments, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_every_judged_query_counts_and_one_without_results_scores_zero(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    report = run_json(capsys, folder, "--metric", "MRR", "--metric", "recall@5")
    (first,) = report["systems"]
    assert first["name"] == "first"
    assert first["metrics"] == {
        "MRR": pytest.approx((1 + 1 / 2 + 0) / 3),
        "recall@5": pytest.approx(2 / 3),
    }
    assert (first["n"], first["missed"]) == (3, 1)
    assert first["facts"] == {"queries with results": 2, "queries without judgement": 1}
    assert report["context"]["queries without a relevant document"] == 1
    assert (report["dataset"], report["metric"], report["tests"]) == ("qrels", "MRR", [])


def test_runs_are_tested_against_the_first_unless_another_is_named(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    second = folder / "second.run"
    (test,) = run_json(capsys, folder, "--run", second, "--metric", "nDCG@10")["tests"]
    assert (test["a"], test["b"], test["n"]) == ("first", "second", 3)
    assert (test["wins"], test["ties"], test["losses"]) == (1, 1, 1)
    assert test["p_holm"] == test["p"]
    turned = run_json(
        capsys, folder, "--run", second, "--metric", "nDCG@10", "--baseline", "second"
    )
    assert turned["baseline"] == "second"
    assert turned["tests"][0]["delta"] == pytest.approx(-test["delta"])


def test_the_figures_are_those_of_the_library_that_reads_the_files_itself(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    pytest.importorskip("pytrec_eval", reason="TREC's own code is not packaged for this machine")
    import ir_measures

    random.seed(8)
    grades = "".join(f"q{q} 0 d{d} {random.randint(0, 3)}\n" for q in range(9) for d in range(12))
    ranked = "".join(
        f"q{q} Q0 d{d} 0 {random.choice([0.5, 1, 1.5])} x\n" for q in range(7) for d in range(20)
    )
    (folder / "qrels.txt").write_text(grades)
    (folder / "first.run").write_text(ranked)
    # With a cut-off, "RR" is not of TREC's own code, and that library breaks its ties another way.
    names = {"nDCG@10": "nDCG@10", "MAP": "AP", "MRR": "RR", "recall@5": "R@5"}
    metrics = [word for name in names for word in ("--metric", name)]
    (system,) = run_json(capsys, folder, *metrics)["systems"]
    expected = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in names.values()],
        ir_measures.read_trec_qrels(str(folder / "qrels.txt")),
        ir_measures.read_trec_run(str(folder / "first.run")),
    )
    found = {str(name): value for name, value in expected.items()}
    for ours, theirs in names.items():
        assert system["metrics"][ours] == pytest.approx(found[theirs], abs=1e-6)


def test_a_results_folder_is_written_and_gives_the_same_figures_again(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    out = folder / "out"
    (folder / "first.run").write_text(
        FIRST + "q1 Q0 e 3 1e-9 x\nq1 Q0 f 4 2e-9 x\nq1 Q0 g 5 2e-9 x\n"
    )
    report = run_json(capsys, folder, "--run", folder / "second.run", "--out", out)
    results = Results.read(out)
    assert results.report == report
    assert results.values("second", "MRR@10") == {"q1": 1.0, "q2": 1.0, "q4": 0.0}
    assert [row.missed for row in results.rows[:3]] == [False, False, True]
    with pytest.raises(SystemExit):
        main(
            ["score", "--qrels", str(out / "qrels.txt"), "--json"]
            + [w for name in ("first", "second") for w in ("--run", f"{out}/runs/{name}.run")]
        )
    again = json.loads(capsys.readouterr().out)
    assert [s["metrics"] for s in again["systems"]] == [s["metrics"] for s in report["systems"]]
    written, given = load_run(out / "runs" / "first.run"), load_run(folder / "first.run")
    for query, ranking in given.items():
        assert [name for name, _ in written[query]] == [name for name, _ in ranking]


def test_people_see_the_figures_of_every_run(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    status, out, _ = run(capsys, folder, "--run", folder / "second.run")
    assert status == 0
    for expected in ("first", "second", "nDCG@10", "recall@100", "0.667"):
        assert expected in out
    assert "lost gold" not in out  # nobody has looked why


def test_two_runs_of_one_name_are_told_apart_by_their_paths(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "other").mkdir()
    other = folder / "other" / "first.run"
    other.write_text(SECOND)
    report = run_json(capsys, folder, "--run", other)
    assert [system["name"] for system in report["systems"]] == [
        str(folder / "first.run"),
        str(other),
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--metric", "nDCG@ten"], "There is no measure 'nDCG@ten'"),
        (["--metric", "token IoU@5"], "'token IoU@5' measures text"),
        (["--baseline", "third"], "There is no run 'third'; choose one of ['first']"),
        (["--run", "FOLDER/first.run"], "first.run' is named twice"),
        (["--run", "FOLDER/none.run"], "There is no file"),
        (["--run", "FOLDER/broken.run"], "broken.run', line 2: the score must be a finite number"),
        (["--run", "FOLDER/foreign.run"], "foreign.run' is judged in"),
        (["--run", "FOLDER/empty.run"], "empty.run' holds no result"),
        (["--qrels", "FOLDER/empty.run"], "empty.run' holds no judgement"),
        (["--qrels", "FOLDER/zero.txt"], "zero.txt' has a relevant document"),
        (["--qrels", "FOLDER/three.txt"], "three.txt', line 1: 4 columns"),
    ],
)
def test_bad_input_ends_in_a_sentence_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str], complaint: str
) -> None:
    (folder / "broken.run").write_text("q1 Q0 a 1 1 x\nq1 Q0 b 2 nan x\n")
    (folder / "foreign.run").write_text("x1 Q0 a 1 1 x\n")
    (folder / "empty.run").write_text("")
    (folder / "zero.txt").write_text("q1 0 a 0\n")
    (folder / "three.txt").write_text("query-id\tcorpus-id\tscore\n")
    given = [word.replace("FOLDER", str(folder)) for word in arguments]
    status, out, err = run(capsys, folder, *given, "--out", folder / "out")
    assert (status, out) == (2, "")
    assert err.startswith("alcove: ")
    assert complaint in err
    assert len(err.splitlines()) == 1
    assert not (folder / "out").exists()


def test_runs_that_were_scored_apart_can_be_compared(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    for name in ("first", "second"):
        files = ["--qrels", folder / "qrels.txt", "--run", folder / f"{name}.run"]
        with pytest.raises(SystemExit):
            main(["score", *map(str, files), "--metric", "MRR", "--out", str(folder / name)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(folder / "first"), str(folder / "second"), "--json"])
    assert ended.value.code == 0
    (told,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert told["outcomes"][0]["n"] == 3
