"""Looking into a search in a real browser, and keeping it as a test question that is then measured."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.stacks import FakeStack, RealStack
from tests.browser.test_evaluating import start

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

Opener = Callable[..., Page]
QUERY = "How much memory does a 70B model need in FP4?"
LOADED_MS = 240_000  # until the encoder is loaded, on a busy machine
ANSWER = "A 70B model needs about 140 GB"


def rows(tab: Page, of: str) -> Locator:
    return tab.locator(f'[data-list="{of}"] .row')


def looked(open_tab: Opener, url: str, **options: object) -> Page:
    """The view with a query typed into it."""
    tab = open_tab(url + "/?view=inspect", **options)
    tab.get_by_label("Query").fill(QUERY)
    tab.keyboard.press("Enter")
    expect(rows(tab, "hits").first).to_be_visible(timeout=LOADED_MS)
    return tab


def test_a_query_is_inspected_and_becomes_a_question_that_is_measured(
    real: RealStack, open_tab: Opener
) -> None:
    tab = looked(open_tab, real.url)
    tab.get_by_label("Passages").fill("2")
    tab.keyboard.press("Enter")
    expect(rows(tab, "hits")).to_have_count(2)
    tab.get_by_role("slider").press("End")
    expect(tab.get_by_text(re.compile(r"1\.00 × .* \(meaning\) \+ 0\.00 ×"))).to_be_visible()
    right = rows(tab, "hits").filter(has_text="quantization-formats.pdf").first
    right.click()
    expect(right).to_have_attribute("aria-current", "true")
    expect(tab.locator(".prose.source mark")).to_contain_text(ANSWER)
    tab.get_by_text("Save as a test question").click()
    tab.get_by_role("button", name="Save", exact=True).click()
    tab.get_by_role("button", name="Evaluate with it").click()
    chosen = tab.locator(".st-key-asked-set").get_by_role("combobox")
    expect(chosen).to_have_value("my questions · 1 question")
    expect(tab.get_by_role("button", name="Start")).to_be_visible()
    start(tab, "Saved")
    tab.get_by_role("button", name="Results").first.click()
    expect(tab.get_by_text(re.compile("scores highest: .* over 1 question"))).to_be_visible()


def test_pointing_at_a_passage_shows_it_in_every_list(fake: FakeStack, open_tab: Opener) -> None:
    tab = looked(open_tab, fake.url)
    rows(tab, "hits").nth(1).hover()
    expect(tab.locator(".row.same")).to_have_count(3)
    expect(tab.locator("path.same")).to_have_count(2)
    rows(tab, "lexical").nth(2).focus()
    tab.keyboard.press("Enter")
    expect(rows(tab, "hits").nth(2)).to_have_attribute("aria-current", "true")
    tab.reload()
    expect(rows(tab, "hits").first).to_be_visible()


def test_on_a_phone_one_list_is_shown_at_a_time(fake: FakeStack, open_tab: Opener) -> None:
    tab = looked(open_tab, fake.url, viewport={"width": 390, "height": 800}, color_scheme="dark")
    expect(rows(tab, "lexical").first).to_be_hidden()
    tab.locator(".tabs").get_by_role("button", name="By words").click()
    expect(rows(tab, "lexical").first).to_be_visible()
    expect(rows(tab, "hits").first).to_be_hidden()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
