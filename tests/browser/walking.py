"""Walks through every view of a page that is full, timed; the table of it by hand.

``python -m tests.browser.walking FOLDER`` measures on a copy of the crowded home in ``FOLDER``; if there is none, it
is filled and used itself.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.crowd import DOCUMENTS, crowded_stack, question
from tests.browser.measuring import Timings, Until, begin, click, press, table, taken, watch

__all__ = ["ANSWERED", "PAGES", "TIMES", "measured", "settled", "together"]

TIMES, ROUNDS, PAGES = 20, 3, 8
ANSWERED = "ask and be answered"
_ROWS, _RANKS = ".shelf tbody tr", '[data-list="hits"] .row'
_VIEWS = {
    "library": Until(_ROWS),
    "inspect": Until(".st-key-inspect"),
    "evaluate": Until(".st-key-evaluate"),
    "status": Until(".st-key-holdings"),
    "chat": Until(".st-key-chat"),
}
_WELCOME = Until(".st-key-welcome")
_DONE = Until(
    "[class*='st-key-footer-']"
)  # under an answer that is complete, or says that there is none
_LINE = "stChatInputTextArea"


def settled(tab: Page) -> None:
    """Watch a tab that was just opened, once the page is there."""
    watch(tab)
    expect(tab.locator(".st-key-chat")).to_be_visible()
    expect(_threads(tab).first).to_be_visible()


def measured(tab: Page, times: int = TIMES) -> Timings:
    """Every interaction, ``times`` over; one round before, which opens what is kept, does not count."""
    settled(tab)
    timings: Timings = defaultdict(list)
    for n in range(times + 1):
        for walk in (_views, _talks, _shelves, _inspects, _asks):
            walk(tab, n, timings)
    return {name: values[1:] for name, values in timings.items()}


def together(tabs: Sequence[Page], rounds: int = ROUNDS) -> Timings:
    """The same things pressed on every one of ``tabs`` at the same time."""
    timings: Timings = defaultdict(list)
    for tab in tabs:
        settled(tab)
    for n in range(rounds):
        for view, until in _VIEWS.items():
            _at_once(timings, f"open {view}", tabs, f".st-key-nav-{view} button", until)
        for at, tab in enumerate(tabs):
            thread = _threads(tab).nth((n + at) % PAGES)
            begin(tab, _head(thread))
            thread.evaluate("element => element.click()")
        timings["open a conversation"] += [taken(tab) for tab in tabs]
        source = "[class*=st-key-sources-] button"
        _at_once(timings, "open a citation", tabs, source, Until(".prose.source mark"))
        _at_once(timings, "start a new chat", tabs, ".st-key-new-chat button", _WELCOME)
        for at, tab in enumerate(tabs):
            tab.get_by_test_id(_LINE).fill(question(100 * n + at + 1))
            begin(tab, _DONE)
            tab.keyboard.press("Enter")
        timings[ANSWERED] += [taken(tab) for tab in tabs]
    return timings


def _at_once(timings: Timings, name: str, tabs: Sequence[Page], css: str, until: Until) -> None:
    for tab in tabs:
        tab.locator(css).first.wait_for()
    for tab in tabs:
        begin(tab, until)
        tab.locator(css).first.evaluate("element => element.click()")
    timings[name] += [taken(tab) for tab in tabs]


def _threads(tab: Page) -> Locator:
    """The conversations that were there before; in those begun here nothing may have been cited."""
    return tab.locator("[class*='st-key-thread-'] button").filter(has_text="What is written")


def _head(thread: Locator) -> Until:
    return Until(".st-key-chat-head", thread.inner_text().strip())


def _views(tab: Page, n: int, timings: Timings) -> None:
    for view, until in _VIEWS.items():
        button = tab.locator(f".st-key-nav-{view} button")
        timings[f"open {view}"].append(click(button, until))


def _talks(tab: Page, n: int, timings: Timings) -> None:
    """Conversations: opened, with a source, listed further and found."""
    thread = _threads(tab).nth(n % 15)
    timings["open a conversation"].append(click(thread, _head(thread)))
    source = tab.locator("[class*='st-key-sources-'] button").first
    timings["open a citation"].append(click(source, Until(".prose.source mark")))
    close = tab.locator(".st-key-close-viewer button").first  # there is one for the narrow page too
    timings["close the citation"].append(click(close, Until(".st-key-viewer", count=0)))
    more = tab.locator(".st-key-more-threads button")
    shown = int(more.inner_text().split()[-3])
    beyond = Until(".st-key-more-threads", f"{2 * shown} of")
    timings["show more conversations"].append(click(more, beyond))
    find = tab.get_by_placeholder("Find in conversations")
    snippets = "[class*='st-key-snippet-']"
    timings["find conversations (typed)"].append(_typed(find, f"box {n + 30}", Until(snippets)))
    timings["show them all again (typed)"].append(_typed(find, "", Until(snippets, count=0)))
    new = tab.locator(".st-key-new-chat button")
    timings["start a new chat"].append(click(new, _WELCOME))


def _typed(field: Locator, words: str, until: Until) -> float:
    """Type where every pause in typing is a search; the pause that it waits for counts."""
    begin(field.page, until)
    field.fill(words)
    return taken(field.page)


def _shelves(tab: Page, n: int, timings: Timings) -> None:
    """The library: found, narrowed, turned, and a document opened."""
    click(tab.locator(".st-key-nav-library button"), Until(_ROWS))
    whole, pages = f"of {DOCUMENTS:,} documents", ".st-key-library-pages"
    find = tab.get_by_placeholder("Find by")
    find.fill(f"box-{n:02}")
    timings["find documents"].append(press(tab, "Enter", Until(pages, " of 100 documents")))
    find.fill("")
    timings["show all documents again"].append(press(tab, "Enter", Until(pages, whole)))
    states = tab.locator(".st-key-find-state button")
    narrowed = click(states.filter(has_text="Damaged"), Until(pages, "50 documents"))
    timings["narrow by state"].append(narrowed)
    click(states.filter(has_text="All"), Until(pages, whole))
    turned = click(tab.locator(".st-key-page-after button"), Until(pages, "51 to 100"))
    timings["turn the page of documents"].append(turned)
    name = tab.locator(_ROWS).nth(n).locator("button.name")
    timings["open a document"].append(click(name, Until(".st-key-document-buttons")))
    back = tab.locator(".st-key-back-to-list button")
    timings["back to the list"].append(click(back, Until(_ROWS)))
    click(tab.locator(".st-key-page-before button"), Until(pages, "1 to 50"))


def _inspects(tab: Page, n: int, timings: Timings) -> None:
    """A query, and another number of passages."""
    click(tab.locator(".st-key-nav-inspect button"), _VIEWS["inspect"])
    tab.get_by_label("Query").fill(question(50 * n + 1))
    asked = (Until(_RANKS), Until(".prose.source", f"box {50 * n + 1} "))
    timings["inspect a query"].append(press(tab, "Enter", *asked))
    passages = 3 + n % 5
    tab.get_by_label("Passages").fill(str(passages))
    changed = press(tab, "Enter", Until(_RANKS, count=passages))
    timings["change how many passages"].append(changed)


def _asks(tab: Page, n: int, timings: Timings) -> None:
    """A question, until its answer stands."""
    click(tab.locator(".st-key-new-chat button"), _WELCOME)
    tab.get_by_test_id(_LINE).fill(question(n + 1))
    timings[ANSWERED].append(press(tab, "Enter", _DONE))


def _main(folder: Path) -> None:
    from tests.browser.conftest import chromium

    with (
        tempfile.TemporaryDirectory() as copy,
        crowded_stack(_copied(folder, Path(copy))) as url,
        chromium() as browser,
    ):

        def opened() -> Page:
            tab = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            tab.set_default_timeout(60_000)
            tab.goto(url)
            return tab

        print(table(measured(opened())), flush=True)
        print(
            f"\n{PAGES} pages at once", table(together([opened() for _ in range(PAGES)])), sep="\n"
        )


def _copied(folder: Path, copy: Path) -> Path:
    if (folder / "home").exists():
        shutil.copytree(folder / "home", copy / "home")
        return copy
    return folder


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
