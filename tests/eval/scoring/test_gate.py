"""The gate: simulated drops and noise on values as real questions have them, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import NotFound, UserError
from eval.results.folder import Results
from eval.scoring.baseline import Baseline, GridText, grid_text
from eval.scoring.gate import ALPHA, Check, Verdict, check, require_power, verdict
from eval.scoring.stats import compare, holm, worse_by_chance
from tests.eval.scoring.made_results import make_results

Array = np.ndarray
Noise = Callable[[Array, np.random.Generator], Array]
Damage = Callable[[Array, float, np.random.Generator], Array]
DROP = 0.03


def questions(n: int, dice: np.random.Generator) -> Array:
    """nDCG@10 as test collections have it: a fifth finds nothing, a third everything at the top."""
    kind = dice.random(n)
    values = dice.choice([0.387, 0.431, 0.5, 0.631, 0.693, 0.832, 0.92], size=n)
    return np.where(kind < 0.2, 0.0, np.where(kind < 0.53, 1.0, values))


def shaken(values: Array, dice: np.random.Generator, share: float = 0.05) -> Array:
    """A harmless change: some questions find their document one place lower, others don't."""
    return np.where(dice.random(values.size) < share, values * 0.631, values)


def redrawn(values: Array, dice: np.random.Generator) -> Array:
    """A wilder one: one question in ten has another question's value."""
    return np.where(dice.random(values.size) < 0.1, dice.permutation(values), values)


def few_lost(values: Array, drop: float, dice: np.random.Generator) -> Array:
    """A few questions find nothing any more."""
    left, damaged = drop * values.size, values.copy()
    for place in dice.permutation(values.size):
        taken = min(damaged[place], left)
        damaged[place] -= taken
        left -= taken
    return damaged


def many_slightly(values: Array, drop: float, dice: np.random.Generator) -> Array:
    """All that find something lose a little."""
    weights = dice.exponential(size=values.size) * (values > 0)
    return np.maximum(values - weights * drop * values.size / weights.sum(), 0.0)


def a_rank_lower(values: Array, drop: float, dice: np.random.Generator) -> Array:
    """Some find their document one place lower."""
    damaged = values.copy()
    for place in dice.permutation(np.flatnonzero(values)):
        if values.mean() - damaged.mean() >= drop:
            break
        damaged[place] *= 0.631
    return damaged


def rows(values: Array) -> dict[str, float]:
    return {f"q{number}": float(value) for number, value in enumerate(values)}


def gated(then: Array, now: Array) -> Verdict:
    return verdict({"hybrid": {"nDCG@10": rows(then)}}, {"hybrid": {"nDCG@10": rows(now)}})


@pytest.mark.parametrize("n", [300, pytest.param(472, marks=pytest.mark.full)])
@pytest.mark.parametrize("damage", [few_lost, many_slightly, a_rank_lower])
def test_a_drop_of_three_points_fails_twenty_times_of_twenty(n: int, damage: Damage) -> None:
    failed = []
    for seed in range(20):
        dice = np.random.default_rng(seed)
        values = questions(n, dice)
        then, now = shaken(values, dice), shaken(values, dice)
        now = damage(now, DROP - (then.mean() - now.mean()), dice)  # three points, with the noise
        failed.append(not gated(then, now).passed)
    assert sum(failed) == 20


@pytest.mark.parametrize("n", [300, pytest.param(472, marks=pytest.mark.full)])
@pytest.mark.parametrize("noise", [shaken, redrawn])
def test_noise_passes_at_least_nineteen_times_of_twenty(n: int, noise: Noise) -> None:
    passed = []
    for seed in range(20):
        dice = np.random.default_rng(seed)
        values = questions(n, dice)
        passed.append(gated(noise(values, dice), noise(values, dice)).passed)
    assert sum(passed) >= 19


@pytest.mark.parametrize("tests", [1, 6])
@pytest.mark.parametrize("noise", [shaken, redrawn])
def test_false_alarms_are_as_rare_as_the_line_says(tests: int, noise: Noise) -> None:
    pairs = []
    for seed in range(400):
        dice = np.random.default_rng(10_000 + seed)
        values = questions(300, dice)
        pairs += [(rows(noise(values, dice)), rows(noise(values, dice))) for _ in range(tests)]
    chances = worse_by_chance(pairs)  # as the gate does it, in one go
    trials = [holm(chances[start : start + tests]) for start in range(0, len(pairs), tests)]
    assert 0 < sum(min(trial) <= ALPHA for trial in trials) / 400 <= 0.05


