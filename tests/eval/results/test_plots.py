"""Each plot shows the figures of the report, and is left out where there is nothing to see."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from eval.report import Report, System
from eval.results import plots, row_plots
from eval.results.findings import Findings
from eval.results.records import Stage
from tests.eval.results.examples import BASELINE, METRIC, report_of, rows_of

ROWS = rows_of()
FINDINGS = Findings(report_of(ROWS))


def elements(plot: plots.Plot | None, name: str, kind: str = "") -> list[Any]:
    """The elements of a plot by name and class; the drawing has to be well-formed."""
    assert plot is not None
    root = etree.fromstring(str(plot.svg))
    return [e for e in root.iter(name) if kind in e.get("class", "").split() or not kind]


def titles(plot: plots.Plot | None) -> list[str]:
    return [element.text for element in elements(plot, "title")]


def timed(metric: str = "MRR", **places: tuple[float, float]) -> Findings:
    systems = tuple(System(n, {metric: {"q": y}}, [x]) for n, (x, y) in places.items())
    return Findings(Report("x", systems).to_json())


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    plot = plots.latency(
        timed(slow=(50, 0.9), fast=(1, 0.3), beaten=(40, 0.3), fair=(10, 0.6), equal=(11, 0.6))
    )
    assert plot is not None
    assert plot.listed == (
        "fast: 0.300 at 1.0 ms",
        "fair: 0.600 at 10.0 ms",
        "slow: 0.900 at 50.0 ms",
    )
    assert [e.text for e in elements(plot, "text", "number")] == ["1", "2", "3"]
    assert len(elements(plot, "circle")) == 5


def test_the_front_of_a_cost_is_where_it_is_low() -> None:
    plot = plots.latency(
        timed("context tokens@5", slow=(50, 300), fast=(1, 900), beaten=(40, 900), fair=(10, 600))
    )
    assert plot is not None
    assert [line.split(":")[0] for line in plot.listed] == ["fast", "fair", "slow"]


def test_faster_and_better_is_left_and_up() -> None:
    plot = plots.latency(timed(good=(1, 0.9), bad=(50, 0.1)))
    good, bad = sorted(elements(plot, "circle"), key=lambda c: "bad" in c[0].text)
    assert float(good.get("cx")) < float(bad.get("cx"))
    assert float(good.get("cy")) < float(bad.get("cy"))


def test_ways_of_searching_have_colours_of_their_own() -> None:
    plot = plots.latency(FINDINGS)
    assert plot is not None
    assert plot.legend == (("c0", "dense"), ("c1", "hybrid"))
    assert len(elements(plot, "circle", "c0")) == len(elements(plot, "circle", "c1")) == 4


def test_without_latencies_there_is_no_such_plot() -> None:
    systems = tuple(System(name, {"MRR": {"q": 0.5}}, []) for name in "ab")
    assert plots.latency(Findings(Report("x", systems).to_json())) is None
    assert plots.latency(timed(only=(1, 0.5))) is None


def test_every_system_has_its_interval_best_first() -> None:
    plot = row_plots.intervals(FINDINGS)
    names = [system["name"] for system in FINDINGS.ranked]
    assert [e[0].text for e in elements(plot, "text", "name")] == names
    found = titles(plot)[1::2]
    for system, said in zip(FINDINGS.ranked, found, strict=True):
        mean, (low, high) = system["metrics"][METRIC], system["ci95"][METRIC]
        assert said == f"{system['name']}: {mean:.3f} ({low:.3f} to {high:.3f})"


def test_verdicts_are_told_by_marks_and_not_by_colour_alone() -> None:
    plot = row_plots.intervals(FINDINGS)
    values = {e.text[:1] for e in elements(plot, "text", "value")}
    assert {"▲", "▼"} <= values
    assert len(elements(plot, "circle", "base")) == 1
    assert len(elements(plot, "line", "baseline")) == 1


def test_a_long_name_fits_its_place_and_keeps_both_its_ends() -> None:
    name = "sentence_window-128-19 some-very-long-encoder-name hybrid"
    report = Report("x", tuple(System(n, {"MRR": {"q": 0.5}}, []) for n in (name, "short")))
    long, short = elements(row_plots.intervals(Findings(report.to_json())), "text", "name")
    assert (long.get("textLength"), short.get("textLength")) == ("168", None)
    assert re.fullmatch(r"sentence_window-128-19 …oder-name hybrid", long[0].tail)
    assert len(long[0].tail) == 40


def test_of_very_many_systems_the_best_and_the_baseline_are_drawn() -> None:
    systems = tuple(System(f"s{n:03}", {"MRR": {"q": n / 200}}, []) for n in range(150))
    findings = Findings(Report("x", systems, metric="MRR", baseline="s003").to_json())
    plot = row_plots.intervals(findings)
    names = [e[0].text for e in elements(plot, "text", "name")]
    assert (len(names), names[0], names[-1]) == (61, "s149", "s003")
    assert plot is not None
    assert "89 systems with lower means are left out" in plot.note


def test_sizes_make_a_curve_per_chunker_and_a_plot_per_way_of_searching() -> None:
    found = plots.curves(FINDINGS)
    assert [plot.title for plot in found] == ["Chunk size: dense", "Chunk size: hybrid"]
    for plot in found:
        assert len(elements(plot, "polyline")) == 2
        assert len(elements(plot, "circle")) == 4
        assert [name for _, name in plot.legend] == ["recursive", "semantic"]
        ticks = [e.text for e in elements(plot, "text", "mid")]
        assert ticks == ["200", "400", "chunk size, tokens"]


def test_chunkers_are_told_apart_by_what_is_not_their_size() -> None:
    report = FINDINGS.report
    systems = [
        {**s, "name": s["name"] + more, "parts": {**s["parts"], "chunker": f"window-3-{size}-30"}}
        for s in report["systems"]
        for more in ("", " shown")
        if (size := s["parts"]["size"]) and s["parts"]["chunker"] == "recursive"
    ]
    plot, *_ = plots.curves(Findings({**report, "systems": systems}))
    assert [name for _, name in plot.legend] == ["window-3", "window-3 shown"]


def test_ways_of_searching_are_named_by_what_they_differ_in() -> None:
    report = FINDINGS.report
    systems = [
        {**s, "parts": {**s["parts"], "encoder": "tiny", "fusion": "dense", "rerank": rerank}}
        for s, rerank in zip(report["systems"], ["", "big"] * 4, strict=True)
    ]
    found = plots.curves(Findings({**report, "systems": systems}))
    assert [plot.title for plot in found] == ["Chunk size", "Chunk size: big"]


def test_of_a_cost_less_is_better() -> None:
    a, b = {"q1": 900.0, "q2": 800.0}, {"q1": 1000.0, "q2": 790.0}
    plot = plots.differences("a", "b", "context tokens@5", (a, b))
    assert [e.get("class") for e in elements(plot, "rect")] == ["worse", "better"]
    assert plot is not None
    assert plot.note.endswith("1 questions better, 0 equal, 1 worse.")


def test_one_size_makes_no_curve() -> None:
    rows = [row for row in ROWS if "-200-" in row.system]
    assert plots.curves(Findings(report_of(rows))) == []


def test_differences_are_sorted_and_counted() -> None:
    a = {"q1": 0.5, "q2": 0.9, "q3": 0.1, "q4": 0.3, "only a": 1.0}
    b = {"q1": 0.5, "q2": 0.2, "q3": 0.4, "q4": 0.2}
    plot = plots.differences("new", "old", "MRR", (a, b))
    assert titles(plot) == ["q2: +0.700", "q4: +0.100", "q3: -0.300"]
    assert plot is not None
    assert plot.note == "new minus old: 2 questions better, 1 equal, 1 worse."
    up, _, down = elements(plot, "rect")
    assert float(up.get("height")) / float(down.get("height")) > 2
    assert [e.get("class") for e in (up, down)] == ["better", "worse"]


def test_systems_that_do_not_differ_have_no_plot_of_differences() -> None:
    assert plots.differences("a", "b", "MRR", ({"q": 0.5}, {"q": 0.5})) is None
    assert plots.differences("a", "b", "MRR", ({"q": 0.5}, {})) is None


def test_very_many_differences_are_thinned_out_and_said_to_be() -> None:
    a = {f"q{n}": n / 5000 for n in range(5000)}
    plot = plots.differences("a", "b", "MRR", (a, dict.fromkeys(a, 0.1)))
    assert plot is not None
    assert "Every 5th is drawn." in plot.note
    assert len(elements(plot, "rect")) <= 1000


def test_losses_are_as_long_as_they_are_many() -> None:
    systems = tuple(
        System(name, {"MRR": {"q": 0.5}}, [], losses=losses, missed=1)
        for name, losses in (("a", {Stage.SPLIT: 2, Stage.FUSION: 6}), ("b", {Stage.FUSION: 4}))
    )
    plot = row_plots.losses(Findings(Report("x", systems).to_json()))
    widths = [float(e.get("width")) for e in elements(plot, "rect")]
    assert widths[1] / widths[0] == round(widths[1] / widths[2] * 2) == 3
    assert plot is not None
    assert [stage for _, stage in plot.legend] == ["split apart", "lost in fusion"]
    assert [e.text for e in elements(plot, "text", "value")] == ["8", "4"]


def test_without_losses_or_without_a_diagnosis_nothing_is_drawn() -> None:
    assert row_plots.losses(Findings(Report("x", (System("a", {}, []),)).to_json())) is None
    found = System("a", {"MRR": {"q": 1.0}}, [], missed=0)
    assert row_plots.losses(Findings(Report("x", (found,)).to_json())) is None


def test_names_from_data_are_never_markup() -> None:
    name = '<img src=x onerror="alert(1)"> hybrid'
    rows = [row for row in ROWS if row.system in (BASELINE, "semantic-200-30 hybrid")]
    report = report_of(rows)
    report = {**report, "systems": [{**s, "name": name} for s in report["systems"]]}
    for plot in (row_plots.intervals(Findings(report)), row_plots.losses(Findings(report))):
        assert elements(plot, "img") == []
        assert name in titles(plot)
