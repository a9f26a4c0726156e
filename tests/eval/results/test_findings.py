"""What a report comes to, in figures and in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from eval.report import Report, System, Test
from eval.results.findings import Findings, chance, figure
from eval.scoring.stats import Comparison
from tests.eval.results.examples import BASELINE, METRIC, OTHER, report_of, rows_of

REPORT = report_of(rows_of())


def trial(a: str, b: str, delta: float, p: float, **more: Any) -> Test:
    found = Comparison(delta, delta - 0.1, delta + 0.2, p, 10, 6, 3, 1)
    return Test(a, b, "MRR", found, **more)


def of(*tests: Test, baseline: str | None = "old", **means: float) -> Findings:
    systems = tuple(System(name, {"MRR": {"q": v}}, []) for name, v in means.items())
    return Findings(Report("x", systems, tests, {}, "MRR", (), baseline).to_json())


def test_systems_are_ranked_by_the_reports_measure() -> None:
    findings = Findings(REPORT)
    means = [system["metrics"][METRIC] for system in findings.ranked]
    assert means == sorted(means, reverse=True)
    assert findings.best is findings.ranked[0]
    assert findings.best["name"].startswith("semantic-200")


def test_without_a_measure_singled_out_the_first_one_counts() -> None:
    report = Report("x", (System("a", {"MAP": {"q": 1.0}, "MRR": {"q": 0.5}}, []),)).to_json()
    assert Findings(report).metric == "MAP"


def test_a_system_that_lacks_the_measure_is_not_ranked() -> None:
    systems = (System("a", {"MRR": {"q": 1.0}}, []), System("b", {"MAP": {"q": 1.0}}, []))
    findings = Findings(Report("x", systems, metric="MRR").to_json())
    assert [system["name"] for system in findings.ranked] == ["a"]


def test_a_test_is_about_the_system_minus_the_baseline_whichever_way_it_was_made() -> None:
    moved = [("q", -0.5)]
    one = of(trial("new", "old", -0.2, 0.01, moved=moved), old=0.5, new=0.3).against("new")
    other = of(trial("old", "new", 0.2, 0.01, moved=moved), old=0.5, new=0.3).against("new")
    assert one is not None
    assert other is not None
    assert (one.delta, other.delta) == (-0.2, -0.2)
    assert (one.low, one.high) == pytest.approx((-0.3, 0.0))
    assert (other.low, other.high) == pytest.approx((-0.4, -0.1))
    assert (one.wins, one.losses, other.wins, other.losses) == (6, 1, 1, 6)
    assert (one.moved, other.moved) == ((("q", -0.5),), (("q", 0.5),))


def test_a_system_as_good_as_the_baseline_is_not_said_to_lead_it() -> None:
    said = list(of(trial("new", "old", 0.0, 1.0), new=0.5, old=0.5).sentences())
    assert said[1:] == ["The baseline old has the same."]


def test_a_verdict_goes_by_the_corrected_p() -> None:
    assert _sign(0.001, 0.04) == 1
    assert _sign(0.001, 0.06) == 0
    assert _sign(0.04, None) == 1
    assert _sign(0.05, None) == 0


def _sign(p: float, holm: float | None) -> int:
    found = of(trial("new", "old", 0.2, p, p_holm=holm), old=0.3, new=0.5).against("new")
    assert found is not None
    return found.sign


def test_a_lead_that_is_more_than_luck_is_called_so() -> None:
    found = of(trial("new", "old", 0.2, 0.001, p_holm=0.012), old=0.3, new=0.5, worst=0.1)
    first, second = found.sentences()
    assert first == (
        "new has the best mean MRR of 3 systems: 0.500, 95\u00a0% interval 0.500 to 0.500, over 1 question."
    )
    assert second == (
        "Its lead over the baseline old is more than luck: +0.200, 95\u00a0% interval +0.100 to +0.400,"
        " p\u00a0= 0.0120 after Holm's correction."
    )


def test_a_lead_that_may_be_luck_is_called_so() -> None:
    (_, second) = of(trial("new", "old", 0.2, 0.4), old=0.3, new=0.5).sentences()
    assert second.startswith("Its lead over the baseline old may be luck: +0.200")
    assert second.endswith("p\u00a0= 0.4000.")


def test_a_baseline_that_is_best_itself_is_compared_with_all_others() -> None:
    tests = (trial("old", "a", 0.2, 0.001, p_holm=0.01), trial("b", "old", -0.1, 0.3, p_holm=0.3))
    findings = of(*tests, old=0.5, a=0.3, b=0.4)
    assert findings.rivals is not None
    assert [system["name"] for system in findings.rivals] == ["old", "b"]
    assert list(findings.sentences())[1] == (
        "It is the baseline itself; of 2 tested against it, 1 is worse by more than luck,"
        " and 1 cannot be told from it."
    )


def test_without_tests_or_baseline_nothing_is_said_of_luck() -> None:
    assert list(of(old=0.3, new=0.5).sentences())[1] == (
        "Its lead over the baseline old was not tested."
    )
    assert len(list(of(baseline=None, old=0.3, new=0.5).sentences())) == 1
    assert len(list(of(old=0.3).sentences())) == 1


def test_a_report_of_nothing_says_so() -> None:
    findings = Findings(Report("x", ()).to_json())
    assert list(findings.sentences()) == ["Nothing was measured."]
    assert findings.rivals is None


def test_shares_have_three_decimals_and_counts_none() -> None:
    findings = Findings(REPORT)
    assert (findings.digits(METRIC), findings.digits(OTHER)) == (3, 0)


@pytest.mark.parametrize(
    ("value", "digits", "sign", "shown"),
    [
        (0.12345, 3, "", "0.123"),
        (1234567.0, 0, "", "1,234,567"),
        (0.02, 3, "+", "+0.020"),
        (-0.0001, 3, "+", "0.000"),
        (-0.5, 1, "", "-0.5"),
    ],
)
def test_figures_are_for_people(value: float, digits: int, sign: str, shown: str) -> None:
    assert figure(value, digits, sign) == shown


def test_a_chance_is_never_called_zero() -> None:
    assert (chance(0.00001), chance(0.0312)) == ("< 0.0001", "= 0.0312")


def test_the_example_has_verdicts_of_every_kind() -> None:
    signs = {test.sign for test in Findings(REPORT).tests if test.metric == METRIC}
    assert signs == {-1, 0, 1}
    assert Findings(REPORT).against(BASELINE) is None


def test_of_a_cost_less_is_better() -> None:
    found = Comparison(-20.0, -30.0, -10.0, 0.001, 10, 0, 0, 10)
    systems = tuple(System(n, {OTHER: {"q": v}}, []) for n, v in (("old", 900.0), ("new", 880.0)))
    test = Test("new", "old", OTHER, found)
    findings = Findings(Report("x", systems, (test,), {}, OTHER, (), "old").to_json())
    assert [system["name"] for system in findings.ranked] == ["new", "old"]
    against = findings.against("new")
    assert against is not None
    assert against.sign == 1