@pytest.mark.parametrize(
    ("n", "drop", "least"), [(50, 0.15, 0.8), (100, 0.08, 0.8), (200, 0.045, 0.8), (300, 0.03, 0.8)]
)
def test_a_smaller_gate_notices_larger_drops_only(n: int, drop: float, least: float) -> None:
    def power(drop: float) -> float:
        dice = np.random.default_rng(n)
        pairs = []
        for _ in range(200):
            values = questions(n, dice)
            then, now = shaken(values, dice), few_lost(shaken(values, dice), drop, dice)
            pairs.append((rows(now), rows(then)))
        return sum(p <= ALPHA for p in worse_by_chance(pairs)) / 200

    assert power(drop) >= least
    assert power(drop / 3) < 0.5


def test_nothing_changed_passes_and_says_so() -> None:
    values = questions(300, np.random.default_rng(1))
    said = gated(values, values)
    assert said.passed
    assert said.sentences == ["Passed: nothing changed (300 questions, 1 test)."]


def test_a_gain_passes_and_is_told() -> None:
    dice = np.random.default_rng(1)
    values = questions(300, dice)
    said = gated(many_slightly(values, DROP, dice), values)
    assert said.passed
    assert said.checks[0].verdict == "better"
    assert said.sentences[1].startswith("hybrid got better on nDCG@10, from 0.")
    assert "p = 0.0001)" in said.sentences[1]


def test_a_drop_says_what_fell_and_by_how_much() -> None:
    dice = np.random.default_rng(2)
    values = questions(300, dice)
    said = gated(values, few_lost(values, DROP, dice))
    assert said.sentences[0].startswith("Failed: 1 of 1 got significantly worse (300 questions,")
    assert "-0.030 (95 % interval -0.0" in said.sentences[1]
    told = said.to_json()
    assert (told["passed"], told["checks"][0]["verdict"]) == (False, "worse")
    assert len(told["checks"][0]["moved"]) == 5
    assert told["checks"][0]["moved"][0]["delta"] < -0.5


def test_a_drop_below_the_line_passes_and_says_what_would_be_noticed() -> None:
    dice = np.random.default_rng(3)
    values = questions(300, dice)
    said = gated(values, redrawn(values, dice))
    (found,) = said.checks
    assert said.passed
    assert found.noticeable is not None
    assert found.noticeable == pytest.approx(2.8016 * found.result.error, rel=1e-4)
    assert f"a change of {found.noticeable:.3f} in nDCG@10 for the worse" in said.sentences[0]


def test_more_tokens_spent_are_worse_and_fewer_better(tmp_path: Path) -> None:
    less = make_results(tmp_path / "less", {"x": {"context tokens@5": rows(np.arange(40.0))}})
    more = make_results(tmp_path / "more", {"x": {"context tokens@5": rows(np.arange(40.0) + 9)}})
    few, many = Results.read(less), Results.read(more)
    (found,) = check(Baseline.of(few), many).checks
    assert (found.verdict, found.to_json()["worse"]) == ("worse", 40)
    assert check(Baseline.of(many), few).checks[0].verdict == "better"


def test_one_bad_system_of_many_fails_the_gate_and_stands_first(tmp_path: Path) -> None:
    dice = np.random.default_rng(4)
    values = questions(472, dice)
    both = {"nDCG@10": rows(values), "MRR": rows(values)}
    worse = {"nDCG@10": rows(many_slightly(values, DROP, dice)), "MRR": rows(values)}
    then = make_results(tmp_path / "then", {"a": both, "b": both, "c": both})
    now = make_results(tmp_path / "now", {"a": both, "b": worse, "c": both})
    said = check(Baseline.of(Results.read(then), ["nDCG@10", "MRR"]), Results.read(now))
    assert not said.passed
    first = said.checks[0]
    assert (first.system, first.metric, first.verdict) == ("b", "nDCG@10", "worse")
    assert "after Holm over 6 tests" in said.sentences[1]


def test_five_hundred_tests_can_still_fail(tmp_path: Path) -> None:
    good, bad = rows(np.ones(40)), rows(np.zeros(40))
    systems = [f"s{number}" for number in range(500)]
    then = Results.read(make_results(tmp_path / "then", {s: {"MRR": good} for s in systems}))
    now = make_results(tmp_path / "now", {s: {"MRR": good} for s in systems} | {"s7": {"MRR": bad}})
    said = check(Baseline.of(then), Results.read(now))
    assert [c.system for c in said.checks if c.verdict == "worse"] == ["s7"]


