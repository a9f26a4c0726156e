"""Looking after Alcove in a real browser: is all well, who may come in, and a service that dies and comes back."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stacks import FakeStack, RealStack, Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Opener = Callable[..., Page]
STATUS = "/?view=status"
SENTENCE = "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4."


def part(tab: Page, name: str, word: str) -> None:
    """Wait until a part is told to be so."""
    row = tab.locator(f".st-key-parts [class*=st-key-state-][class*={name}]")
    expect(row.get_by_text(word)).to_be_visible()


def test_the_real_status_says_that_all_works_and_sees_the_engine_fail_and_recover(
    real: RealStack, open_tab: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = open_tab(real.url + STATUS)
    expect(tab.get_by_text("Reachable since")).to_be_visible()
    part(tab, "search", "Good")
    part(tab, "language-model", "Good")
    expect(tab.get_by_text("Index on disk")).to_be_visible()
    expect(tab.get_by_text(re.compile("^The doctor (looked|is looking)"))).to_be_visible()
    expect(tab.locator(".st-key-encoder code").first).to_have_text("alcove models pull e5-base-v2")
    with monkeypatch.context() as broken:
        broken.setattr(real._llm, "answer_to", lambda *_: (503, "{}"), raising=True)
        part(tab, "language-model", "Wrong")
        expect(tab.get_by_text("Does not answer since")).to_be_visible()
        expect(tab.locator(".st-key-state-bad-verdict")).to_be_visible()
    part(tab, "language-model", "Good")
    expect(tab.locator(".st-key-state-bad-verdict")).to_have_count(0)


def test_a_user_is_let_in_and_refused_once_removed(fake: FakeStack, open_tab: Opener) -> None:
    try:
        let_in_and_out(fake, open_tab)
    finally:
        fake.service.store.users.clear()


@pytest.mark.full
def test_a_user_of_the_real_product_is_let_in_and_refused_once_removed(
    real: RealStack, open_tab: Opener
) -> None:
    try:
        let_in_and_out(real, open_tab)
    finally:
        real.stop()
        (real._home / "users.toml").unlink()
        real.start()


def let_in_and_out(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url + STATUS)
    make_key(tab, "Your name", "grace")
    expect(tab.get_by_text("Signed in as grace")).to_be_attached()
    make_key(tab, "Name of somebody new", "ada")
    key = tab.locator(".st-key-new-key code").first.inner_text()
    assert re.fullmatch(r"alcove_[\w-]{43}", key)
    tab.get_by_role("button", name="Put it away").click()
    expect(tab.get_by_text(key)).to_have_count(0)

    other = open_tab(stack.url + STATUS)
    other.get_by_label("API key").fill(key)
    other.keyboard.press("Enter")
    expect(other.get_by_text("Signed in as ada")).to_be_attached()
    expect(other.get_by_text("You can read")).to_be_visible()
    expect(other.get_by_text("Users and keys")).to_have_count(0)

    tab.get_by_role("button", name="New key, or remove ada").or_(
        tab.locator(".st-key-menu-user-ada").get_by_role("button")
    ).first.click()
    tab.get_by_role("menuitem", name="Remove").or_(
        tab.get_by_text("Remove", exact=True)
    ).first.click()
    tab.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(tab.locator(".st-key-user-ada")).to_have_count(0)
    # The status asks by itself, so that whoever is no longer let in learns it without a click.
    expect(other.get_by_label("API key")).to_be_visible()
    tab.close()
    other.close()


def make_key(tab: Page, field: str, name: str) -> None:
    box = tab.get_by_label(field)
    box.fill(name)
    tab.get_by_role("button", name="Make a key").click()
    expect(tab.get_by_text(f"The key of {name}, which is shown only now")).to_be_visible()


def test_on_a_phone_nothing_of_the_status_is_cut_off(fake: FakeStack, open_tab: Opener) -> None:
    tab = open_tab(fake.url + STATUS, viewport={"width": 390, "height": 800})
    expect(tab.get_by_text("All is well")).to_be_visible()
    expect(tab.get_by_text("The library holds")).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_service_that_is_killed_comes_back_and_what_it_had_answered_is_there(
    real: RealStack, open_tab: Opener
) -> None:
    tab, watcher = open_tab(real.url), open_tab(real.url + STATUS)
    expect(watcher.get_by_text("Reachable since")).to_be_visible()
    real.answer(f"{SENTENCE} " + "That leaves room for the other programs. " * 40, 0.1)
    ask(tab, "How much memory does a 70B model need in FP4?")
    expect(tab.get_by_text("That leaves room").first).to_be_visible()
    os.kill(service_of(real), signal.SIGKILL)
    told = tab.get_by_text("the service stopped while this answer was being written")
    expect(told).to_have_count(1)  # while the page is drawn anew there may be two
    expect(told).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
    assert tab.locator(".prose.answer").last.inner_text().startswith(SENTENCE)
    expect(watcher.get_by_text("Reachable since")).to_be_visible()
    real.answer(f"{SENTENCE} [1]", rewritten="How much memory does a 70B model need in FP4?")
    ask(tab, "How much memory does a 70B model need in FP4?")
    expect(tab.get_by_role("button", name="Open source 1")).to_be_visible()


def ask(tab: Page, question: str) -> None:
    tab.get_by_test_id("stChatInputTextArea").fill(question)
    tab.keyboard.press("Enter")


def service_of(stack: RealStack) -> int:
    """The process of the service, a child of ``alcove up``."""
    supervisor = stack._process.pid
    listed = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return next(
        int(pid)
        for pid in listed
        if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    )
