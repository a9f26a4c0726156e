"""What people do in the library, in a real browser: on the fake service and on the whole product."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.stacks import FakeStack, Stack
from tests.ui.fake_papers import Paper, make_pdf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Opener = Callable[..., Page]
READ_MS = 90_000  # the first file waits until the encoder is loaded


def _library(stack: Stack, open_tab: Opener, **options: object) -> Page:
    tab = open_tab(stack.url + "/?view=library", **options)
    expect(tab.locator("input[type=file]")).to_have_count(1)
    return tab


def _choose(tab: Page, *files: tuple[str, bytes]) -> None:
    tab.locator("input[type=file]").set_input_files(
        [{"name": n, "mimeType": "application/octet-stream", "buffer": data} for n, data in files]
    )


def _add(tab: Page, *files: tuple[str, bytes]) -> Locator:
    """Add files and wait until they are read; the list of what became of them."""
    _choose(tab, *files)
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    tab.get_by_role("button", name=f"Add {count}").dblclick()  # twice is once
    expect(tab.get_by_role("button", name="Dismiss")).to_be_visible(timeout=READ_MS)
    expect(tab.locator("ul.files")).to_have_count(1)  # for a moment there is the old one too
    expect(tab.locator(".st-key-chosen")).to_have_count(0)
    return tab.locator("ul.files")


def _row(tab: Page, name: str) -> Locator:
    return tab.locator(".shelf tbody tr").filter(has_text=name)


def _find(tab: Page, words: str) -> None:
    tab.get_by_placeholder("Find by name").fill(words)
    tab.keyboard.press("Enter")


def _ask(tab: Page, question: str) -> None:
    tab.get_by_role("button", name="New chat").click()
    tab.get_by_test_id("stChatInputTextArea").fill(question)
    tab.keyboard.press("Enter")


@pytest.fixture
def tag() -> str:
    """A word that no other test's files have."""
    return uuid.uuid4().hex[:6]


def test_of_ten_files_three_are_bad_and_each_says_why(
    stack: Stack, open_tab: Opener, tag: str
) -> None:
    tab = _library(stack, open_tab)
    good = [(f"note-{n}-{tag}.txt", f"Note {n} of {tag}.".encode()) for n in range(7)]
    bad = [
        (f"empty-{tag}.txt", b""),
        (f"odd-{tag}.xyz", b"\x00\x01\x02"),
        (f"b-{tag}.bin", b"\x7f\x00"),
    ]
    files = _add(tab, *good, *bad)
    expect(files.locator("li")).to_have_count(10)
    first = files.locator("li").filter(has=tab.locator(".words"))
    expect(first).to_have_count(3)
    expect(files.locator("li").nth(0).locator(".words")).not_to_be_empty()
    for name, _ in bad:
        expect(files.locator("li").filter(has_text=name).locator(".words")).not_to_be_empty()
    _find(tab, tag)
    expect(tab.locator(".shelf tbody tr")).to_have_count(10)


def test_what_is_deleted_is_not_found_any_more_and_comes_back_when_it_is_undone(
    stack: Stack, open_tab: Opener, tag: str
) -> None:
    tab = _library(stack, open_tab)
    name, secret = f"canteen-{tag}.pdf", f"The canteen {tag} opens at half past eleven."
    _add(tab, (name, make_pdf(((f"The canteen {tag}", secret),))))
    _find(tab, name)
    _row(tab, name).get_by_role("checkbox").check()
    tab.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.get_by_text("was deleted.")).to_be_visible()
    expect(_row(tab, name)).to_have_count(0)
    tab.get_by_role("button", name="Undo").click()
    expect(_row(tab, name)).to_have_count(1)
    _row(tab, name).get_by_role("button").click()
    tab.get_by_role("button", name="Delete").click()
    expect(tab.get_by_text("was deleted.")).to_be_visible()
    stack.answer(f"{secret} [1]")
    _ask(tab, f"When does the canteen {tag} open?")
    expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
    expect(tab.locator(".prose.question")).to_have_count(1)
    expect(
        tab.get_by_role("button", name=re.compile(name.replace(".", r"\."))).first
    ).to_have_count(0)


def test_an_uploaded_pdf_is_read_and_can_be_asked_about(
    stack: Stack, open_tab: Opener, tag: str
) -> None:
    tab = _library(stack, open_tab)
    secret = "The canteen opens at half past eleven."
    _add(tab, (f"canteen-{tag}.pdf", make_pdf((("The canteen", secret, "It closes at two."),))))
    stack.answer(f"{secret} [1]")
    _ask(tab, "When does the canteen open?")
    expect(tab.get_by_role("button", name=re.compile("canteen-.*p. 1")).first).to_be_visible()
    assert secret in tab.locator(".prose.answer").last.inner_text()


