"""Is B better than A: the sentence, the table, and what cannot be compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import NotFound, UserError
from eval.__main__ import main
from eval.scoring.comparison import Compared, compare_sides
from eval.scoring.sides import Side, pairs_of
from eval.scoring.stats import compare, holm
from eval.scoring.wording import sentence
from tests.eval.scoring.made_results import make_results

Rows = dict[str, float]


def rows(values: list[float]) -> Rows:
    return {f"q{number}": value for number, value in enumerate(values)}


DICE = np.random.default_rng(7)
BASE = rows(list(DICE.choice([0.0, 0.4, 0.63, 1.0], size=300)))
BETTER = {q: 1.0 if number % 9 == 0 else v for number, (q, v) in enumerate(BASE.items())}
NOISE = rows([v if n % 10 else float(DICE.random()) for n, v in enumerate(BASE.values())])


def compared(a: str | Path, b: str | Path, metric: str = "") -> list[Compared]:
    return compare_sides(pairs_of(Side.of(str(a)), Side.of(str(b))), metric)


def test_a_real_gain_is_told_in_one_sentence(tmp_path: Path) -> None:
    a = make_results(tmp_path / "old", {"x": {"nDCG@10": BASE}})
    b = make_results(tmp_path / "new", {"x": {"nDCG@10": BETTER}})
    (found,) = compared(a, b)
    result = compare(BETTER, BASE)
    assert sentence(found) == (
        f"new is better than old on nDCG@10: +{result.delta:.3f} (95 % interval"
        f" +{result.low:.3f} to +{result.high:.3f}, p = {result.p:.4f}),"
        f" {result.wins} questions better, 0 worse, {result.ties} the same."
    )
    (other,) = compared(b, a)
    assert sentence(other).startswith(f"old is worse than new on nDCG@10: -{result.delta:.3f}")
    assert f"0 questions better, {result.wins} worse" in sentence(other)


def test_noise_is_told_as_such_with_what_would_have_been_noticed(tmp_path: Path) -> None:
    a = make_results(tmp_path / "old", {"x": {"nDCG@10": BASE}})
    b = make_results(tmp_path / "new", {"x": {"nDCG@10": NOISE}})
    (found,) = compared(a, b)
    error = found.answer.result.error
    said = sentence(found)
    assert said.startswith("There is no evidence that new is better or worse than old on nDCG@10:")
    assert said.endswith(
        f"With these 300 questions a difference of {2.8016 * error:.3f} would be noticed four times"
        " in five."
    )


def test_all_measures_are_tested_together_and_the_one_asked_about_comes_first(
    tmp_path: Path,
) -> None:
    one, two = {"nDCG@10": BASE, "MRR": NOISE, "MAP": BASE}, {"nDCG@10": BETTER, "MRR": BASE}
    a = make_results(tmp_path / "a", {"x": one})
    b = make_results(tmp_path / "b", {"x": {**two, "MAP": BETTER}})
    (found,) = compared(a, b)
    assert [outcome.metric for outcome in found.outcomes] == ["nDCG@10", "MRR", "MAP"]
    expected = holm([outcome.result.p for outcome in found.outcomes])
    assert [outcome.p_holm for outcome in found.outcomes] == expected
    assert "after Holm over 3 tests" in sentence(found)
    (asked,) = compared(a, b, "MRR")
    assert [outcome.metric for outcome in asked.outcomes] == ["MRR", "nDCG@10", "MAP"]
    with pytest.raises(UserError, match="do not both have the measure 'P@5'; choose from nDCG@10"):
        compared(a, b, "P@5")


def test_fewer_tokens_are_better(tmp_path: Path) -> None:
    many, few = rows([900.0 + n for n in range(40)]), rows([700.0 + n for n in range(40)])
    a = make_results(tmp_path / "a", {"x": {"context tokens@5": many}})
    b = make_results(tmp_path / "b", {"x": {"context tokens@5": few}})
    (found,) = compared(a, b)
    assert sentence(found) == (
        "b is better than a on context tokens@5: -200.0 (95 % interval -200.0 to -200.0,"
        " p = 0.0001), 40 questions better, 0 worse, 0 the same."
    )


def test_two_that_are_alike_and_too_few_questions_are_said_plainly(tmp_path: Path) -> None:
    a = make_results(tmp_path / "a", {"x": {"MRR": BASE}, "y": {"MRR": BASE}})
    (same,) = compared(f"{a}:x", f"{a}:y")
    assert sentence(same) == "x and y have the same MRR on all 300 questions."
    assert same.moved == ()
    few = make_results(
        tmp_path / "few", {"x": {"MRR": rows([0, 0, 0, 0, 0])}, "y": {"MRR": rows([1, 1, 1, 1, 1])}}
    )
    (found,) = compared(f"{few}:x", f"{few}:y")
    assert sentence(found).endswith("So few questions (5) cannot show a difference; ask more.")


def test_power_is_not_claimed_where_the_correction_leaves_none(tmp_path: Path) -> None:
    measures = [f"recall@{k}" for k in range(1, 10)]
    low, high = rows([0.0, 0, 0, 0, 0, 0, 0, 0]), rows([1.0, 1, 1, 1, 1, 1, 1, 1])
    a = make_results(tmp_path / "a", {"x": dict.fromkeys(measures, low)})
    b = make_results(tmp_path / "b", {"x": dict.fromkeys(measures, high)})
    (found,) = compared(a, b)
    assert sentence(found).endswith("So few questions (8) cannot show a difference; ask more.")


def test_the_questions_that_moved_most_are_named_with_their_texts(tmp_path: Path) -> None:
    a = make_results(tmp_path / "a", {"x": {"MRR": {"q1": 1.0, "q2": 0.5, "q3": 0.2}}})
    b = make_results(tmp_path / "b", {"x": {"MRR": {"q1": 0.0, "q2": 0.5, "q3": 0.5}}})
    (found,) = compared(a, b)
    assert [(move.query, move.text, move.a, move.b) for move in found.moved] == [
        ("q1", "What is q1?", 1.0, 0.0),
        ("q3", "What is q3?", 0.2, 0.5),
    ]


def test_a_measure_of_some_questions_is_tested_on_those_that_both_have(tmp_path: Path) -> None:
    a = make_results(tmp_path / "a", {"x": {"MRR": BASE, "F1": {"q1": 1.0, "q2": 0.0}}})
    b = make_results(tmp_path / "b", {"x": {"MRR": BASE, "F1": {"q2": 1.0, "q3": 0.0}}})
    (found,) = compared(a, b)
    assert [(o.metric, o.result.n) for o in found.outcomes] == [("MRR", 300), ("F1", 1)]


def test_systems_are_found_by_name(tmp_path: Path) -> None:
    dense, hybrid = {"MRR": BASE}, {"MRR": BETTER}
    a = make_results(tmp_path / "a", {"dense": dense, "hybrid: k 5": hybrid})
    b = make_results(tmp_path / "b", {"dense": hybrid, "hybrid: k 5": hybrid})
    one = make_results(tmp_path / "one", {"alone": dense})

    def labels(first: str, second: str) -> list[tuple[str, str]]:
        return [(x.label, y.label) for x, y in pairs_of(Side.of(first), Side.of(second))]

    assert labels(f"{a}:dense", f"{a}:hybrid: k 5") == [("dense", "hybrid: k 5")]
    assert labels(f"{a}:dense", str(b)) == [("a:dense", "b")]
    assert labels(f"{a}:dense", str(one)) == [("a:dense", "one")]
    assert labels(str(a), str(b)) == [("a:dense", "b:dense"), ("a:hybrid: k 5", "b:hybrid: k 5")]
    old, new = (
        make_results(tmp_path / name / "results", {"dense": dense}) for name in ("old", "new")
    )
    assert labels(f"{old}:dense", str(new)) == [("old:dense", "new")]
    deeper = make_results(tmp_path / "a" / "a", {"dense": dense})
    assert labels(f"{a}:dense", str(deeper)) == [(f"{tmp_path.name}:dense", "a")]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("a", "a", "a system and itself; name two systems behind the folder.*'dense', 'hybrid'"),
        ("a:dense", "a:dense", "a system and itself"),
        ("a:nix", "b", "no system 'nix' in .*; choose from dense, hybrid"),
        ("a", "one", "no system of the same name; .*'dense', 'hybrid', and 'alone'"),
        ("one", "a", "no system of the same name"),
        ("one:alone", "a", "Name a system of .*a' behind a colon: 'dense', 'hybrid'"),
        ("one", "other data", "measured on different data"),
        ("one", "fewer", "not asked the same questions .*299 only in 'one', such as 'q1'"),
        ("one", "other texts", "Question 'q0' of 'one' is another one in 'other texts'"),
        ("one", "other measure", "have no measure in common"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, first: str, second: str, said: str
) -> None:
    make_results(tmp_path / "a", {"dense": {"MRR": BASE}, "hybrid": {"MRR": BETTER}})
    make_results(tmp_path / "b", {"dense": {"MRR": BASE}, "hybrid": {"MRR": BETTER}})
    make_results(tmp_path / "one", {"alone": {"MRR": BASE}})
    make_results(tmp_path / "other data", {"x": {"MRR": BASE}}, digest="e" * 64)
    make_results(tmp_path / "fewer", {"x": {"MRR": {"q0": 1.0}}})
    make_results(tmp_path / "other texts", {"x": {"MRR": BASE}}, texts={"q0": "Why?"})
    make_results(tmp_path / "other measure", {"x": {"MAP": BASE}})
    with pytest.raises(UserError, match=said):
        compared(tmp_path / first, tmp_path / second)


def test_no_results_are_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no results in '.*nix:x'"):
        Side.of(str(tmp_path / "nix:x"))


def test_the_command_prints_sentence_table_and_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = make_results(tmp_path / "a", {"x [bold]": {"MRR": BASE, "context tokens@5": BASE}})
    b = make_results(tmp_path / "b", {"x [bold]": {"MRR": BETTER, "context tokens@5": BETTER}})
    with pytest.raises(SystemExit) as ended:
        main(["compare", f"{a}:x [bold]", str(b)])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("b is better than a:x [bold] on MRR: +0.0")
    assert "What differs most in MRR" in said
    assert "p after Holm" in said
    with pytest.raises(SystemExit):
        main(["compare", str(a), str(b), "--json", "--metric", "context tokens@5"])
    data = json.loads(capsys.readouterr().out)
    assert data["metric"] == "context tokens@5"
    assert data["sentence"].startswith("b is worse than a on context tokens@5")
    (told,) = data["comparisons"]
    assert told["sentence"] == data["sentence"]
    assert told["outcomes"][0]["verdict"] == "worse"
    assert (
        told["outcomes"][1] | {"metric": "MRR", "n": 300, "verdict": "better"}
        == told["outcomes"][1]
    )
    assert told["moved"][0].keys() == {"query", "text", "a", "b", "delta"}
    assert told["latency_ms"] == {"a": {"p50": 1.5, "p95": 1.95}, "b": {"p50": 1.5, "p95": 1.95}}


def test_names_and_questions_do_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steering = "\x1b[2J\u202e[/x]"
    texts = dict.fromkeys(BASE, steering)
    a, b = (
        make_results(tmp_path / name, {steering: {f"MRR{steering}": values}}, texts=texts)
        for name, values in (("a", BASE), ("b", BETTER))
    )
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(a), str(b)])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert "\x1b" not in said
    assert "[U+001B][2J" in said


def test_the_command_refuses_with_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = make_results(tmp_path / "a", {"x": {"MRR": BASE}})
    b = make_results(tmp_path / "b", {"x": {"MRR": BASE}}, digest="e" * 64)
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(a), str(b)])
    assert ended.value.code == 2
    assert "measured on different data" in capsys.readouterr().err


def test_eighty_columns_hold_measures_and_intervals_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    costly = {query: 1000 * value for query, value in BASE.items()}
    a = make_results(tmp_path / "a", {"x": {"token precision@5": BASE, "context tokens@5": costly}})
    b = make_results(tmp_path / "b", {"x": {"token precision@5": BETTER, "context tokens@5": BASE}})
    with pytest.raises(SystemExit):
        main(["compare", str(a), str(b)])
    table = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert max(map(len, table)) <= 80
    assert [line.split("  ")[0] for line in table[-2:]] == ["token precision@5", "context tokens@5"]
    assert all(re.search(r"[+-][\d.]+ to [+-][\d.]+ ", line) for line in table[-2:])
    assert "…" not in "".join(table)
