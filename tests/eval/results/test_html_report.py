"""The page holds the report's own figures, needs nothing else, and obeys nothing that data says."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from eval.report import Report, System
from eval.results import misses
from eval.results.html_report import render_html
from tests.eval.results.examples import BASELINE, METRIC, OTHER, report_of, rows_of
from tests.eval.results.hostile import PAYLOADS, hostile_page

ROWS = rows_of()
REPORT = report_of(ROWS)
PAGE = render_html(REPORT, ROWS)
ROOT = Path(__file__).parents[3]
PARTS = {"bdi", "section", "details", "summary", "figure", "figcaption", "main", "header"}
ELEMENTS = PARTS | {
    *("html", "head", "meta", "title", "style", "script", "body", "h1", "h2", "h3", "p", "div"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "small", "span", "strong", "code"),
    *("ul", "ol", "li", "a", "form", "label", "input", "select", "option"),
    *("svg", "text", "line", "circle", "rect", "polyline"),
}


def tree(page: str = PAGE) -> Any:
    return lxml_html.document_fromstring(page)


def cells(row: Any) -> list[str]:
    return [cell.get("data-value") for cell in row.iter("td")]


def test_the_table_holds_the_figures_of_the_report() -> None:
    (table,) = tree().xpath("//section[@aria-labelledby='systems']//table")
    headings = [th.text_content() for th in table.xpath("./thead//th")][1:]
    rows = {
        row.get("data-system"): dict(zip(headings, cells(row), strict=True))
        for row in table.xpath("./tbody/tr")
    }
    assert len(rows) == len(REPORT["systems"])
    for system in REPORT["systems"]:
        row = rows[system["name"]]
        for metric in (METRIC, OTHER):
            assert float(row[metric]) == system["metrics"][metric]
        assert int(row["Questions"]) == system["n"]
        assert int(row["Missed"]) == system["missed"]
        assert float(row["Latency p50, ms"]) == system["latency_ms"]["p50"]
        assert float(row["Latency p95, ms"]) == system["latency_ms"]["p95"]
        assert float(row["index MiB"]) == system["facts"]["index MiB"]


def test_intervals_stand_beside_their_means() -> None:
    best = max(REPORT["systems"], key=lambda system: system["metrics"][METRIC])
    (row,) = tree().xpath(f"//tr[@data-system='{best['name']}']")
    low, high = best["ci95"][METRIC]
    text = " ".join(row.xpath("./td")[0].text_content().split())
    assert text == f"{best['metrics'][METRIC]:.3f} {low:.3f} to {high:.3f}"


def test_the_tests_hold_the_figures_of_the_report() -> None:
    tables = tree().xpath("//section[@aria-labelledby='tests']//table")
    assert [t.xpath("./caption")[0].text.split(":")[0] for t in tables] == [METRIC, OTHER]
    for table, metric in zip(tables, (METRIC, OTHER), strict=True):
        rows = {r.xpath("./th")[0].text_content(): cells(r) for r in table.xpath("./tbody/tr")}
        wanted = [test for test in REPORT["tests"] if test["metric"] == metric]
        assert len(rows) == len(wanted) == 7
        for test in wanted:
            delta, _, holm, p, p_t, wins, ties, losses = map(float, rows[test["a"]])
            assert (delta, holm, p, p_t) == (test["delta"], test["p_holm"], test["p"], test["p_t"])
            assert (wins, ties, losses) == (test["wins"], test["ties"], test["losses"])


def test_what_the_tests_come_to_is_said_first() -> None:
    lead = tree().xpath("//p[@class='lead']")
    assert [p.text.split(":")[0] for p in lead] == [
        "semantic-200-30 hybrid has the best mean recall@5 of 8 systems",
        f"Its lead over the baseline {BASELINE} is more than luck",
    ]


def test_every_question_that_lost_gold_says_where_and_why() -> None:
    shown = {
        d.xpath(".//*[@class='id']")[0].text_content(): d
        for d in tree().xpath("//details[@class='query']")
    }
    names = [o.text for o in tree().xpath("//select[@name='system']/option")][1:]
    lost = [row for row in ROWS if row.system in names and row.losses]
    assert shown.keys() == {row.query for row in lost}
    for row in lost:
        text = " ".join(shown[row.query].text_content().split())
        for said in (
            row.text,
            row.system,
            row.losses[0].detail,
            "Ten years.",
            "passage 7",
            "split apart",
        ):
            assert said in text
    assert f"{len(shown)} of 40 questions lost gold under" in tree().text_content()


def test_questions_that_moved_most_are_linked_where_they_are_shown() -> None:
    links = tree().xpath("//ul[@class='moved']//a")
    assert links
    for link in links:
        (target,) = tree().xpath(f"//details[@id='{link.get('href').removeprefix('#')}']")
        assert target.xpath(".//*[@class='id']")[0].text_content() == link.text_content()


def test_the_stamp_is_there() -> None:
    rows = tree().xpath("//table[@class='stamp']//tr")
    found = {
        row.xpath("./th")[0].text_content(): row.xpath("./td")[0].text_content() for row in rows
    }
    assert found == {"seed": "7", "versions alcove": "0.1.0", "data sha256": "ab" * 32}


def test_the_page_needs_nothing_else_and_runs_nothing_else() -> None:
    (policy,) = tree().xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    for kind in ("style", "script"):
        (element,) = tree().xpath(f"//{kind}")
        digest = hashlib.sha256(element.text.encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert tree().xpath("//@src | //@style | //link | //@*[starts-with(name(), 'on')]") == []
    assert set(re.findall(r"\w+://[^\s\"'<]*", PAGE)) == set()


def test_the_page_has_headings_captions_and_names_for_readers_of_every_kind() -> None:
    levels = [int(element.tag[1]) for element in tree().iter("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    for table in tree().xpath("//table"):
        assert table.xpath("./caption")[0].text_content().strip()
        assert not table.xpath(".//th[not(@scope)]")
    for drawing in tree().xpath("//figure/svg"):
        assert (drawing.get("role"), bool(drawing.get("aria-label"))) == ("img", True)
    ids = tree().xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(tree().xpath("//section/@aria-labelledby")) <= set(ids)


def test_every_element_is_one_of_ours() -> None:
    assert {element.tag for element in tree().iter() if isinstance(element.tag, str)} <= ELEMENTS


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_data_says_is_shown_and_never_obeyed(payload: str) -> None:
    page = hostile_page(payload)
    page.encode()
    root = tree(page)
    assert {element.tag for element in root.iter() if isinstance(element.tag, str)} <= ELEMENTS
    assert (
        len(root.xpath("//script")) == len(root.xpath("//style")) == len(root.xpath("//form")) == 1
    )
    assert (
        root.xpath("//@href[not(starts-with(., '#q-'))] | //@src | //@*[starts-with(name(), 'on')]")
        == []
    )
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", page)
    if payload.isprintable():
        assert root.xpath("//h1")[0].text_content() == payload


def test_the_same_results_give_the_same_page_in_every_process() -> None:
    code = (
        "import sys; from eval.results.html_report import render_html\n"
        "from tests.eval.results.examples import report_of, rows_of\n"
        "rows = rows_of(); sys.stdout.buffer.write(render_html(report_of(rows), rows).encode())"
    )
    pages = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert pages == {PAGE.encode()}


def test_a_report_that_was_written_and_read_gives_the_same_page() -> None:
    assert render_html(json.loads(json.dumps(REPORT)), ROWS) == PAGE


def test_a_page_of_very_many_misses_stays_small_and_says_what_it_left_out() -> None:
    text = "All work and no play makes Jack a dull boy. " * 30
    rows = [
        replace(
            row, query=f"{row.query}-{copy}", found=tuple(replace(f, text=text) for f in row.found)
        )
        for copy in range(90)
        for row in ROWS
    ]
    rows = [replace(row, losses=row.losses or ROWS[-1].losses) for row in rows]
    page = render_html(REPORT, rows)
    assert 3_000_000 < len(page.encode()) < 8_000_000
    found = re.search(
        r"3,600 of 3,600 questions lost gold .* The first ([\d,]+) of them stand here",
        page,
        re.DOTALL,
    )
    assert found is not None
    assert int(found[1].replace(",", "")) == page.count('<details class="query"')


def test_a_report_without_rows_tests_or_timings_is_a_page_too() -> None:
    systems = (System("dense", {"MRR": {"q": 0.5}}, []), System("lexical", {"MAP": {"q": 0.5}}, []))
    root = tree(render_html(Report("plain", systems).to_json(), []))
    assert [h.text_content() for h in root.iter("h1", "h2")] == ["plain", "Systems"]
    root = tree(render_html(Report("nothing", ()).to_json(), []))
    assert "Nothing was measured." in root.text_content()


def test_gold_that_is_a_whole_document_has_no_place() -> None:
    rows = [replace(row, gold=({"document": "manual-1", "grade": 2},)) for row in ROWS]
    (first, *_) = tree(render_html(REPORT, rows)).xpath("//ul[@class='gold']/li")
    assert " ".join(first.text_content().split()) == "manual-1 grade 2"


def test_the_budget_is_about_what_the_page_takes() -> None:
    found = misses.missing(misses.Findings(REPORT), ROWS)
    taken = PAGE[PAGE.index('<details class="query"') : PAGE.rindex("</details>")]
    assert len(taken) < sum(question.size for question in found.questions)
