"""Whether everybody can use the page: axe-core on every view, light and dark, wide and narrow, and the keyboard.

Nothing is left out of what axe-core looks at; serious and critical findings fail. Every day a view is
looked at wide in light and narrow in dark; in full also the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import LOOKS, OTHER_LOOKS, asked_for_key, findings, look
from tests.browser.stacks import FakeStack
from tests.service_bench import until
from tests.ui.fake_evaluations import finish
from ui.state import VIEWS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Opener, Sound = Callable[..., Page], Callable[[Page], None]
QUESTION = "How much memory does a 70B model need in FP4?"


@pytest.fixture
def store(fake: FakeStack) -> Iterator[FakeStack]:
    """The fake, left as it was found."""
    yield fake
    held = fake.service.store
    held.key, held.fail_with, held.say = "", "", ""
    for run in held.runs.values():
        run.stop.set()
    held.threads.clear()


@pytest.fixture(params=["usual", pytest.param("other", marks=pytest.mark.full)])
def sound(request: pytest.FixtureRequest) -> Sound:
    """Fails with what axe-core finds on a tab."""

    def looked(tab: Page) -> None:
        found = []
        for scheme, size in LOOKS if request.param == "usual" else OTHER_LOOKS:
            look(tab, scheme, size)
            found += [f"{scheme}, {size['width']} px: {finding}" for finding in findings(tab)]
        assert not found, "\n".join(found)

    return looked


def ask(tab: Page, question: str) -> None:
    tab.get_by_test_id("stChatInputTextArea").fill(question)
    tab.keyboard.press("Enter")


def answered(tab: Page) -> None:
    """Ask what the documents answer, and wait for the answer as it is stored."""
    ask(tab, QUESTION)
    expect(tab.get_by_role("button", name="Copy")).to_be_visible()


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_used_by_everybody(
    view: str, store: FakeStack, open_tab: Opener, sound: Sound
) -> None:
    tab = open_tab(f"{store.url}/?view={view}")
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    expect(tab.get_by_test_id("stSkeleton")).to_have_count(0)
    sound(tab)


def test_an_answer_with_its_source_open_can(
    store: FakeStack, open_tab: Opener, sound: Sound
) -> None:
    tab = open_tab(store.url)
    answered(tab)
    tab.get_by_role("button", name="Open source 1").click()
    expect(tab.get_by_alt_text("Page 2 of")).to_be_visible()
    sound(tab)


def test_a_refusal_and_a_failure_can(store: FakeStack, open_tab: Opener, sound: Sound) -> None:
    tab = open_tab(store.url)
    ask(tab, "Which unicorns graze behind the moon?")
    expect(tab.get_by_text("The documents don't say")).to_be_visible()
    store.service.store.fail_with = "the model ran out of memory"
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
    ask(tab, QUESTION)
    expect(tab.get_by_text("could not be completed")).to_be_visible()
    sound(tab)


def test_a_call_that_waits_for_approval_can(
    store: FakeStack, open_tab: Opener, sound: Sound
) -> None:
    tab = open_tab(store.url)
    ask(tab, f"{QUESTION} write it down")
    expect(tab.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    sound(tab)


def test_a_dialog_can(store: FakeStack, open_tab: Opener, sound: Sound) -> None:
    tab = open_tab(store.url)
    answered(tab)
    tab.locator("[class*=st-key-open-thread]").get_by_role("button").last.click()
    tab.get_by_text("Rename", exact=True).first.click()
    expect(tab.get_by_role("dialog")).to_be_visible()
    sound(tab)


def test_an_evaluation_can(store: FakeStack, open_tab: Opener, sound: Sound) -> None:
    tab = open_tab(f"{store.url}/?view=evaluate")
    tab.get_by_role("button", name="Start").click()
    expect(tab.get_by_text("Searching: 33%")).to_be_visible()
    finish(store.service.store)
    tab.get_by_role("button", name="Results").click()
    expect(tab.get_by_text("hybrid scores highest")).to_be_visible()
    expect(tab.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first).to_be_visible()
    sound(tab)


def test_signing_in_can(store: FakeStack, open_tab: Opener, sound: Sound) -> None:
    store.service.store.key = "a key that nobody gave"
    tab = open_tab(store.url)
    asked_for_key(tab)
    sound(tab)


def _first_heading(tab: Page) -> str:
    heading = tab.get_by_role("heading").first
    expect(heading).to_be_visible()
    return heading.inner_text()


def test_an_outage_can(store: FakeStack, open_tab: Opener, sound: Sound) -> None:
    store.service.stop()
    try:
        tab = open_tab(store.url)
        # What the page read a moment ago it shows without asking again.
        until(lambda: tab.reload() and _first_heading(tab) == "Alcove is not answering")
        sound(tab)
    finally:
        store.service.start()


def test_the_keyboard_goes_in_reading_order_and_its_place_is_seen(
    store: FakeStack, open_tab: Opener
) -> None:
    tab = open_tab(store.url)
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    expect(tab.get_by_test_id("stSkeleton")).to_have_count(0)
    told = """() => {
      const here = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(here);
      return [here.tagName, here.textContent.trim(), outlineStyle, parseFloat(outlineWidth)];
    }"""
    passed = []
    for _ in range(30):
        tab.keyboard.press("Tab")
        passed.append(tab.evaluate(told))
    unseen = [p for p in passed if p[0] == "BUTTON" and not (p[2] == "solid" and p[3] >= 2)]
    assert unseen == []
    names = [text for tag, text, *_ in passed if tag in ("A", "BUTTON")]
    order = [
        "Skip to main content",
        "Chat",
        "Library",
        "Status",
        "New chat",
        "Why can't I just load",
    ]
    places = [next(at for at, name in enumerate(names) if want in name) for want in order]
    assert places == sorted(places)


def test_nothing_moves_for_whoever_asked_for_that(store: FakeStack, open_tab: Opener) -> None:
    tab = open_tab(store.url, reduced_motion="reduce")
    store.answer("Slowly said, word for word. " * 40, 0.1)
    ask(tab, QUESTION)
    expect(tab.get_by_text("Slowly said").first).to_be_visible()
    endless = """() => document.getAnimations().filter(
      a => a.effect.getComputedTiming().iterations === Infinity).length"""
    assert tab.evaluate(endless) == 0
    tab.get_by_role("button", name="Stop").click()
    expect(tab.get_by_text("Stopped before its end")).to_be_visible()
