"""A report as tables: on a terminal, and in Markdown for documents.

Few systems stand beside each other, with a line for each measure; many have a line each, best first,
with how they stand against the baseline and the measures that there is room for. Reads the JSON of
``eval/report.py`` through ``eval/results/findings.py``; knows nothing of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from corpus.errors import UserError
from eval.results.findings import Against, Findings, chance, figure
from eval.results.svg import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["markdown_table", "print_tables"]

BESIDE = 4  # systems that fit beside each other in 80 columns
_MEASURE = 12  # columns that a measure more takes
_MARKS = {1: "▲", 0: " ", -1: "▼"}

System = Mapping[str, Any]


def print_tables(report: Mapping[str, Any], console: Console, upright: bool | None = None) -> None:
    """Print the systems, their kinds of question if any, the tests, and where gold was lost.

    Of many systems, the best one and the baseline have their kinds of question shown.

    Args:
        report: of ``eval.report.Report.to_json``.
        upright: one column per system; else one row. ``None``: as there is room.
    """
    findings = Findings(report)
    for key, value in report["context"].items():
        if not isinstance(value, Mapping | list):
            _say(console, f"{key.replace('_', ' ')}: {value}", "dim")
    upright = len(report["systems"]) <= BESIDE if upright is None else upright
    by_baseline = not upright and report["baseline"]
    if upright:
        console.print(_beside(findings))
    else:
        console.print(_ranked(findings, console.width) if by_baseline else _below(findings))
    for system in report["systems"] if upright else _rivals(findings):
        if system.get("kinds"):
            console.print(_by_kind(findings, system))
    if findings.tests and not by_baseline:
        console.print(_tests(findings))
    for line in _lost(findings):
        _say(console, line)
    if report["metric"]:
        _say(console, " ".join(findings.sentences()), "bold")


def markdown_table(report: Mapping[str, Any], metrics: Sequence[str] = ()) -> str:
    """The systems, best first, with means, intervals and verdicts, as a Markdown table.

    Args:
        report: of ``eval.report.Report.to_json``.
        metrics: the measures to show; empty: all.

    Raises:
        UserError: a measure that the report does not have.
    """
    findings = Findings(report)
    for name in metrics:
        if name not in findings.metrics:
            raise UserError(f"The report has no measure {name!r}; it has {findings.metrics}.")
    shown = list(metrics or findings.metrics)
    verdict = [f"against baseline ({findings.metric})"] if report["baseline"] else []
    lines = [["system", *shown, "n", "p50 ms", *verdict]]
    lines.append(["---", *["---:"] * (len(lines[0]) - 1)])
    for system in findings.ranked:
        means = [_mean(findings, system, name, " (", ")") for name in shown]
        p50 = system["latency_ms"]["p50"]
        cells = [system["name"], *means, f"{system['n']:,}", "–" if p50 is None else f"{p50:.1f}"]
        lines.append([*cells, *([_verdict(findings, system)] if verdict else [])])
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def _escaped(cell: str) -> str:
    """As one cell: what would end it, or begin markup, is taken literally."""
    plain = " ".join(visible(cell).split()).replace("\\", "\\\\")
    return "".join(f"\\{c}" if c in "|<>*_`[]" else c for c in plain)


def _verdict(findings: Findings, system: System) -> str:
    if system["name"] == findings.report["baseline"]:
        return "baseline"
    found = findings.against(system["name"])
    if found is None:
        return "–"
    word = {1: "better", 0: "may be luck", -1: "worse"}[found.sign]
    return f"{word}, {figure(found.delta, findings.digits(), '+')}, p {chance(found.p)}"


def _beside(findings: Findings) -> Table:
    """One row per measure, one column per system."""
    systems = findings.report["systems"]
    table = _titled(f"{findings.report['dataset']}: mean, and 95 % interval", "")
    for system in systems:
        table.add_column(_cell(system["name"]), justify="right", overflow="fold")
    _add_measures(table, findings, systems)
    table.add_section()
    table.add_row("queries", *(f"{system['n']:,}" for system in systems))
    for key in ("p50", "p95"):
        if any(system["latency_ms"][key] is not None for system in systems):
            table.add_row(f"{key} ms", *(_number(s["latency_ms"][key], 1) for s in systems))
    if any("missed" in system for system in systems):
        table.add_row("missed", *(_number(system.get("missed"), 0) for system in systems))
    return table


def _below(findings: Findings) -> Table:
    """One row per system, with everything that is known of it."""
    systems = findings.report["systems"]
    facts = list(dict.fromkeys(name for s in systems for name in s.get("facts", {})))
    table = _titled(f"{findings.report['dataset']}: mean, and 95 % interval", "")
    for heading in [*facts, *findings.metrics, "queries"]:
        table.add_column(_cell(heading.replace("@", "\n@")), justify="right", overflow="fold")
    for system in systems:
        told = (_number(system.get("facts", {}).get(name), 0) for name in facts)
        means = (_mean(findings, system, name, "\n", "") for name in findings.metrics)
        table.add_row(_cell(system["name"]), *told, *means, f"{system['n']:,}")
    return table


def _ranked(findings: Findings, width: int) -> Table:
    """One line per system, best first: its mean, how it stands against the baseline, what it takes."""
    from rich import box

    systems = findings.ranked
    diagnosed = any("missed" in system for system in systems)
    names = min(max(len(system["name"]) for system in systems), 34)
    others = [name for name in findings.metrics if name != findings.metric]
    others = others[: max(0, (width - names - 52) // _MEASURE)]
    table = _titled(_title(findings), "")
    table.box, table.pad_edge, table.collapse_padding = box.SIMPLE_HEAD, False, True
    table.columns[0].min_width = min(names, 22)
    headings = [
        findings.metric,
        "interval",
        "lead",
        "p",
        *(["missed"] if diagnosed else []),
        "p50 ms",
    ]
    for heading in [*headings, *others]:
        table.add_column(_cell(heading.replace(" ", "\n")), justify="right")
    for system in systems:
        mean, interval = _mean(findings, system, findings.metric, "\n", "").split("\n")
        cells = [mean, interval, *_standing(findings, findings.against(system["name"]))]
        if diagnosed:
            cells.append(_number(system.get("missed"), 0))
        cells.append(_number(system["latency_ms"]["p50"], 1))
        cells += [_mean(findings, system, name, "\n", "").split("\n")[0] for name in others]
        bold = "bold" if system is findings.baseline else None
        table.add_row(_cell(system["name"]), *cells, style=bold)
    return table


def _standing(findings: Findings, found: Against | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    lead = figure(found.delta, findings.digits(), "+")
    return f"{_MARKS[found.sign]} {lead}", "<.001" if found.p < 0.001 else f"{found.p:.3f}"


def _title(findings: Findings) -> str:
    ns = sorted({system["n"] for system in findings.ranked})
    queries = " to ".join(f"{n:,}" for n in (ns if len(ns) < 2 else (ns[0], ns[-1])))
    corrected = any(test.corrected for test in findings.tests)
    return (
        f"{findings.report['dataset']}, {queries} questions; lead over the baseline (bold):"
        f" ▲ better, ▼ worse by more than luck{' after Holm' if corrected else ''}"
    )


def _by_kind(findings: Findings, system: System) -> Table:
    kinds = system["kinds"]
    table = _titled(f"{system['name']}, by kind of question", "")
    for kind, found in kinds.items():
        table.add_column(_cell(f"{kind}\n({found['n']})"), justify="right", overflow="fold")
    _add_measures(table, findings, list(kinds.values()))
    return table


def _add_measures(table: Table, findings: Findings, columns: Sequence[System]) -> None:
    for name in dict.fromkeys(name for found in columns for name in found["metrics"]):
        table.add_row(_cell(name), *(_mean(findings, found, name, "\n", "") for found in columns))


def _tests(findings: Findings) -> Table:
    corrected = any(test.corrected for test in findings.tests)
    title = "Is the difference more than luck? (paired randomization test"
    table = _titled(title + (", after Holm's correction)" if corrected else ")"), "systems")
    for heading in ["measure", "difference", "p", "wins/ties\n/losses"]:
        table.add_column(heading, justify="right", overflow="fold")
    for test in findings.tests:
        digits = findings.digits(test.metric)
        delta, low, high = (figure(v, digits, "+") for v in (test.delta, test.low, test.high))
        table.add_row(
            _cell(f"{test.system} - {test.baseline}"),
            _cell(test.metric),
            f"{_MARKS[test.sign]} {delta}\n{low} to {high}",
            f"{test.p:.4f}",
            f"{test.wins}/{test.ties}/{test.losses}",
        )
    return table


def _rivals(findings: Findings) -> list[System]:
    """The best system and the baseline; the best few where there is no baseline."""
    if findings.baseline is None:
        return findings.ranked[:BESIDE]
    both = [findings.best, findings.baseline]
    return [s for n, s in enumerate(both) if s is not None and s not in both[:n]]


def _lost(findings: Findings) -> list[str]:
    """Where the best system and the baseline lost gold, in a line each."""
    if not any(system.get("losses") for system in findings.report["systems"]):
        return []  # nothing was lost, or nobody has looked why
    lines: list[str] = []
    for system in _rivals(findings):
        if "losses" in system:
            stages = ", ".join(f"{n:,} {stage}" for stage, n in system["losses"].items())
            lines.append(f"Questions of which {system['name']} lost gold: {stages or 'none'}.")
    return lines


def _titled(title: str, first: str) -> Table:
    from rich.table import Table

    table = Table(title=_cell(title), title_justify="left", title_style="bold")
    table.add_column(first, overflow="fold")
    return table


def _mean(findings: Findings, found: System, metric: str, before: str, after: str) -> str:
    interval = findings.interval(found, metric)
    if interval is None:
        return "-"
    mean, low, high = (figure(value, findings.digits(metric)) for value in interval)
    return f"{mean}{before}{low}-{high}{after}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else figure(value, digits)


def _cell(text: str) -> str:
    """A text that is shown as it is: no markup, no control characters."""
    from rich.markup import escape

    return escape(visible(text))


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(visible(text), style=style, highlight=False, markup=False)
