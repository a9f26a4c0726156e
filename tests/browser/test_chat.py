"""What an analyst does in the chat, in a real browser: on the fake service and on the whole product."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chatting import (
    ANSWER,
    QUESTION,
    SENTENCE,
    Opener,
    answer,
    ask,
    asked,
    ended,
    gold_box,
    overlap,
    yellow_box,
)  # fmt: skip
from tests.browser.stacks import FakeStack, Stack
from tests.service_bench import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NOTE = "Please write it down: a 70B model needs 140 GB."


def test_a_citation_opens_its_page_with_a_box_where_the_span_stands(
    stack: Stack, open_tab: Opener
) -> None:
    tab = open_tab(stack.url)
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    asked(tab, stack)
    assert answer(tab).startswith(SENTENCE)
    expect(
        tab.get_by_role("button", name=re.compile(r"1 quantization-formats\.pdf"))
    ).to_be_visible()
    assert "thread=" in tab.url
    tab.get_by_role("button", name="Open source 1").click()
    expect(tab.get_by_text(re.compile(r"quantization-formats\.pdf · page 2 of 3"))).to_be_visible()
    picture = tab.get_by_alt_text(re.compile("Page 2 of"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 1000
    assert overlap(yellow_box(picture), gold_box()) > 0.5
    expect(tab.locator(".prose.quote mark")).to_contain_text(SENTENCE)


def test_in_a_long_conversation_question_and_source_stay_in_view(
    stack: Stack, open_tab: Opener
) -> None:
    tab = open_tab(stack.url)
    asked(tab, stack)
    cited = tab.get_by_role("button", name="Open source 1")
    for number, text in ((2, "A long story.\n\n" * 60 + ANSWER), (3, ANSWER)):
        stack.answer(text, rewritten=QUESTION)
        ask(tab, QUESTION)
        expect(tab.locator(".prose.question")).to_have_count(number)
        expect(tab.locator(".prose.question").last).to_be_in_viewport()
        expect(cited).to_have_count(number)
        ended(tab)
        expect(tab.get_by_role("button", name="Copy")).to_have_count(number)  # it is the stored one
    expect(cited.last).to_be_in_viewport()
    cited.last.click()
    expect(tab.get_by_alt_text(re.compile("Page 2 of"))).to_be_in_viewport()


def test_a_reload_in_the_middle_shows_the_whole_answer(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    stack.answer(
        f"{SENTENCE} [1] " + "That leaves room for the context and the other programs. " * 3, 0.12
    )
    ask(tab, QUESTION)
    expect(tab.get_by_text("A 70B model needs")).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_be_visible()
    tab.reload()
    expect(tab.get_by_role("button", name="Stop")).to_be_visible()
    ended(tab)
    expect(tab.get_by_role("button", name=re.compile("1 quantization"))).to_be_visible()
    assert answer(tab).startswith(SENTENCE)
    assert answer(tab).count("That leaves room") == 3


def test_twenty_clicks_in_the_middle_lose_no_word(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    counted = " ".join(f"word{n}" for n in range(60))
    stack.answer(f"{SENTENCE} [1] {counted}", 0.08)
    ask(tab, QUESTION)
    expect(tab.get_by_text("A 70B model needs")).to_be_visible()
    modes = tab.get_by_test_id("stButtonGroup")
    for _ in range(10):
        modes.get_by_text("Search only").click()
        modes.get_by_text("Answer", exact=True).click()
    ended(tab)
    expect(tab.get_by_role("button", name=re.compile("1 quantization"))).to_be_visible()
    assert [w for w in answer(tab).split() if w.startswith("word")] == counted.split()


def test_a_source_pressed_while_the_page_draws_the_complete_answer_opens(
    fake: FakeStack, open_tab: Opener
) -> None:
    tab = open_tab(fake.url)
    fake.answer(f"{ANSWER} " + "That leaves room. " * 10, 0.05)
    ask(tab, QUESTION)
    cited = tab.get_by_role("button", name="Open source 1")
    expect(cited).to_be_visible()
    held = fake.service.store.held
    thread = tab.url.split("thread=")[1]
    held[path := f"/v1/threads/{thread}"] = 0
    until(lambda: held[path])  # the answer has ended, and the page asks for it as it is stored
    cited.click()
    del held[path]
    expect(tab.get_by_alt_text(re.compile("Page 2 of"))).to_be_visible()
    assert answer(tab).count("That leaves room") == 10


def test_a_stopped_answer_keeps_what_was_written(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    stack.answer("Many words follow each other here. " * 20, 0.1)
    ask(tab, QUESTION)
    expect(tab.get_by_text("Many words follow")).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_text("Stopped before its end")).to_be_visible()
    assert answer(tab).startswith("Many words follow")


def test_a_conversation_is_pinned_renamed_deleted_and_had_back(
    stack: Stack, open_tab: Opener
) -> None:
    tab = open_tab(stack.url)
    asked(tab, stack)
    title = f"Memory {uuid.uuid4().hex[:6]}"
    row = tab.locator("[class*=st-key-open-thread]")
    _choose(tab, "Rename")
    tab.get_by_role("dialog").get_by_label("Title").fill(title)
    tab.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(row.get_by_text(title)).to_be_visible()
    _choose(tab, "Pin")
    expect(tab.get_by_test_id("stSidebar").get_by_text("Pinned")).to_be_visible()
    _choose(tab, "Delete")
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    expect(tab.get_by_text(f"“{title}” was deleted.")).to_be_visible()
    expect(tab.get_by_test_id("stSidebar").get_by_text(title)).to_have_count(0)
    tab.get_by_role("button", name="Undo").click()
    expect(row.get_by_text(title)).to_be_visible()
    expect(tab.get_by_role("button", name="Open source 1")).to_be_visible()
    expect(tab.get_by_role("button", name="Undo")).to_have_count(0)
    _choose(tab, "Unpin")
    expect(tab.get_by_test_id("stSidebar").get_by_text("Pinned")).to_have_count(0)


def _choose(tab: Page, wish: str) -> None:
    tab.locator("[class*=st-key-open-thread]").get_by_role("button").last.click()
    tab.get_by_role("menuitem", name=wish, exact=True).or_(
        tab.get_by_test_id("stMenuButtonPopover").get_by_text(wish, exact=True)
    ).first.click()


def test_an_answer_is_copied_and_its_conversation_saved(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url, permissions=["clipboard-read", "clipboard-write"])
    asked(tab, stack)
    copy = tab.get_by_role("button", name="Copy")
    copy.focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(SENTENCE)
    assert re.search(r"1\. \S*quantization-formats\.pdf, page 2: “", copied)
    for kind, ending in (("Markdown", "md"), ("Web page", "html")):
        if not tab.get_by_role("button", name=kind).is_visible():
            tab.locator(".st-key-chat-head").get_by_role("button").last.click()
        with tab.expect_download() as saved:
            tab.get_by_role("button", name=kind).click()
        assert saved.value.suggested_filename == f"conversation.{ending}"
        assert "35 to 40 GB" in saved.value.path().read_text("utf-8")


def test_a_search_lists_passages_of_the_pages_that_are_chosen(
    stack: Stack, open_tab: Opener
) -> None:
    tab = open_tab(stack.url)
    tab.get_by_test_id("stButtonGroup").get_by_text("Search only").click()
    tab.get_by_role("button", name="Filters").click()
    for name, then in (("From page", "Pages from 2"), ("To page", "Pages 2 to 2")):
        tab.get_by_label(name).fill("2")
        tab.keyboard.press("Tab")
        chip = tab.get_by_role("button", name=then)
        expect(chip).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_label("From page")).to_have_count(0)
    ask(tab, QUESTION)
    expect(tab.get_by_text("nothing was written")).to_be_visible()
    found = tab.locator("[class*=st-key-there-found-]")
    expect(found.first).to_contain_text("A 70B model needs about 140 GB")
    expect(found.first.get_by_role("button")).to_have_text(re.compile(r"1 .*, p\. 2"))
    found.first.get_by_role("button").click()
    expect(tab.get_by_alt_text(re.compile("Page 2 of"))).to_be_visible()
    chip.click()
    expect(chip).to_have_count(0)


def test_everything_is_reached_by_keys(fake: FakeStack, open_tab: Opener) -> None:
    tab = open_tab(fake.url)
    fake.answer("One [1]. Two [2].")
    line = tab.get_by_test_id("stChatInputTextArea")
    line.focus()
    tab.keyboard.type("How much memory does")
    tab.keyboard.press("Shift+Enter")
    tab.keyboard.type("a 70B model need in FP4?")
    expect(line).to_have_value("How much memory does\na 70B model need in FP4?")
    tab.keyboard.press("Enter")
    cited = tab.get_by_role("button", name="Open source 1")
    expect(cited).to_be_visible()
    ended(tab)
    cited.focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_text(re.compile("Source 1 ·"))).to_be_visible()
    expect(cited).to_be_focused()
    tab.keyboard.press("ArrowRight")
    expect(tab.get_by_text(re.compile("Source 2 ·"))).to_be_visible()
    tab.keyboard.press("ArrowLeft")
    expect(tab.get_by_text(re.compile("Source 1 ·"))).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator(".st-key-viewer")).to_have_count(0)
    thumb = tab.locator("[class*=st-key-thumb-thumb_up]").get_by_role("button")
    thumb.focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("You called this right.")).to_be_visible()


def test_a_wrong_source_is_said_under_the_answer(fake: FakeStack, open_tab: Opener) -> None:
    tab = open_tab(fake.url)
    asked(tab, fake)
    tab.get_by_role("button", name="Wrong source").click()
    expect(tab.get_by_text("What would have been right?").first).to_be_visible()
    tab.get_by_text("The documents do not say").click()
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("You called this wrong: the documents do not say.")).to_be_visible()


def test_a_call_is_seen_exactly_edited_approved_and_rejected(
    fake: FakeStack, open_tab: Opener
) -> None:
    tab = open_tab(fake.url)
    fake.answer("It is noted.")
    ask(tab, NOTE)
    expect(tab.get_by_text("May the agent write a note?")).to_be_visible()
    expect(tab.locator(".prose.log").get_by_text(NOTE, exact=True)).to_be_visible()
    tab.get_by_text("Edit before approving").click()
    tab.get_by_label("text", exact=True).fill("140 GB")
    tab.keyboard.press("Tab")
    tab.get_by_role("button", name="Approve as edited").click()
    expect(tab.get_by_text("You approved of this.")).to_be_visible()
    expect(tab.get_by_text("It is noted.")).to_be_visible()
    ended(tab)
    ask(tab, NOTE)
    tab.get_by_role("button", name="Reject", exact=True).click()
    expect(tab.get_by_text("You rejected this; it was not done.")).to_be_visible()
    ended(tab)
    verdicts = [a["verdict"] for a in fake.service.store.approvals.values()]
    assert verdicts == ["edit", "reject"]
    assert next(iter(fake.service.store.approvals.values()))["arguments"]["text"] == "140 GB"


def test_conversations_are_found_by_their_words(fake: FakeStack, open_tab: Opener) -> None:
    threads = fake.service.store.threads
    when = "2026-03-01T10:00:00.000+00:00"
    for n in range(500):
        head = {"id": f"x{n}", "title": f"Talk {n}", "created": when, "updated": when}
        threads[f"x{n}"] = {**head, "pinned": False, "messages": []}
    try:
        tab = open_tab(fake.url)
        asked(tab, fake)
        side = tab.get_by_test_id("stSidebar")
        expect(
            side.get_by_role("button", name=re.compile(r"Show more · 30 of 5\d\d"))
        ).to_be_visible()
        tab.get_by_placeholder("Find in conversations").fill("memory FP4 70b")
        rows = side.locator("[class*=st-key-thread-] button")
        expect(side.get_by_text("Talk 499")).to_have_count(0)
        expect(rows.filter(has_text=QUESTION[:20]).first).to_be_visible()
        tab.get_by_placeholder("Find in conversations").fill("no such words")
        expect(side.get_by_text("No conversation has all of these words.")).to_be_visible()
    finally:
        for n in range(500):
            del threads[f"x{n}"]


def test_two_pages_share_a_conversation_and_say_what_stands_in_the_way(
    fake: FakeStack, open_tab: Opener
) -> None:
    one = open_tab(fake.url)
    asked(one, fake)
    other = open_tab(one.url)
    expect(other.get_by_role("button", name="Open source 1")).to_be_visible()
    fake.answer("Slowly it goes on and on. " * 6, 0.1)
    ask(one, QUESTION)
    expect(one.get_by_text("Slowly it goes")).to_be_visible()
    ask(other, "And in FP8?")
    expect(other.get_by_text(re.compile("still being written here"))).to_be_visible()
    expect(other.get_by_text("Slowly it goes")).to_be_visible()
    ended(other)
    fake.service.store.threads.clear()
    ask(other, "And in FP8?")
    expect(other.get_by_text(re.compile("was deleted meanwhile"))).to_be_visible()
