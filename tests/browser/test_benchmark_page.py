"""The page of a benchmark in Chromium: inert whatever data says, alone, sortable, narrow enough for a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from eval.results.html_report import render_html
from tests.eval.results.examples import METRIC, report_of, rows_of
from tests.eval.results.hostile import PAYLOADS, hostile_page

pytestmark = pytest.mark.browser

ROWS = rows_of()
REPORT = report_of(ROWS)
Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page from a file; whatever it asks for, says or dislikes ends in ``noise``."""
    contexts = []

    def opened(text: str, width: int = 1280, scheme: str = "light") -> Page:
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        page = context.new_page()
        noise: list[str] = []
        page.on("request", lambda request: noise.append(request.url))
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("dialog", lambda dialog: noise.append(dialog.message))
        page.goto(path.as_uri())
        for details in page.locator("details").all():
            details.evaluate("one => one.open = true")
        assert noise == [path.as_uri()]
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_data_says_runs_nothing_and_loads_nothing(open_page: Open, payload: str) -> None:
    page = open_page(hostile_page(payload))
    page.locator("td, th, li, summary").first.hover()
    page.wait_for_timeout(50)
    assert page.evaluate("window.hit") is None
    assert page.url.startswith("file:")
    expect(page.locator("#filter [role=status]")).to_have_text("4 of 4 questions")


def test_a_script_that_was_smuggled_in_does_not_run(open_page: Open) -> None:
    page = open_page(render_html(REPORT, ROWS))
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'hit = 1'}))"
    )
    assert page.evaluate("window.hit") is None


def test_a_table_is_sorted_by_the_column_that_is_pressed(open_page: Open) -> None:
    page = open_page(render_html(REPORT, ROWS))
    table = page.locator("section", has=page.locator("#systems")).locator("table")
    column = table.get_by_role("button", name="Missed")
    values = "rows => rows.map(row => Number(row.cells[5].dataset.value))"
    column.click()
    falling = table.locator("tbody tr").evaluate_all(values)
    assert falling == sorted(falling, reverse=True)
    column.click()
    assert table.locator("tbody tr").evaluate_all(values) == falling[::-1] == sorted(falling)
    expect(table.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    table.get_by_role("button", name="System").click()
    names = table.locator("tbody th").all_inner_texts()
    assert names == sorted(names)


def test_questions_are_filtered_by_text_system_and_stage(open_page: Open) -> None:
    page = open_page(render_html(REPORT, ROWS))
    queries, status = page.locator(".query:visible"), page.locator("#filter [role=status]")
    count = queries.count()
    page.get_by_label("Text", exact=True).fill("PART 3 last")
    expect(queries).to_have_count(1)
    expect(status).to_have_text(f"1 of {count} questions")
    page.get_by_label("Text", exact=True).fill("")
    page.get_by_label("System", exact=True).select_option(index=1)
    system = page.get_by_label("System", exact=True).locator("option").nth(1).inner_text()
    lost = [row for row in ROWS if row.system == system and row.losses]
    expect(queries).to_have_count(len(lost))
    page.get_by_label("System", exact=True).select_option(index=0)
    page.get_by_label("Stage", exact=True).select_option("split apart")
    expect(queries).to_have_count(count)


def test_a_link_to_a_question_opens_it(open_page: Open) -> None:
    page = open_page(render_html(REPORT, ROWS))
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = false)")
    link = page.locator(".moved a").first
    link.click()
    expect(
        page.locator(f"details[id='{(link.get_attribute('href') or '')[1:]}']")
    ).to_have_attribute("open", "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window_or_unreadable(
    open_page: Open, width: int, scheme: str
) -> None:
    page = open_page(render_html(REPORT, ROWS), width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    pale = "rgb(255, 255, 255)"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == pale) == (scheme == "light")
    expect(page.get_by_role("img", name=f"Mean {METRIC} with its interval")).to_be_visible()


def test_without_scripts_everything_is_still_there(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_html(REPORT, ROWS), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    expect(page.locator("#filter")).to_be_hidden()
    expect(page.locator(".query").first).to_be_visible()
    context.close()
