"""Texts that would take over a page that let them, and a report whose every text is one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eval.results.html_report import render_html
from eval.results.records import Found, Loss, Stage
from tests.eval.results.examples import report_of, rows_of

PAYLOADS = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    '"><svg onload=window.hit=1>',
    "' onmouseover='window.hit=1' x='",
    '" autofocus onfocus="window.hit=1',
    "</title><script>window.hit=1</script>",
    "</style><script>window.hit=1</script>",
    "</script><script>window.hit=1</script>",
    "<!--<script>window.hit=1</script>",
    "-->]]><script>window.hit=1</script>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    '<a href="javascript:window.hit=1" id=filter>press</a>',
    "<meta http-equiv=refresh content='0;url=https://example.invalid/'>",
    "<base href=https://example.invalid/>",
    "<link rel=stylesheet href=https://example.invalid/a.css>",
    "<form action=https://example.invalid/><input name=text></form>",
    "<math><mtext></mtext><style><img src=x onerror=window.hit=1></style></math>",
    "{{ 7 * 7 }}{% raw %}{{ report }}",
    "&lt;script&gt;window.hit=1&lt;/script&gt;&#x3c;script>",
    "\u202egpj.exe\u2066<b>\u2069\x00\x1b[2J\ud83d\u200b",
    "<style>*{display:none}</style>",
)


def hostile_page(payload: str) -> str:
    """The page of a report in which every text from data is ``payload`` or holds it."""
    rows = [
        replace(
            row,
            system=row.system if "dense" in row.system else f"{row.system}{payload}",
            query=f"{row.query}{payload}",
            text=payload,
            kind=payload,
            losses=(Loss(payload, 1, 2, Stage.FUSION, payload),),
            found=(Found(1, payload, 1, 2, 0.5, 1, 1, True, payload),),
            gold=({"document": payload, "start": 1, "end": 2, "text": payload},),
            answer=payload,
        )
        for row in rows_of(4)
    ]
    report: dict[str, Any] = report_of(rows, payload)
    for system in report["systems"]:
        figures = {key: system[key] for key in ("metrics", "ci95", "n", "n_by_metric")}
        system["kinds"] = {payload: figures}
        system["parts"] |= {"fusion": payload + system["parts"]["fusion"], "chunker": payload}
        system["facts"] = {payload: 1.5}
    report["context"] = {payload: payload, "nested": {payload: [payload]}}
    return render_html(report, rows)
