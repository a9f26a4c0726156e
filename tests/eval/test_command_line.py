"""The benchmarks as commands: figures as JSON or tables, one sentence for what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.eval.benchmarks import RAIN, SNOW, run, run_json, write_lines

FOG = "Fog is a cloud that touches the ground and hides whatever lies beyond a kilometre."


@pytest.fixture
def weather(tmp_path: Path) -> Path:
    folder = tmp_path / "weather"
    texts = {"rain": RAIN, "snow": SNOW, "fog": FOG}
    write_lines(
        folder / "corpus.jsonl",
        [{"_id": name, "title": "", "text": text} for name, text in texts.items()],
    )
    write_lines(
        folder / "queries.jsonl",
        [{"_id": f"q{name}", "text": f"what is {name}?"} for name in texts],
    )
    qrels = "".join(f"q{name}\t{name}\t1\n" for name in texts)
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + qrels)
    return folder


def test_a_test_collection_is_measured_in_every_mode(
    capsys: pytest.CaptureFixture[str], weather: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    data = run_json(capsys, "retrieval", "--dataset", weather, "--home", home)
    assert data["dataset"] == "weather"
    assert [system["name"] for system in data["systems"]] == ["dense", "lexical", "hybrid"]
    for system in data["systems"]:
        assert system["metrics"] == {"nDCG@10": 1.0, "recall@100": 1.0, "MRR@10": 1.0}
        assert system["ci95"]["nDCG@10"] == [1.0, 1.0]
        assert system["n"] == 3
        assert 0 < system["latency_ms"]["p50"] <= system["latency_ms"]["p95"]
    assert {(test["a"], test["b"]) for test in data["tests"]} == {
        ("hybrid", "dense"),
        ("hybrid", "lexical"),
    }
    assert data["systems"][0]["facts"]["documents"] == data["systems"][0]["facts"]["chunks"] == 3
    assert data["baseline"] == "hybrid"
    assert (home / "eval" / "grid-weather" / "catalog.sqlite").exists()
    assert not (home / "catalog.sqlite").exists()


def test_modes_queries_and_the_place_of_the_index_can_be_chosen(
    capsys: pytest.CaptureFixture[str], weather: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    chosen = ["--mode", "lexical", "--limit-queries", 2, "--cache", cache]
    data = run_json(capsys, "retrieval", "--dataset", weather, "--home", tmp_path / "home", *chosen)
    assert [(system["name"], system["n"]) for system in data["systems"]] == [("lexical", 2)]
    assert data["tests"] == []
    assert (cache / "grid-weather").is_dir()


def test_people_get_a_table(
    capsys: pytest.CaptureFixture[str], weather: Path, tmp_path: Path
) -> None:
    arguments = ["--dataset", weather, "--home", tmp_path / "home", "--mode", "lexical"]
    status, out, _ = run(capsys, "retrieval", *arguments)
    assert status == 0
    assert re.search(r"nDCG@10 +│ +1\.000", out)
    assert re.search(r"encoder: \S+", out)


def test_questions_are_measured_on_the_spans_of_ingested_files(
    capsys: pytest.CaptureFixture[str], papers: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, questions = papers
    arguments = ["--questions", questions, "--documents", folder, "--home", tmp_path / "home"]
    data = run_json(capsys, "retrieval", *arguments)
    for system in data["systems"]:
        assert system["metrics"] == {"success@5": 1.0, "span recall@5": 1.0, "nDCG@10": 1.0}
        assert system["kinds"].keys() == {"single"}
        assert system["n"] == 1
    assert data["context"]["gold_missing"] == 0
    assert data["context"]["gold_moved"] == 1


def test_answers_are_measured_on_the_same_questions(
    capsys: pytest.CaptureFixture[str], papers: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, questions = papers
    arguments = ["--questions", questions, "--documents", folder, "--home", tmp_path / "home"]
    data = run_json(capsys, "answers", *arguments, "--engine", "extractive")
    (system,) = data["systems"]
    assert system["name"].startswith("extractive")
    assert system["n"] == 2
    assert system["metrics"]["refused answerable"] == 0.0
    assert system["metrics"]["refused unanswerable"] == 1.0
    assert system["metrics"]["citations valid"] == 1.0
    assert system["metrics"]["cites gold"] == 1.0
    assert system["metrics"]["token recall"] == 1.0
    assert data["context"]["engine"].startswith("extractive")


def towns(folder: Path, each: int) -> Path:
    """Four towns in BEIR's layout, with ``each`` questions about each and short answers."""
    corpus, queries, qrels = [], [], "query-id\tcorpus-id\tscore\n"
    for town, colour in (("Arle", "blue"), ("Brone", "red"), ("Corl", "green"), ("Dunt", "black")):
        text = " ".join(f"Gate {n} of {town} is {colour}." for n in range(each))
        corpus.append({"_id": f"{town}#0", "title": town, "text": text})
        for n in range(each):
            queries.append(
                {"_id": f"{town}{n}", "text": f"Which colour is gate {n} of {town}?"}
                | {"metadata": {"answers": [colour]}}
            )
            qrels += f"{town}{n}\t{town}#0\t1\n"
    write_lines(folder / "corpus.jsonl", corpus)
    write_lines(folder / "queries.jsonl", queries)
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text(qrels)
    return folder


