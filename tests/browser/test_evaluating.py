"""Measuring in a real browser: from the question set to the question that was missed, and two compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.stacks import FakeStack, RealStack, sample_stack
from tests.ui.fake_evaluations import finish

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

Opener = Callable[..., Page]
RUN_MS = 400_000  # until the sample's questions have been asked, on a busy machine


@pytest.fixture(scope="module")  # as the browser
def sampled(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealStack]:
    """The whole product with its sample."""
    with sample_stack(tmp_path_factory.mktemp("sampled")) as stack:
        yield stack


def part(tab: Page, name: str) -> None:
    tab.get_by_role("radio", name=name, exact=True).click()


def choose(tab: Page, box: str, option: str) -> None:
    tab.get_by_label(box, exact=True).first.click()
    tab.get_by_role("option", name=option, exact=True).click()


def look_into_the_first(tab: Page, lost_at: str = "") -> None:
    """Select the first question, once the table holds those that were lost at a stage."""
    table = tab.get_by_test_id("stDataFrame").first
    expect(table.get_by_test_id("glide-cell-2-0")).to_have_text(lost_at)
    table.locator(".dvn-scroller").click(position={"x": 16, "y": 54})
    expect(tab.get_by_text("What should have been found")).to_be_visible()


def plots(tab: Page) -> None:
    """Every plot is drawn, and holds marks."""
    charts = tab.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(3)
    for number in range(3):
        canvas = charts.nth(number).locator("canvas, svg").first
        expect(canvas).to_be_visible()


def test_an_evaluation_is_started_read_and_looked_into(fake: FakeStack, open_tab: Opener) -> None:
    fake.service.store.evaluations.clear()
    tab = open_tab(fake.url + "/?view=evaluate")
    tab.get_by_role("button", name="Start").click()
    expect(tab.get_by_text("Searching: 33%")).to_be_visible()
    finish(fake.service.store)
    tab.get_by_role("button", name="Results").click()
    expect(tab.get_by_text("hybrid scores highest")).to_be_visible()
    plots(tab)
    part(tab, "Questions")
    look_into_the_first(tab)
    part(tab, "Compare")
    expect(tab.get_by_text("is better than").last).to_be_visible()


def test_two_evaluations_are_run_and_compared(fake: FakeStack, open_tab: Opener) -> None:
    fake.service.store.evaluations.clear()
    tab = open_tab(fake.url + "/?view=evaluate")
    begin = tab.get_by_role("button", name="Start")
    begin.click()
    expect(tab.get_by_text("Searching: 33%")).to_be_visible()
    finish(fake.service.store)
    expect(tab.get_by_text("Searching: 33%")).to_have_count(0)
    if not begin.is_visible():
        tab.get_by_text("New evaluation").click()
    begin.click()
    expect(tab.get_by_text("Searching: 33%")).to_be_visible()
    finish(fake.service.store)
    expect(tab.get_by_role("button", name="Results")).to_have_count(2)
    tab.get_by_role("button", name="Results").first.click()
    part(tab, "Compare")
    tab.reload()  # comes back to the open evaluation
    part(tab, "Compare")
    tab.get_by_label("Of the evaluation").click()
    options = tab.get_by_role("option")
    expect(options).to_have_count(2)
    expect(options.first).to_contain_text(re.compile(r"sample on sample · \d+ \w+ \d{4}"))
    options.last.click()
    expect(tab.get_by_text("is better than").last).to_be_visible()


def test_a_thumb_becomes_a_question_of_the_feedback_set(fake: FakeStack, open_tab: Opener) -> None:
    fake.service.store.evaluations.clear()  # or the form is folded
    tab = open_tab(fake.url)
    fake.answer("A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4. [1]")
    tab.get_by_test_id("stChatInputTextArea").fill("How much memory does a 70B model need?")
    tab.keyboard.press("Enter")
    tab.locator("[class*=st-key-thumb-thumb_up]").get_by_role("button").click()
    expect(tab.get_by_text("You called this right.")).to_be_visible()
    tab.get_by_role("button", name="Evaluate").click()
    choose(tab, "Question set", "feedback · 1 question")


def test_on_a_phone_nothing_of_the_results_is_cut_off(fake: FakeStack, open_tab: Opener) -> None:
    fake.service.store.evaluations.clear()
    tab = open_tab(fake.url + "/?view=evaluate", viewport={"width": 390, "height": 800})
    tab.get_by_role("button", name="Start").click()
    expect(tab.get_by_text("Searching: 33%")).to_be_visible()
    finish(fake.service.store)
    tab.get_by_role("button", name="Results").click()
    plots(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.full
def test_the_sample_is_measured_and_two_runs_are_compared(
    sampled: RealStack, open_tab: Opener
) -> None:
    tab = open_tab(sampled.url + "/?view=evaluate")
    expect(tab.get_by_text("A question set")).to_be_visible()
    tab.get_by_role("button", name="hybrid", exact=True).click()  # leaves dense and lexical
    start(tab, "First")
    tab.get_by_role("button", name="Results").first.click()
    expect(tab.get_by_text(re.compile("scores highest: .* over .* questions"))).to_be_visible()
    plots(tab)
    part(tab, "Questions")
    choose(tab, "Lost at", "Not retrieved")
    look_into_the_first(tab, "Not retrieved")
    one = tab.locator(".st-key-asked-one")
    expect(one.get_by_text("Not retrieved")).to_be_visible()
    expect(one.locator(".prose.quote mark").first).to_be_visible()
    tab.get_by_role("button", name="All evaluations").click()
    start(tab, "Second")
    tab.get_by_role("button", name="Results").first.click()
    part(tab, "Compare")
    choose(tab, "Of the evaluation", "First")
    expect(tab.get_by_text(re.compile(r"over|questions|luck")).last).to_be_visible()
    with tab.expect_download() as kept:
        tab.get_by_role("button", name="Report").click()
    assert kept.value.suggested_filename.endswith(".html")


@pytest.mark.full
def test_a_thumb_becomes_a_question_that_is_measured(real: RealStack, open_tab: Opener) -> None:
    sentence = "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4."
    tab = open_tab(real.url)
    real.answer(f"{sentence} [1]")
    tab.get_by_test_id("stChatInputTextArea").fill("How much memory does a 70B model need?")
    tab.keyboard.press("Enter")
    thumb = tab.locator("[class*=st-key-thumb-thumb_up]").get_by_role("button")
    expect(thumb).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
    thumb.click()
    expect(tab.get_by_text("You called this right.")).to_be_visible()
    tab.get_by_role("button", name="Evaluate").click()
    choose(tab, "Question set", "feedback · 1 question")
    start(tab, "Thumbs")
    tab.get_by_role("button", name="Results").first.click()
    expect(tab.get_by_text(re.compile("scores highest: .* over 1 question"))).to_be_visible()
    part(tab, "Questions")
    look_into_the_first(tab)
    expect(tab.locator(".st-key-asked-one .prose.quote mark").first).to_contain_text("140 GB")


def start(tab: Page, name: str) -> None:
    """Start an evaluation of this name, and wait for its end."""
    if not tab.get_by_role("button", name="Start").is_visible():
        tab.get_by_text("New evaluation").click()
    tab.get_by_text("More", exact=True).click()
    tab.get_by_label("Name").fill(name)
    tab.keyboard.press("Tab")
    tab.get_by_role("button", name="Start").click()
    row = tab.locator("[class*=st-key-evaluation-]").filter(has_text=name).first
    expect(row.get_by_text("Done")).to_be_visible(timeout=RUN_MS)
