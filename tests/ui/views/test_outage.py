"""What the page shows while the service is away."""

from __future__ import annotations

from pathlib import Path

import corpus
from tests.ui.asking import ANSWER, Opener, answered
from tests.ui.conftest import prose, words
from tests.ui.fake_service import FakeService

SAMPLE = Path(corpus.__file__).parent / "sample"


def test_while_the_service_is_away_the_page_says_so_and_comes_back(
    open_page: Opener, fake: FakeService
) -> None:
    page = answered(open_page())
    fake.stop()
    page.run()
    assert page.subheader[0].value == "Alcove is not answering"
    assert not page.exception
    fake.start()
    page.run()
    assert prose(page, "answer")[0].startswith(ANSWER)


def test_a_page_that_is_opened_during_an_outage_says_so(
    open_page: Opener, fake: FakeService
) -> None:
    fake.stop()
    page = open_page()
    assert "Nothing is lost" in words(page)
    fake.start()
    assert page.run().title[0].value == "What do you want to know?"
