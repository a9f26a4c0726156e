"""The source beside the answer, against the fake service."""

from __future__ import annotations

from pathlib import Path

import corpus
from tests.ui.asking import Opener, answered, ask, has_button, press
from tests.ui.conftest import prose, until, words
from tests.ui.fake_service import FakeService

SAMPLE = Path(corpus.__file__).parent / "sample"


def test_a_citation_opens_the_page_it_stands_on(open_page: Opener) -> None:
    page = press(answered(open_page()), "quantization")
    assert "Source 1 · quantization\\-formats\\.pdf · page 2 of 3" in words(page)
    assert len(page.image) == 1
    assert prose(page, "quote") == [
        "<A 70B model needs about 140 GB in FP16 and 35 to 40 GB in FP4.>"
    ]


def test_one_steps_from_citation_to_citation_and_out(open_page: Opener) -> None:
    page = press(answered(open_page()), "quantization")
    page.button(key="next-source").click().run()
    assert "Source 2 ·" in words(page)
    page.button(key="next-source").click().run()
    assert "Source 1 ·" in words(page)
    page.button(key="close-viewer").click().run()
    assert "Source" not in words(page)


def test_one_turns_the_pages_of_the_source(open_page: Opener) -> None:
    page = press(answered(open_page()), "quantization")
    page.button(key="page-after").click().run()
    assert "page 3 of 3" in words(page)
    assert page.button(key="page-after").disabled


def test_a_source_without_pages_opens_as_text_with_the_span_marked(open_page: Opener) -> None:
    page = until(ask(open_page(), "When does the nightly backup start?"), has_button("backups"))
    press(page, "backups")
    span = "<The nightly backup of the catalog starts at 02:30 and keeps fourteen days.>"
    assert span in prose(page, "source")[0]
    assert prose(page, "source")[0].startswith("# Backups")


def test_a_removed_source_shows_the_quote_that_was_kept(
    open_page: Opener, fake: FakeService
) -> None:
    page = answered(open_page())
    fake.store.papers.clear()
    press(page, "quantization")
    assert "no longer in the library" in words(page)
    assert prose(page, "source")[0].startswith("<A 70B model")