def test_the_line_is_a_line() -> None:
    result = compare({"q": 1.0}, {"q": 0.0})
    at, above = (Check("s", "MRR", 0, 1, result, p, 1.0, 1, ()) for p in (ALPHA, ALPHA + 1e-9))
    assert (at.verdict, above.verdict) == ("worse", "same")


def test_a_baseline_needs_nothing_of_its_results_and_has_the_same_bytes(tmp_path: Path) -> None:
    values = questions(40, np.random.default_rng(5))
    folder = make_results(tmp_path / "r", {"x": {"MRR": rows(values)}, "y": {"MRR": rows(values)}})
    grid = tmp_path / "grids" / "grid.toml"
    grid.parent.mkdir()
    grid.write_bytes(b'name = "x"\n')
    path = tmp_path / "ci" / "baseline.json"
    made = Baseline.of(Results.read(folder), systems=["y"], grid=grid_text(grid, path))
    made.write(path)
    first = path.read_bytes()
    made.write(path)
    assert path.read_bytes() == first
    assert Baseline.read(path) == made
    assert made.systems == {"y": {"MRR": rows(values)}}
    assert made.grid == GridText(file="../grids/grid.toml", text='name = "x"\n')


def test_results_that_cannot_be_held_against_the_baseline_are_refused(tmp_path: Path) -> None:
    values = questions(40, np.random.default_rng(6))
    good = {"MRR": rows(values)}
    baseline = Baseline.of(Results.read(make_results(tmp_path / "a", {"x": good})))

    def refused(said: str, systems: dict[str, dict[str, dict[str, float]]], **more: str) -> None:
        results = Results.read(make_results(tmp_path / "b", systems, **more))
        with pytest.raises(UserError, match=said):
            check(baseline, results)

    refused("about other data than the baseline", {"x": good}, digest="e" * 64)
    refused("about other data than the baseline", {"x": good}, digest="")
    refused(r"system 'x' of the baseline is not among the results \(y\)", {"y": good})
    refused("lacks 39 questions of the baseline, such as 'q1'", {"x": {"MRR": {"q0": 1.0}}})
    refused(
        "has 1 questions that the baseline has not, such as 'new'",
        {"x": {"MRR": {**good["MRR"], "new": 1.0}}},
    )
    refused("has no 'MRR' for question 'q0'", {"x": {"MAP": good["MRR"]}})
    refused(
        "has no 'MRR' for question 'q3'",
        {"x": {"MAP": good["MRR"], "MRR": {q: v for q, v in good["MRR"].items() if q != "q3"}}},
    )


def test_results_that_make_no_baseline_are_refused(tmp_path: Path) -> None:
    some = {"MRR": {f"q{n}": 1.0 for n in range(6)}, "F1": {"q0": 1.0}}
    results = Results.read(make_results(tmp_path / "a", {"x": some}))
    with pytest.raises(UserError, match="has no 'F1' for question 'q1'; a gate needs a value"):
        Baseline.of(results, ["MRR", "F1"])
    with pytest.raises(UserError, match=r"no system 'nix' in .*; choose from x"):
        Baseline.of(results, systems=["nix"])
    unsaid = Results.read(make_results(tmp_path / "b", {"x": some}, digest=""))
    with pytest.raises(UserError, match="do not say which data they are about"):
        Baseline.of(unsaid)
    require_power(Baseline.of(results))
    many = {f"s{number}": {"MRR": some["MRR"]} for number in range(2)}
    with pytest.raises(UserError, match="A gate of 2 tests over 6 questions could never fail"):
        require_power(Baseline.of(Results.read(make_results(tmp_path / "c", many))))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is no baseline of a gate .the file: Invalid JSON"),
        ('{"format": 2}', "is no baseline of a gate .format"),
        ('{"name": "x", "data": "d", "metrics": ["MRR"], "systems": {}}', "systems"),
        (
            '{"name": "x", "data": "d", "metrics": ["MRR"], "systems": {"s": {"MRR": {"q": "x"}}}}',
            "systems.s.MRR.q",
        ),
        (
            '{"name": "x", "data": "d", "metrics": ["MRR"], "systems": {"s": {"MAP": {"q": 1}}}}',
            "system 's' has not the measures",
        ),
    ],
)
def test_a_file_that_is_no_baseline_says_why(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        Baseline.read(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        NotFound, match=r"no baseline .*; make it from a results folder with --write"
    ):
        Baseline.read(tmp_path / "nix.json")
    with pytest.raises(NotFound, match="no grid file"):
        grid_text(tmp_path / "nix.toml", tmp_path / "b.json")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(UserError, match="is not UTF-8"):
        grid_text(tmp_path / "latin.toml", tmp_path / "b.json")
