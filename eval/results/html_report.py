"""A report as one HTML page that needs no network and no other file.

The page runs only its own script and takes only its own style (a policy by their hashes), which sort
tables and filter questions; without them everything is still there. The same report and rows give the
same bytes. Whatever comes from data is escaped, and characters that hide or turn text round are shown
by their numbers.

Knows the JSON of ``eval/report.py`` and the rows of ``eval/results/records.py``; nothing of how they
were computed. ``assets/`` holds the template, the style and the script.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from eval.results import plots, row_plots
from eval.results.findings import Findings, chance, figure
from eval.results.misses import TEXT, missing
from eval.results.records import Row
from eval.results.svg import shortened, visible

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["render_html"]

ASSETS = Path(__file__).with_name("assets")


def render_html(report: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """The page.

    Args:
        report: of ``eval.report.Report.to_json``.
        rows: one per system and question; may be empty, then no question is shown.
    """
    findings = Findings(report)
    style, script = _asset("report.css"), _asset("report.js")
    missed = missing(findings, rows)
    return _template().render(
        findings=findings,
        report=report,
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        facts=_facts(report["systems"]),
        diagnosed=any("missed" in system for system in report["systems"]),
        kinds=_kinds(findings),
        plots=_plots(findings, rows),
        other_tests=[m for m in _tested(findings) if m != findings.metric],
        missing=missed,
        anchors={question.id: f"q-{n}" for n, question in enumerate(missed.questions, 1)},
        texts={row.query: shortened(row.text, TEXT) for row in rows},
        stamp=list(_flat(report["context"])) if report["context"] else [],
    )


@cache
def _template() -> Template:
    """The page's template; every value that it shows is made visible and escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )
    environment.filters |= {"figure": figure, "chance": chance, "passage": _passage}
    return environment.get_template("report.html.jinja")


def _visible(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _passage(text: Any) -> str:
    return shortened(" ".join(str(text).split()), TEXT)


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing may be loaded, and of what stands in the page only this style and this script hold."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _facts(systems: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The figures that systems tell of themselves, each with its decimals."""
    names = dict.fromkeys(name for system in systems for name in system.get("facts", {}))
    values = {
        name: [system["facts"][name] for system in systems if name in system.get("facts", {})]
        for name in names
    }
    return {
        name: 0 if all(v == round(v) for v in found) else 1 if max(found) >= 10 else 3
        for name, found in values.items()
    }


def _kinds(findings: Findings) -> list[str]:
    """The kinds of question that systems were measured by."""
    return list(dict.fromkeys(kind for s in findings.ranked for kind in s.get("kinds", {})))


def _tested(findings: Findings) -> list[str]:
    return list(dict.fromkeys(test.metric for test in findings.tests))


def _plots(findings: Findings, rows: Sequence[Row]) -> list[plots.Plot]:
    """Every plot that there is something to see in."""
    found = [
        plots.latency(findings),
        row_plots.intervals(findings),
        *plots.curves(findings),
        _differences(findings, rows),
        row_plots.losses(findings),
    ]
    return [plot for plot in found if plot is not None]


def _differences(findings: Findings, rows: Sequence[Row]) -> plots.Plot | None:
    if findings.rivals is None:
        return None
    a, b = (system["name"] for system in findings.rivals)
    metric = findings.metric
    values = (
        {
            row.query: row.metrics[metric]
            for row in rows
            if row.system == name and metric in row.metrics
        }
        for name in (a, b)
    )
    return plots.differences(a, b, metric, (next(values), next(values)))


def _flat(context: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as lines of a name and a text."""
    if isinstance(context, Mapping) and context:
        for key, value in context.items():
            yield from _flat(value, f"{prefix} {key}".strip().replace("_", " "))
    else:
        yield (
            prefix,
            context if isinstance(context, str) else json.dumps(context, ensure_ascii=False),
        )
