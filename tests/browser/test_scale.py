"""The page over 5,000 documents and 500 conversations: every interaction timed, and eight pages at once.

The tables are printed (``-s`` shows them); on a busy machine figures say little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.crowd import crowded_stack
from tests.browser.measuring import percentile, table
from tests.browser.walking import ANSWERED, PAGES, measured, together

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(1800)]

Opener = Callable[..., Page]
ALONE_MS, TOGETHER_MS = 500, 2000


@pytest.fixture(scope="module")  # as the browser
def crowd(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with crowded_stack(tmp_path_factory.mktemp("crowd")) as url:
        yield url


def test_every_interaction_is_answered_in_half_a_second(crowd: str, open_tab: Opener) -> None:
    timings = measured(open_tab(crowd))
    print("", table(timings), sep="\n")
    answered = timings.pop(ANSWERED)
    slow = {n: v for n, v in timings.items() if percentile(v, 0.95) > ALONE_MS}
    assert not slow, table(slow)
    assert percentile(answered, 0.95) <= TOGETHER_MS


def test_eight_pages_at_once_stay_usable(crowd: str, open_tab: Opener) -> None:
    """The same is pressed on all of them at the same moment."""
    tabs = [open_tab(crowd) for _ in range(PAGES)]
    timings = together(tabs)
    print("", table(timings), sep="\n")
    every = [value for values in timings.values() for value in values]
    assert percentile(every, 0.95) <= TOGETHER_MS
    for tab in tabs:
        expect(tab.locator("[class*=st-key-footer-]").last).to_be_visible()
