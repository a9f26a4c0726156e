"""Bad input and bad days in a real browser: the page says what happened and what to do, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stacks import FakeStack, Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

Opener = Callable[..., Page]
QUESTION = "How much memory does a 70B model need in FP4?"
SENTENCE = "A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4."
AWAY = "Alcove is not answering"
LINE = "stChatInputTextArea"


@pytest.fixture
def fresh(fake: FakeStack) -> Iterator[FakeStack]:
    """The fake with its own papers, up, and without conversations, before and after."""
    held = fake.service.store
    papers = dict(held.papers)
    yield fake
    held.papers = papers
    held.threads.clear()


def ask(tab: Page, question: str) -> None:
    tab.get_by_test_id(LINE).fill(question)
    tab.keyboard.press("Enter")


def asked(tab: Page, stack: Stack, answer: str = f"{SENTENCE} [1]") -> None:
    stack.answer(answer)
    ask(tab, QUESTION)
    expect(tab.get_by_role("button", name="Open source 1").last).to_be_visible()
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_page_opened_while_the_service_is_down_says_so_and_opens_by_itself(
    fresh: FakeStack, open_tab: Opener
) -> None:
    fresh.service.stop()
    try:
        tab = open_tab(fresh.url)
        expect(tab.get_by_text(AWAY)).to_be_visible()
        expect(tab.get_by_text("alcove up")).to_be_visible()
    finally:
        fresh.service.start()
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    expect(tab.get_by_text(AWAY)).to_have_count(0)


def test_what_was_typed_outlives_an_outage(fresh: FakeStack, open_tab: Opener) -> None:
    tab = open_tab(fresh.url)
    asked(tab, fresh)
    tab.get_by_test_id(LINE).fill("A question that took a while to write")
    fresh.service.stop()
    try:
        tab.get_by_role("button", name="Open source 1").click()
        expect(tab.get_by_text(AWAY)).to_be_visible()
    finally:
        fresh.service.start()
    expect(tab.get_by_text(AWAY)).to_have_count(0)
    expect(tab.get_by_test_id(LINE)).to_have_value("A question that took a while to write")
    expect(tab.get_by_role("button", name="Open source 1")).to_be_visible()


def test_a_question_sent_into_an_outage_is_not_lost(fresh: FakeStack, open_tab: Opener) -> None:
    tab = open_tab(fresh.url)
    asked(tab, fresh)
    fresh.service.stop()
    try:
        ask(tab, "Is the third question lost?")
        expect(tab.get_by_text(AWAY)).to_be_visible()
    finally:
        fresh.service.start()
    expect(tab.get_by_text(AWAY)).to_have_count(0)
    expect(tab.get_by_test_id(LINE)).to_have_value("Is the third question lost?")


def test_an_answer_goes_on_when_the_service_comes_back(stack: Stack, open_tab: Opener) -> None:
    tab = open_tab(stack.url)
    asked(tab, stack)
    stack.restart_service()
    stack.answer(f"{SENTENCE} [1]", rewritten=QUESTION)
    ask(tab, "And once more, please: how much in FP4?")
    expect(tab.get_by_role("button", name="Open source 1")).to_have_count(2)


def test_the_quote_of_a_deleted_document_is_shown_as_such(
    fresh: FakeStack, open_tab: Opener
) -> None:
    tab = open_tab(fresh.url)
    asked(tab, fresh)
    papers = fresh.service.store.papers
    fresh.service.store.papers = {
        id: paper for id, paper in papers.items() if "quantization" not in paper.source
    }
    again = open_tab(tab.url)  # without what the first tab had read
    again.get_by_role("button", name="Open source 1").click()
    expect(again.get_by_text("no longer in the library")).to_be_visible()
    expect(again.locator(".st-key-viewer mark")).to_contain_text(SENTENCE)


def test_a_conversation_deleted_on_one_page_is_missed_on_the_other_and_its_question_is_kept(
    fresh: FakeStack, open_tab: Opener
) -> None:
    tab = open_tab(fresh.url)
    asked(tab, fresh)
    fresh.service.store.threads.clear()
    ask(tab, "Is anybody there?")
    expect(tab.get_by_text("What do you want to know?")).to_be_visible()
    expect(tab.get_by_test_id(LINE)).to_have_value("Is anybody there?")


def put(tab: Page, *files: str | Path | dict[str, object]) -> None:
    tab.locator("input[type=file]").first.set_input_files(list(files))  # type: ignore[arg-type]


def test_files_of_nothing_and_of_strange_names_are_named_in_words(
    stack: Stack, open_tab: Opener
) -> None:
    tab = open_tab(f"{stack.url}/?view=library")
    strange = "in\nvoice\u202efdp.exe\u202c \u2067x\u2069 <b>.txt"
    put(
        tab,
        {"name": "nothing.txt", "mimeType": "text/plain", "buffer": b""},
        {"name": strange, "mimeType": "text/plain", "buffer": b"A few words about herons."},
    )
    tab.get_by_role("button", name="Add 2 files").click()
    expect(tab.get_by_text(re.compile(r"nothing\.txt")).first).to_be_visible()
    expect(tab.get_by_text("No text").first).to_be_visible()
    shown = tab.get_by_test_id("stMain").inner_text()
    assert not set("\u202e\u2066\u2067") & set(shown)


@pytest.mark.full
def test_a_file_of_300_mb_ends_in_words_and_the_page_goes_on(
    stack: Stack, open_tab: Opener, tmp_path: Path
) -> None:
    big = tmp_path / "big.txt"
    with big.open("wb") as file:
        for _ in range(300):
            file.write(b"a line of a log that nobody reads\n" * 30_000)
    tab = open_tab(f"{stack.url}/?view=library")
    put(tab, big)
    expect(tab.get_by_text(re.compile(r"File must be 200(\.0)? ?MB or smaller"))).to_be_visible()
    expect(tab.get_by_text("A file over 200 MB has to be split")).to_be_visible()
    expect(tab.get_by_role("button", name="Add 1 file")).to_have_count(0)
    tab.get_by_role("button", name="Chat", exact=True).click()
    asked(tab, stack)