def test_answers_are_calibrated_on_one_half_of_the_articles_and_measured_on_the_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    counts = ["--answerable", "40", "--unanswerable", "40", "--engine", "extractive"]
    common = ["--dataset", towns(tmp_path / "towns", 20), *counts, "--home", tmp_path / "home"]
    data = run_json(capsys, "answers", *common, "--calibrate", "0.9")
    (system,) = data["systems"]
    assert data["context"]["half"] == "test"
    assert (data["context"]["questions"], data["context"]["documents"]) == (40, 2)
    assert data["context"]["calibration"]["answerable"] == 20
    assert system["metrics"]["citations valid"] == 1.0
    assert system["metrics"]["dangling"] == 0.0
    assert system["facts"]["AUROC"] > 0.5
    without = run_json(capsys, "answers", *common, "--half", "fit")
    assert "calibration" not in without["context"]


def test_ways_of_chunking_are_compared_on_the_same_questions(
    capsys: pytest.CaptureFixture[str], papers: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, questions = papers
    arguments = ["--questions", questions, "--documents", folder, "--home", tmp_path / "home"]
    chosen = ["--strategy", "recursive", "--strategy", "structure", "--size", 100, "--size", 200]
    data = run_json(capsys, "chunking", *arguments, *chosen, "--mode", "lexical")
    names = [f"{s} lexical" for s in ("recursive-100-15", "recursive-200-30", "structure-100")]
    assert [system["name"] for system in data["systems"]] == [*names, "structure-200 lexical"]
    for system in data["systems"]:
        assert system["metrics"]["token recall@5"] == system["metrics"]["recall in 4000"] == 1.0
        assert system["facts"]["chunks"] == 2
        assert system["n"] == 1
    assert {test["a"] for test in data["tests"]} == {"recursive-200-30 lexical"}
    assert data["baseline"] == "recursive-200-30 lexical"


def test_a_folder_of_corpora_is_measured_with_every_strategy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = tmp_path / "corpora-of-weather"
    (data / "corpora").mkdir(parents=True)
    text = f"{RAIN} {SNOW} {FOG} {RAIN} {SNOW}"
    (data / "corpora" / "weather.md").write_text(text)
    gold = {"content": FOG, "start_index": text.index(FOG), "end_index": text.index(FOG) + len(FOG)}
    asked = {"id": "1", "corpus": "weather", "question": "What is fog?", "references": [gold]}
    write_lines(data / "questions.jsonl", [asked])
    status, out, err = run(capsys, "chunking", "--data", data, "--home", tmp_path / "home")
    assert (status, err) == (0, "")
    for name in ("fixed", "recursive", "semantic", "sentence", "structure", "shown"):
        assert name in out
    assert (tmp_path / "home" / "eval" / "grid-corpora-of-weather").is_dir()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--data", "nowhere"], "There is no folder 'nowhere'"),
        (["--data", ".", "--questions", "q.jsonl"], "either --data or --questions"),
        (["--strategy", "clever"], "no chunking strategy 'clever'; choose one of fixed, recursive"),
    ],
)
def test_what_is_wrong_with_a_comparison_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    status, out, err = run(capsys, "chunking", *arguments, "--home", tmp_path / "home")
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--dataset", "nowhere"], "There is no folder 'nowhere'; name a dataset that exists."),
        (["--dataset", ".", "--mode", "psychic"], "There is no search mode 'psychic'"),
        (["--dataset", ".", "--questions", "q.jsonl"], "either --dataset or --questions"),
        (["--questions", "q.jsonl"], "--questions and --documents go together"),
        (
            ["--questions", "none.jsonl", "--documents", "."],
            "There is no file 'none.jsonl'; the data set is not complete without it.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    status, out, err = run(capsys, "retrieval", *arguments, "--home", tmp_path / "home")
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_questions_about_other_files_are_refused(
    capsys: pytest.CaptureFixture[str], papers: tuple[Path, Path], tmp_path: Path
) -> None:
    _, questions = papers
    other = tmp_path / "other"
    other.mkdir()
    (other / "fog.txt").write_text(FOG)
    arguments = ["--questions", questions, "--documents", other, "--home", tmp_path / "home"]
    status, _, err = run(capsys, "retrieval", *arguments)
    assert status == 2
    assert "No gold of 'questions' stands in the documents of folder" in err


def test_an_unknown_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "retrieval", "--colour", "blue")
    assert status == 2
    assert "--colour" in err
