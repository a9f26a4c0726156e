"""What the terminal shows of a report, and the table for documents."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from corpus.errors import UserError
from eval.report import Report, System
from eval.results.tables import markdown_table, print_tables
from tests.eval.results.examples import BASELINE, METRIC, OTHER, report_of, rows_of

ROWS = rows_of()
REPORT = report_of(ROWS)
FEW = report_of([row for row in ROWS if "-200-" in row.system])


def lines(report: dict[str, Any], width: int = 120, upright: bool | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    print_tables(report, console, upright)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def said(report: dict[str, Any], width: int = 120, upright: bool | None = None) -> str:
    return " ".join(" ".join(lines(report, width, upright)).split())


@pytest.mark.parametrize("width", [80, 120, 200])
def test_many_systems_have_a_line_each_within_the_terminal(width: int) -> None:
    found = lines(REPORT, width)
    assert max(map(len, found)) <= width
    assert len(found) < 12 + len(REPORT["systems"]) + 12
    best = max(REPORT["systems"], key=lambda system: system["metrics"][METRIC])
    line = next(line for line in found if line.strip().startswith(best["name"] + " "))
    low, high = best["ci95"][METRIC]
    assert f"{best['metrics'][METRIC]:.3f}" in line
    assert f"{low:.3f}-{high:.3f}" in line
    assert "▲ +" in line


def test_of_many_systems_only_the_best_and_the_baseline_are_shown_by_kind() -> None:
    kinds = {"single": {**REPORT["systems"][0], "n": 3}}
    report = REPORT | {"systems": [{**system, "kinds": kinds} for system in REPORT["systems"]]}
    best = max(REPORT["systems"], key=lambda system: system["metrics"][METRIC])["name"]
    shown = re.findall(r"(\S+ \S+), by kind of question", said(report))
    assert sorted(shown) == sorted({best, BASELINE})


def test_best_stands_first_and_worse_is_marked() -> None:
    found = [line for line in lines(REPORT) if re.match(r"^ ?(recursive|semantic)-", line)][:8]
    assert found[0].split()[0].startswith("semantic-200")
    assert found[-1].split()[0].startswith("semantic-400")
    assert "▼ -" in found[-1]


def test_a_wide_terminal_shows_more_measures() -> None:
    assert "900" not in said(REPORT, 80)
    assert "tokens@5" in said(REPORT, 140)


def test_few_systems_stand_beside_each_other_with_every_measure_and_test() -> None:
    text = said(FEW)
    assert METRIC in text
    assert OTHER in text
    assert "Is the difference more than luck? (paired randomization test, after Holm's" in text


def test_what_the_tests_come_to_is_said_last() -> None:
    assert (
        "Its lead over the baseline recursive-200-30 hybrid is more than luck"
        in said(REPORT)[-250:]
    )


def test_where_gold_was_lost_is_told_of_the_best_system_and_the_baseline() -> None:
    lost = next(s for s in REPORT["systems"] if s["name"] == BASELINE)["losses"]["split apart"]
    assert f"Questions of which {BASELINE} lost gold: {lost} split apart." in said(REPORT)
    assert said(REPORT).count("lost gold") == 2


def test_a_measure_that_one_system_lacks_is_shown_as_a_dash() -> None:
    systems = (
        System("dense", {"nDCG@10": {"a": 0.3}}, [1.0]),
        System("other", {"cited": {"a": 1.0}}, [1.0]),
    )
    text = said(Report("x", systems).to_json())
    assert re.search(r"nDCG@10 │ 0\.300 │ - │", text)
    assert re.search(r"cited │ - │ 1\.000 │", text)


def test_without_a_baseline_many_systems_are_rows_with_what_is_known_of_each() -> None:
    rows = {"recall@5": {"a": 0.25, "b": 0.75}, "characters@5": {"a": 1200.0, "b": 1000.0}}
    systems = tuple(System(name, rows, [1.0], facts={"chunks": 2365}) for name in ("x", "y"))
    text = said(Report("weather", systems).to_json(), upright=False)
    assert re.search(r"x │ 2,365 │ 0\.500 │ 1,100 │ 2 │", text)


def test_systems_that_were_not_timed_have_no_latencies() -> None:
    text = said(Report("x", (System("a", {"MRR": {"q": 0.5}}, []),)).to_json())
    assert "p50" not in text


def test_an_empty_report_prints() -> None:
    assert "x: mean" in said(Report("x", ()).to_json())


def test_names_are_shown_as_they_are_and_never_obeyed() -> None:
    name = "[bold red]x[/] \x1b[31m\u202e"
    text = said(
        Report(name, (System(name, {"MRR": {"q": 0.5}}, []),), context={"a": name}).to_json(), 200
    )
    assert "\x1b" not in text
    assert text.count("[bold red]x[/] [U+001B][31m[U+202E]") == 3


def test_the_markdown_table_holds_means_intervals_and_verdicts() -> None:
    table = markdown_table(REPORT, [METRIC]).splitlines()
    assert table[0] == f"| system | {METRIC} | n | p50 ms | against baseline ({METRIC}) |"
    assert table[1] == "| --- | ---: | ---: | ---: | ---: |"
    best = max(REPORT["systems"], key=lambda system: system["metrics"][METRIC])
    mean, (low, high) = best["metrics"][METRIC], best["ci95"][METRIC]
    assert table[2].startswith(
        f"| {best['name']} | {mean:.3f} ({low:.3f}-{high:.3f}) | 40 | 6.0 | better, +"
    )
    baseline = next(line for line in table if line.endswith("| baseline |"))
    assert baseline.startswith(f"| {BASELINE} |")
    assert len(table) == 2 + len(REPORT["systems"])


def test_the_markdown_table_holds_every_measure_unless_some_are_named() -> None:
    assert METRIC in markdown_table(REPORT)
    assert OTHER in markdown_table(REPORT)


def test_a_measure_that_the_report_lacks_is_named() -> None:
    with pytest.raises(UserError, match=r"no measure 'MAP'; it has \['recall@5'"):
        markdown_table(REPORT, ["MAP"])


def test_a_name_cannot_break_out_of_its_cell() -> None:
    systems = (System("a | b\n<b> [x](y)", {"MRR": {"q": 0.5}}, []),)
    lines = markdown_table(Report("x", systems).to_json()).splitlines()
    assert lines[2] == r"| a \| b \<b\> \[x\](y) | 0.500 (0.500-0.500) | 1 | – |"
