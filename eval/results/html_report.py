"""A report as one HTML page that needs no network and no other file.

Knows the JSON of ``eval/report.py`` and the rows of ``eval/results/records.py``; nothing of how they
were computed. The same report and rows give the same bytes. Whatever comes from data is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eval.results.records import Row

__all__ = ["render_html"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render_html(report: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """The page.

    Args:
        report: of ``eval.report.Report.to_json``.
        rows: one per system and question; may be empty, then no question is shown.
    """
    title = escape(report["dataset"])
    metrics = report["metrics"]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("system", *metrics, "n"))
    body = "".join(_system(system, metrics) for system in report["systems"])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{title}</title></head>\n<body><h1>{title}</h1>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>\n"
        f"<p>{len({row.query for row in rows})} questions.</p></body></html>\n"
    )


def _system(system: Mapping[str, Any], metrics: Sequence[str]) -> str:
    values = (system["metrics"].get(name) for name in metrics)
    cells = "".join(f"<td>{'' if value is None else f'{value:.3f}'}</td>" for value in values)
    return f'<tr><th scope="row">{escape(system["name"])}</th>{cells}<td>{system["n"]}</td></tr>\n'