def test_chunks_are_seen_and_cut_anew_with_another_strategy(
    stack: Stack, open_tab: Opener, tag: str
) -> None:
    tab = _library(stack, open_tab)
    text = " ".join(f"Sentence {n} of {tag} stands here for itself." for n in range(12))
    _add(tab, (f"story-{tag}.txt", text.encode()))
    _find(tab, f"story-{tag}")
    _row(tab, f"story-{tag}").get_by_role("button").click()
    expect(tab.locator(".prose.source")).to_contain_text(f"Sentence 11 of {tag}")
    tab.get_by_role("radio", name="Chunks").click()
    expect(tab.locator(".chunk").first).to_contain_text(f"Sentence 0 of {tag}")
    tab.get_by_role("button", name="Cut anew").click()
    tab.get_by_test_id("stSelectbox").filter(has_text="Strategy").locator("input").click()
    tab.get_by_role("option", name="sentence_window").click()
    tab.get_by_role("button", name="Cut", exact=True).click()
    expect(tab.get_by_text("Cut anew; the chunks below")).to_be_visible(timeout=READ_MS)
    expect(tab.get_by_text("cut by sentence")).to_be_visible()


def test_names_with_line_breaks_and_direction_marks_are_shown_plainly(
    stack: Stack, open_tab: Opener, tag: str
) -> None:
    tab = _library(stack, open_tab)
    files = _add(tab, (f"invoice\u202efdp\n{tag}.txt", b"It says so."))
    expect(files.locator("li")).to_contain_text(f"invoice fdp {tag}.txt")
    assert "\u202e" not in tab.locator("body").inner_text()


def test_a_file_over_the_limit_is_refused_before_it_is_sent(
    fake: FakeStack, open_tab: Opener
) -> None:
    fake.service.store.largest_mib = 1
    try:
        tab = _library(fake, open_tab)
        for _ in range(10):  # the page may know the limit from seconds ago
            if tab.get_by_text("A file over 1 MB has to be split").is_visible():
                break
            tab.wait_for_timeout(2000)
            tab.reload()
            expect(tab.get_by_text(re.compile("has to be split"))).to_be_visible()
        expect(tab.get_by_text("A file over 1 MB has to be split")).to_be_visible()
        _choose(tab, ("huge.txt", b"x" * 1_100_000), ("small.txt", b"It says so."))
        expect(tab.get_by_text("File must be 1.0MB or smaller")).to_be_visible()
        expect(tab.get_by_role("button", name="Add 1 file")).to_be_visible()
    finally:
        fake.service.store.largest_mib = 200


def test_files_are_kept_while_the_service_is_away_and_sent_when_it_is_back(
    fake: FakeStack, open_tab: Opener, tag: str
) -> None:
    tab = _library(fake, open_tab)
    _choose(tab, (f"a-{tag}.txt", b"It says so."), (f"b-{tag}.txt", b"And this."))
    expect(tab.get_by_role("button", name="Add 2 files")).to_be_visible()
    fake.service.stop()
    try:
        tab.get_by_role("button", name="Add 2 files").click()
        expect(tab.get_by_text("Alcove is not answering")).to_be_visible()
    finally:
        fake.service.start()
    expect(tab.get_by_role("button", name="Dismiss")).to_be_visible()
    assert [p for p in fake.service.store.papers.values() if p.source == f"upload:b-{tag}.txt"]


def test_a_list_of_thousands_is_turned_over_page_by_page_also_on_a_phone(
    fake: FakeStack, open_tab: Opener
) -> None:
    many = [
        Paper(f"r/{n:04}.md", f"Report {n}", "It says so.", "text/markdown", "thousands")
        for n in range(2_000)
    ]
    fake.service.store.papers |= {paper.id: paper for paper in many}
    try:
        tab = _library(fake, open_tab, viewport={"width": 390, "height": 800}, has_touch=True)
        _find(tab, "report")
        expect(tab.get_by_text("1 to 50 of 2,000 documents")).to_be_visible()
        tab.get_by_role("button", name="Next").click()
        expect(tab.get_by_text("51 to 100 of 2,000 documents")).to_be_visible()
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        for paper in many:
            del fake.service.store.papers[paper.id]


def test_a_watched_folder_is_read_and_read_again_when_it_changes(
    real: Stack, open_tab: Opener, tag: str
) -> None:
    tab = _library(real, open_tab)
    tab.get_by_text("Watched folders", exact=True).click()
    where = tab.get_by_label("Folder", exact=True)
    expect(where).not_to_have_value("")
    folder = Path(where.input_value()) / f"watched-{tag}"
    folder.mkdir()
    (folder / "first.txt").write_text(f"The first of {tag}.")
    where.fill(str(folder))
    collection = tab.get_by_role("combobox", name=re.compile("Collection"))
    collection.fill(tag)
    collection.press("Enter")
    tab.get_by_role("button", name="Watch", exact=True).click()
    row = tab.locator("[class*=st-key-folder-]").filter(has_text=f"watched-{tag}")
    expect(row).to_contain_text("Ready 1", timeout=READ_MS)
    (folder / "second.txt").write_text(f"The second of {tag}.")
    expect(row).to_contain_text("Ready 2", timeout=READ_MS)
    row.get_by_role("button", name="Show").click()
    expect(tab.locator(".shelf tbody tr")).to_have_count(2)
